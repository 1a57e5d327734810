"""Compressed tables are read as those that are not, and other formats are named with a cure."""

import bz2
import gzip
import io
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pyarrow
import pyarrow.parquet
import pytest

from mlp_jax.tables import compressed
from mlp_jax.tables.files import read_table

TEXT = b"a,b\n" + b"".join(b"%d,x%d\n" % (i, i) for i in range(300))


BOOK = "[Content_Types].xml"  # what a workbook of Excel has in its zip


def zipped(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def zstandard(text):
    content = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(content, "zstd") as file:
        file.write(text)
    return content.getvalue().to_pybytes()


PACKED = {
    "t.csv.gz": gzip.compress(TEXT),
    "t.csv.bz2": bz2.compress(TEXT),
    "t.csv.zst": zstandard(TEXT),
    "t.csv.zip": zipped({"t.csv": TEXT}),
    "t.zip": zipped({"dir/": b"", "dir/t.csv": TEXT, "__MACOSX/dir/t.csv": b"x"}),
    "T.CSV.GZ": gzip.compress(TEXT),
    "two members.csv.gz": gzip.compress(TEXT[:400]) + gzip.compress(TEXT[400:]),
    "without a suffix of its own.gz": gzip.compress(TEXT),
    "named otherwise.csv": gzip.compress(TEXT),
    "not compressed at all.csv.gz": TEXT,
    "utf-16.csv.gz": gzip.compress(TEXT.decode().encode("utf-16")),
    "tabs.tsv.gz": gzip.compress(TEXT.replace(b",", b"\t")),
}


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("pipe", [False, True])
def test_a_compressed_text_is_read(name, pipe, tmp_path, monkeypatch):
    path = tmp_path / name
    path.write_bytes(PACKED[name])
    if pipe:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(PACKED[name])))
        path = Path("-")
    monkeypatch.setattr(compressed, "BLOCK", 97)
    frame = read_table(path).frame
    assert frame.to_pydict() == {"a": list(range(300)), "b": [f"x{i}" for i in range(300)]}


def test_compressed_parquet_is_read(tmp_path):
    content = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"a": [1, 2]}), content)
    (tmp_path / "t.parquet.gz").write_bytes(gzip.compress(content.getvalue()))
    assert read_table(tmp_path / "t.parquet.gz").frame.to_pydict() == {"a": [1, 2]}


def test_what_unpacks_to_more_than_the_budget_is_not_unpacked(tmp_path, monkeypatch):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * (1 << 20)))
    monkeypatch.setattr(compressed, "BLOCK", 1 << 18)
    with pytest.raises(ValueError, match=r"t\.csv\.gz has more than 1\.00 MiB; the budget for a"):
        read_table(tmp_path / "t.csv.gz", budget=1 << 20)


BROKEN = {
    "cut.csv.gz": (PACKED["t.csv.gz"][:200], "cannot be read: .*"),
    "cut.csv.zip": (PACKED["t.zip"][:200], "cannot be read: it is no whole zip file"),
    "damaged.csv.bz2": (PACKED["t.csv.bz2"][:100] + b"x" * 200, "cannot be read: "),
    "two.zip": (
        zipped({"a.csv": "a", "b.csv": "b"}),
        "is a zip of 2 files: a.csv, b.csv; expected one",
    ),
    "none.zip": (zipped({}), "is empty|cannot be read|is a zip of 0 files"),
    "empty.csv.gz": (gzip.compress(b""), "is empty; expected a header"),
    "book.xlsx": (
        b"PK",
        r"book\.xlsx is no CSV or Parquet file; make one of it: python -c \"import",
    ),
    "book.csv": (
        zipped({BOOK: b"x"}),
        r"is an Excel workbook; make one .*pandas\.read_excel\('.*book\.csv'\)\.to_csv\('.*book_1",
    ),
    "lines.jsonl": (
        b"{}",
        r"read_json\('.*lines\.jsonl', lines=True\)\.to_csv\('.*lines\.csv', in",
    ),
    "lines.json.gz": (b"{}", r"read_json\('.*lines\.json\.gz'\)\.to_csv\('.*lines\.csv', index=Fa"),
    "t.dta": (b"x", r"pandas\.read_stata\('.*t\.dta'\)"),
    "t.doc": (b"x", r"t\.doc is not a file that ends in \.csv, \.tsv or \.parquet, or in one of"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_table_is_named_with_a_cure(name, tmp_path):
    content, said = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=said) as error:
        read_table(tmp_path / name)
    assert "\n" not in str(error.value)


def test_the_line_of_pandas_makes_the_table(tmp_path):
    """As it is said, but for Python's own words."""
    (tmp_path / "t.jsonl").write_text('{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n')
    with pytest.raises(ValueError, match="make one of it") as error:
        read_table(tmp_path / "t.jsonl")
    code = str(error.value).split('python -c "')[1].removesuffix('"')
    exec(code)
    assert read_table(tmp_path / "t.csv").frame.to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


def test_a_workbook_on_standard_input_is_named(monkeypatch):
    book = zipped({BOOK: b"x"})
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(book)))
    with pytest.raises(ValueError, match="standard input is an Excel workbook; expected a CSV"):
        read_table(Path("-"))
