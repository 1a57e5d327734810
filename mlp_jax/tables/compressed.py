"""Compressed files, a block after the other: gzip, bzip2, Zstandard, and zip of one file."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

BLOCK = 1 << 20  # bytes that are handed on at once
SUFFIXES = (".gz", ".bz2", ".zst", ".zip")
_MARKS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
_OF_EXCEL = "[Content_Types].xml"  # is in a zip that is a workbook


class NotOneTableError(ValueError):
    """A zip that has no table, or several, or a workbook; says which, without the file's name."""


def compression_of(head: bytes) -> str | None:
    """How what begins with these bytes is compressed; None where it is not."""
    return next((kind for mark, kind in _MARKS.items() if head.startswith(mark)), None)


def decompressed(source: Any, kind: str) -> Iterator[bytes]:
    """The bytes in a compressed file, in blocks.

    Args:
      source: a file of pyarrow's own, at its beginning.
      kind: of `compression_of`.

    Raises:
      NotOneTableError: a zip of something else than one file.
      OSError: it is cut short, or damaged.
    """
    if kind == "zip":
        return _in_zip(source)
    import pyarrow

    file = pyarrow.CompressedInputStream(source, kind)
    return iter(lambda: file.read(BLOCK), b"")


def _in_zip(source: Any) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(source.read())) as archive:
            names = [name for name in archive.namelist() if not _is_beside(name)]
            if _OF_EXCEL in names:
                raise NotOneTableError("is an Excel workbook")
            if len(names) != 1:
                listed = f": {', '.join(names[:5])}" if names else ""
                raise NotOneTableError(
                    f"is a zip of {len(names)} files{listed}; expected one: unzip it, and name the "
                    "table in it"
                )
            if archive.getinfo(names[0]).flag_bits & 1:
                raise NotOneTableError("is a zip with a password; unzip it, and name the table")
            with archive.open(names[0]) as file:
                yield from iter(lambda: file.read(BLOCK), b"")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise OSError(f"it is no whole zip file: {error}") from error


def _is_beside(name: str) -> bool:
    """Whether a name in a zip is of a folder, or of what macOS puts beside a file."""
    return name.endswith("/") or name.startswith("__MACOSX/")
