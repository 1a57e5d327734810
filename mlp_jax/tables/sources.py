"""Where the bytes of a table come from: a file or standard input, in whatever encoding.

The bytes are handed on as a file or a buffer of pyarrow's own, never as an object of Python's. The
threads of pyarrow release what they have read a moment after the table is there. A thread that must
take Python's lock to release an object, while Python ends, ends the process with exit code 134.
"""

import codecs
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from mlp_jax.tables.compressed import (
    SUFFIXES,
    NotOneTableError,
    compression_of,
    decompressed,
)
from mlp_jax.tables.other_formats import to_csv
from mlp_jax.wording import size_of

STANDARD_INPUT = Path("-")
BLOCK = 1 << 20  # bytes that are read at once
HEAD = 1 << 12  # bytes that tell the encoding
PARQUET = b"PAR1"  # begins such a file
# Of files that hold tables; of the first ones, what is in them says what they are.
ENDINGS = (*SUFFIXES, ".csv", ".tsv", ".tab", ".txt", ".data", ".dat", ".parquet", ".pq")
NOT_UTF8 = "it is no text in UTF-8; save it as UTF-8"
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is the beginning of this one
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_BE: "utf-16",
}


def open_source(path: Path, name: str, allowed: float) -> tuple[Any, bool, str | None]:
    """(path or buffer, whether it is text, its encoding or None for UTF-8).

    A text in another encoding is in UTF-8 in the buffer, and what was compressed is not there.

    Args:
      path: of a file that ends in one of `ENDINGS`, or `STANDARD_INPUT`.
      name: of the file, for messages.
      allowed: bytes that the buffer may take.

    Raises:
      ValueError: there is no such file, or nothing in it, or more than is allowed.
    """
    if path == STANDARD_INPUT:
        if sys.stdin is None:
            raise ValueError("standard input is closed; type the name of a file, or pipe one in")
        try:
            return _read_all(_blocks(sys.stdin.buffer), name, allowed)
        except NotOneTableError as error:
            raise ValueError(f"{name} {error}; expected a CSV or Parquet file") from None
        except OSError as error:
            raise ValueError(f"{name} cannot be read: {error}") from error
    suffix = suffix_of(path)
    if not path.exists():
        raise ValueError(f"{name} does not exist; expected a CSV or Parquet file")
    if not path.is_file() or suffix not in ENDINGS:
        raise ValueError(_of_another_kind(path, name))
    if path.stat().st_size == 0:
        raise ValueError(f"{name} is empty; expected a header and one line a sample")
    try:
        with stream(path) as file:
            head = file.read(HEAD)
            if compression_of(head) is None and head.startswith(PARQUET):
                return path, False, None
            if compression_of(head) is None and encoding_of_text(head) is None:
                return path, suffix != ".parquet", None
            file.seek(0)
            return _read_all(_blocks(file), name, allowed)
    except NotOneTableError as error:
        raise ValueError(_of_another_kind(path, name, str(error))) from None
    except OSError as error:
        raise ValueError(f"{name} cannot be read: {error}") from error


def suffix_of(path: Path) -> str:
    """How the name of a table ends, compressed or not, in lower case: ".csv" of t.csv.gz."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if len(suffixes) > 1 and suffixes[-1] in SUFFIXES:
        is_known = suffixes[-2] in ENDINGS or to_csv(path) is not None
        return suffixes[-2] if is_known else suffixes[-1]
    return suffixes[-1] if suffixes else ""


def _of_another_kind(path: Path, name: str, found: str = "") -> str:
    """What to say of a file that is no table."""
    line = to_csv(path, suffix=".xlsx" if "Excel" in found else None)
    if line is not None and not path.is_dir():
        return f"{name} {found or 'is no CSV or Parquet file'}; make one of it: {line}"
    endings = "is not a file that ends in .csv, .tsv or .parquet, or in one of these and .gz, .bz2"
    return f"{name} {found or f'{endings}, .zst or .zip'}"


def stream(source: Any) -> Any:
    """A path or a buffer of pyarrow, as a file of pyarrow's own."""
    import pyarrow

    if isinstance(source, pyarrow.Buffer):
        return pyarrow.BufferReader(source)
    return pyarrow.OSFile(os.fsencode(source))  # as bytes, since a name need not be UTF-8


def _blocks(file: Any) -> Iterator[bytes]:
    return iter(lambda: file.read(BLOCK), b"")


def _read_all(parts: Iterator[bytes], name: str, allowed: float) -> tuple[Any, bool, str | None]:
    """What `open_source` returns of bytes that come in blocks.

    To ask a stream for all bytes at once would take room for all of them before they are checked.
    """
    import pyarrow

    first = next(parts, b"")
    kind = compression_of(first)
    if kind is not None:
        content = pyarrow.BufferOutputStream()
        _write(content, chain([first], parts), name, allowed)
        parts = decompressed(pyarrow.BufferReader(content.getvalue()), kind)
        first = next(parts, b"")
    if not first:
        raise ValueError(f"{name} is empty; expected a header and one line a sample")
    encoding = encoding_of_text(first)
    content = pyarrow.BufferOutputStream()
    read = chain([first], parts)
    in_utf8 = read if encoding is None else _in_utf8(read, encoding, name)
    _write(content, in_utf8, name, allowed)
    return content.getvalue(), encoding is not None or not first.startswith(PARQUET), encoding


def _write(content: Any, parts: Iterable[bytes], name: str, allowed: float) -> None:
    """Writes blocks to a stream of pyarrow's; ValueError where it gets longer than is allowed."""
    for part in parts:
        content.write(part)
        if content.tell() > allowed:
            raise ValueError(too_large(name, f"more than {size_of(allowed)}", allowed))


def encoding_of_text(head: bytes) -> str | None:
    """The encoding of a text that begins with these bytes; None for UTF-8."""
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    # Of two bytes of UTF-16, digits, separators and the ends of lines have a 0 on the same side.
    first, second = head[:HEAD:2], head[1:HEAD:2]
    for of_zeros, other, encoding in ((second, first, "utf-16-le"), (first, second, "utf-16-be")):
        if 4 * of_zeros.count(0) > len(of_zeros) and 0 not in other:
            return encoding
    return None


def _in_utf8(parts: Iterable[bytes], encoding: str, name: str) -> Iterator[bytes]:
    """The blocks of a text in another encoding, in UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding)()
    has_lines = False
    try:
        for part in parts:
            text = decoder.decode(part).encode()
            has_lines |= b"\n" in text or b"\r" in text
            yield text
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError:
        has_lines = False
    if not has_lines:  # pairs of other bytes are hardly ever an end of a line
        raise ValueError(
            f"{name} cannot be read: it is no text in UTF-8, nor in {encoding[:6].upper()}, as "
            "which it begins; save it as UTF-8"
        )


def too_large(name: str, said: str, allowed: float) -> str:
    """What to say of a table that is too large."""
    return (
        f"{name} has {said}; the budget for a table is {size_of(allowed)}: type a larger --memory, "
        "or use fewer rows or columns"
    )
