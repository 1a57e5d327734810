"""Tables in files: CSV and Parquet, from a path or from standard input, within a budget of memory.

Every complaint is one line that says which file, and what to type.
"""

import io
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

STANDARD_INPUT = Path("-")
BYTES_A_CELL = 40  # as read, as numbers, encoded in float64 and float32, and one copy of a part
SHARE_OF_MEMORY = 0.5  # of what is free, for the table


class RawTable(NamedTuple):
    """A table as it was read.

    name: of its file. frame: a pyarrow table. is_text: whether a row is a line.
    """

    name: str
    frame: Any
    is_text: bool

    def row(self, place: int) -> str:
        """How a person finds the row at this place: a header is line 1 of a text."""
        return f"line {place + 2}" if self.is_text else f"row {place + 1}"


def read_table(path: Path, *, budget: int | None = None, as_text: Sequence[str] = ()) -> RawTable:
    """The table in a file.

    Args:
      path: of a .csv or .parquet file, or "-" for standard input, which may be either.
      budget: bytes that the table may take; by default half of the memory that is free.
      as_text: columns of a CSV file that stay as they are written, such as codes that look like
        numbers.

    Raises:
      ValueError: one line that says what is wrong and where.
    """
    import pyarrow

    allowed = free_memory() * SHARE_OF_MEMORY if budget is None else budget
    name = "standard input" if path == STANDARD_INPUT else str(path)
    source, is_text = _opened(path, name, allowed)
    try:
        if is_text:
            _check_size(name, _rows_of_text(source), _columns_of_text(source), allowed)
            frame = _csv(source, as_text)
        else:
            frame = _parquet(name, source, allowed)
        names = list(frame.column_names)
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} cannot be read: it is no text in UTF-8") from error
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{name} cannot be read: {str(error).splitlines()[0]}") from error
    twice = sorted({one for one in names if names.count(one) > 1})
    if twice:
        raise ValueError(f"{name} has two columns named {twice[0]!r}; expected different names")
    if frame.num_rows == 0:
        raise ValueError(f"{name} has no rows; expected a header and one line a sample")
    return RawTable(name, frame, is_text)


def free_memory() -> float:
    """Bytes that this machine could give; of a container, no more than its limit."""
    found = [float("inf")]
    for path, factor in (
        ("/proc/meminfo", 1024),
        ("/sys/fs/cgroup/memory.max", 1),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", 1),
    ):
        try:
            text = Path(path).read_text(encoding="ascii")
        except OSError:  # not Linux, or no container
            continue
        words = text.split()
        word = words[words.index("MemAvailable:") + 1] if "MemAvailable:" in words else words[0]
        if word.isdigit():  # and not "max"
            found.append(float(word) * factor)
    return min(found)


def _opened(path: Path, name: str, allowed: float) -> tuple[Any, bool]:
    """(path or bytes, whether it is CSV), of a file that is there and not empty."""
    if path == STANDARD_INPUT:
        content = sys.stdin.buffer.read(int(min(allowed, sys.maxsize - 1)) + 1)
        if len(content) > allowed:
            raise ValueError(_too_large(name, f"more than {size_of(allowed)}", allowed))
        if not content:
            raise ValueError(f"{name} is empty; expected a header and one line a sample")
        return content, not content.startswith(b"PAR1")
    kinds = {".csv": True, ".parquet": False}
    if not path.exists():
        raise ValueError(f"{name} does not exist; expected a CSV or Parquet file")
    if not path.is_file() or path.suffix.lower() not in kinds:
        raise ValueError(f"{name} is not a file that ends in .csv or .parquet")
    if path.stat().st_size == 0:
        raise ValueError(f"{name} is empty; expected a header and one line a sample")
    return path, kinds[path.suffix.lower()]


def _stream(source: Any) -> Any:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _rows_of_text(source: Any) -> int:
    with _stream(source) as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 22), b""))


def _columns_of_text(source: Any) -> int:
    with _stream(source) as file:
        return file.readline().count(b",") + 1


def _csv(source: Any, as_text: Sequence[str]) -> Any:
    import pyarrow
    import pyarrow.csv

    return pyarrow.csv.read_csv(
        io.BytesIO(source) if isinstance(source, bytes) else source,
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: pyarrow.string() for name in as_text},
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _parquet(name: str, source: Any, allowed: float) -> Any:
    import pyarrow.parquet

    with _stream(source) as stream:
        file = pyarrow.parquet.ParquetFile(stream)
        _check_size(name, file.metadata.num_rows, file.metadata.num_columns, allowed)
        return file.read()


def _check_size(name: str, rows: int, columns: int, allowed: float) -> None:
    taken = rows * columns * BYTES_A_CELL
    if taken > allowed:
        said = f"{rows:,} rows of {columns:,} columns, which take some {size_of(taken)}"
        raise ValueError(_too_large(name, said, allowed))


def _too_large(name: str, said: str, allowed: float) -> str:
    return (
        f"{name} has {said}; the budget for a table is {size_of(allowed)}: type a larger --memory, "
        "or use fewer rows or columns"
    )


def size_of(count: float) -> str:
    """Bytes as a person says them, such as 1.5 GiB."""
    if count < 1024:
        return f"{count:.0f} bytes"
    power = min(4, int(math.log(count, 1024)))
    return f"{count / 1024**power:.1f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"
