"""Bytes come from files and pipes in any encoding, and no thread of pyarrow's is left with them."""

import ctypes
import io
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pyarrow
import pyarrow.csv
import pyarrow.parquet
import pytest

from mlp_jax.tables import files as table_files
from mlp_jax.tables.files import read_table

TEXT = "name,größe\n" + "\n".join(f"Zoë {i},{i}" for i in range(400))


def threads_so_far():
    """How many states of threads the interpreter has made, this one included.

    It makes one whenever a thread that is none of Python's takes its lock.
    """
    api, found = ctypes.pythonapi, []
    api.PyThreadState_Get.restype = ctypes.c_void_p
    api.PyThreadState_GetID.restype = ctypes.c_uint64
    api.PyThreadState_GetID.argtypes = [ctypes.c_void_p]
    look = threading.Thread(
        target=lambda: found.append(api.PyThreadState_GetID(api.PyThreadState_Get()))
    )
    look.start()
    look.join()
    return found[0]


def piped(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    return Path("-")


@pytest.mark.parametrize("kind", ["text", "UTF-16", "Parquet", "pipe", "pipe of Parquet"])
def test_no_thread_of_pyarrow_enters_python(kind, tmp_path, monkeypatch):
    """Else one that does so while Python ends aborts the process, with exit code 134."""
    path = tmp_path / ("t.parquet" if "Parquet" in kind else "t.csv")
    if "Parquet" in kind:
        table = pyarrow.table({"name": ["x"] * 5000, "größe": [0.5] * 5000})
        pyarrow.parquet.write_table(table, path, row_group_size=1000)
    else:
        path.write_bytes(TEXT.encode("utf-16" if kind == "UTF-16" else "utf-8"))
    path = piped(monkeypatch, path.read_bytes()) if "pipe" in kind else path
    before = threads_so_far()
    assert read_table(path, ids=["name"]).frame.num_columns == 2
    assert threads_so_far() - before == 1


def test_a_thread_of_pyarrow_in_python_would_be_seen():
    before = threads_so_far()
    pyarrow.csv.read_csv(io.BytesIO(TEXT.encode()))
    assert threads_so_far() - before > 1


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-le", b""),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-16-be", b""),
        ("utf-32-le", b"\xff\xfe\0\0"),
        ("utf-32-be", b"\0\0\xfe\xff"),
    ],
)
@pytest.mark.parametrize("pipe", [True, False])
def test_a_text_may_be_in_another_encoding(encoding, mark, pipe, tmp_path, monkeypatch):
    content = mark + TEXT.encode(encoding)
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    table = read_table(piped(monkeypatch, content) if pipe else path)
    assert table.frame.column_names == ["name", "größe"]
    assert table.frame["name"].to_pylist() == [f"Zoë {i}" for i in range(400)]
    assert table.row(0) == "line 2"
    where = "standard input" if pipe else str(path)
    said = [] if encoding == "utf-8" else [f"{where}: it is in {encoding[:6].upper()}"]
    assert table.said() == said


def test_a_character_may_lie_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("mlp_jax.tables.sources.BLOCK", 7)
    path = tmp_path / "t.csv"
    path.write_bytes("a;b\n𝄞𝄞𝄞;1\n𝄞;2\n".encode("utf-16"))
    assert read_table(path).frame.to_pydict() == {"a": ["𝄞𝄞𝄞", "𝄞"], "b": [1, 2]}


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfea\x00,\x00b\x00\n\x00\x00\xd8,\x00",  # half a pair
        b"\xff\xfea,b\n1,2\n3,4\n",  # other text with a mark before it
        "\ufeffa,b\n1,2\n".encode("utf-16-le")[:-1],  # half a character
    ],
)
def test_what_begins_as_utf_16_and_is_not_is_refused(content, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    said = r"t\.csv cannot be read: it is no text in UTF-8, nor in UTF-16, as which it begins"
    with pytest.raises(ValueError, match=said):
        read_table(path)


def test_text_in_another_encoding_keeps_to_the_budget(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(("a,b\n" + "1,2\n" * 500_000).encode("utf-16"))
    with pytest.raises(ValueError, match=r"t\.csv has more than 1\.00 MiB; the budget for a table"):
        read_table(path, budget=1 << 20)


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")

    def refuses(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mlp_jax.tables.sources.stream", refuses)
    monkeypatch.setattr(table_files, "stream", refuses)
    with pytest.raises(ValueError, match=r"t\.csv cannot be read: .*Permission denied"):
        read_table(path)
