"""Tables in files: CSV and Parquet, from a path or from standard input, within a budget of memory.

Every complaint is one line that says which file, and what to type.
"""

import codecs
import difflib
import io
import math
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

STANDARD_INPUT = Path("-")
BYTES_A_CELL = 40  # as read, as numbers, encoded in float64 and float32, and one copy of a part
SHARE_OF_MEMORY = 0.5  # of what is free, for the table
BLOCK = 1 << 20  # bytes that are read at once from standard input
SEPARATORS = ",;\t|"  # between the cells of a line; the first where none is there
HEADER = 1 << 24  # bytes in which a header is looked for
LONGEST = (1 << 31) - 1  # bytes that pyarrow can read at once
NOT_UTF8 = "it is no text in UTF-8; save it as UTF-8"
# A cell and what ends it; in quotes, neither a separator nor the end of a line does.
_CELL = re.compile(rf'(?:"[^"]*(?:""[^"]*)*")?[^{SEPARATORS}\r\n]*([{SEPARATORS}\r\n]|\Z)'.encode())


class RawTable(NamedTuple):
    """A table as it was read.

    name: of its file. frame: a pyarrow table. of_text: whether it was CSV, whose columns have no
    types. by_line: whether every row is a line of it. ids: columns that name rows, by name, as they
    were written; in `frame` they are what they look like, as any other.
    """

    name: str
    frame: Any
    of_text: bool
    by_line: bool
    ids: dict[str, Any]

    def row(self, place: int) -> str:
        """How a person finds the row at this place."""
        return row_name(place, by_line=self.by_line)


class _Form(NamedTuple):
    """What a text looks like from outside.

    separator: the character between two cells. columns: how many. rows: its lines without the
    header. block: bytes, no less than its longest line has.
    """

    separator: str
    columns: int
    rows: int
    block: int


def read_table(
    path: Path,
    *,
    budget: int | None = None,
    as_text: Sequence[str] = (),
    ids: Sequence[str] = (),
) -> RawTable:
    """The table in a file.

    Args:
      path: of a .csv, .tsv or .parquet file, or "-" for standard input, which may be any. The cells
        of a text are separated by whichever of `SEPARATORS` divides its header into most, those of
        a .tsv by tabs if that divides it.
      budget: bytes that the table may take; by default half of the memory that is free.
      as_text: columns of a CSV file that stay as they are written, such as codes that look like
        numbers; NA and the like are still missing cells.
      ids: columns to have beside the table too, of a CSV file with every text as it is.

    Raises:
      ValueError: one line that says what is wrong and where.
    """
    import pyarrow

    form: _Form | None = None
    allowed = allowance(budget)
    name = "standard input" if path == STANDARD_INPUT else str(path)
    source, is_text = _opened(path, name, allowed)
    try:
        if is_text:
            form = _form(source)
            _check_size(name, form.rows, form.columns, allowed)
            frame = _csv(source, form, as_text)
            by_line = form.rows == frame.num_rows
        else:
            frame, by_line = _parquet(name, source, allowed), False
        names = list(frame.column_names)
        beside = {one: frame[one] for one in ids if names.count(one) == 1}
        if form is not None:
            beside = {one: _csv(source, form, [one], only=True)[one] for one in beside}
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} cannot be read: {NOT_UTF8}") from error
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{name} cannot be read: {_reason(error, form)}") from error
    twice = sorted(one for one, times in Counter(names).items() if times > 1)
    if twice:
        raise ValueError(f"{name} has two columns named {twice[0]!r}; expected different names")
    if frame.num_rows == 0:
        raise ValueError(f"{name} has no rows; expected a header and one line a sample")
    return RawTable(name, frame, is_text, by_line, beside)


def _reason(error: Exception, form: _Form | None) -> str:
    """What pyarrow says, in a line that a user can act on."""
    said = str(error).splitlines()[0]
    if "invalid UTF8" in said:
        return NOT_UTF8
    if form is None or "parse error" not in said:
        return said
    separator = "a tab" if form.separator == "\t" else repr(form.separator)
    return f"{said}; by its header, {separator} separates the cells"


def row_name(place: int, *, by_line: bool) -> str:
    """How a person finds the row at this place: a header is line 1 of a text."""
    return f"line {place + 2}" if by_line else f"row {place + 1}"


def check_names(table: RawTable, wanted: Sequence[str]) -> None:
    """Raises ValueError for a name that is no column, with the one that may have been meant."""
    names = list(table.frame.column_names)
    for name in wanted:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"it has {some_names(table)}"
            raise ValueError(f"{table.name} has no column {name!r}; {meant}")


def some_names(table: RawTable) -> str:
    """Its columns, as a person is told of them."""
    names = table.frame.column_names
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


def allowance(budget: float | None) -> float:
    """Bytes that a table may take: the budget, or a share of the memory that is free."""
    return free_memory() * SHARE_OF_MEMORY if budget is None else budget


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
        if sys.stdin is None:
            raise ValueError("standard input is closed; type the name of a file, or pipe one in")
        content = _read_whole(sys.stdin.buffer, name, allowed)
        if not content:
            raise ValueError(f"{name} is empty; expected a header and one line a sample")
        return content, not content.startswith(b"PAR1")
    kinds = {".csv": True, ".tsv": True, ".parquet": False}
    if not path.exists():
        raise ValueError(f"{name} does not exist; expected a CSV or Parquet file")
    if not path.is_file() or path.suffix.lower() not in kinds:
        raise ValueError(f"{name} is not a file that ends in .csv, .tsv or .parquet")
    if path.stat().st_size == 0:
        raise ValueError(f"{name} is empty; expected a header and one line a sample")
    return path, kinds[path.suffix.lower()]


def _read_whole(file: Any, name: str, allowed: float) -> bytes:
    """In blocks, for whoever asks for all that is allowed at once is given room for it."""
    content = io.BytesIO()
    while block := file.read(BLOCK):
        content.write(block)
        if content.tell() > allowed:
            raise ValueError(_too_large(name, f"more than {size_of(allowed)}", allowed))
    return content.getvalue()


def _stream(source: Any) -> Any:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _form(source: Any) -> _Form:
    with _stream(source) as file:
        text = file.read(HEADER).removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")
    counts = dict.fromkeys(SEPARATORS, 0)
    for cell in _CELL.finditer(text):
        ending = cell[1].decode()
        if ending not in counts:
            break
        counts[ending] += 1
    separator = max(counts, key=counts.__getitem__)
    if isinstance(source, Path) and source.suffix.lower() == ".tsv" and counts["\t"]:
        separator = "\t"
    return _Form(separator, counts[separator] + 1, *_lines(source))


def _lines(source: Any) -> tuple[int, int]:
    """(lines without the header, whether or not the last one is ended; bytes that none exceeds)."""
    size = BLOCK // 2
    lines, last, endless, most = 0, b"\n", 0, 0
    with _stream(source) as file:
        for block in iter(lambda: file.read(size), b""):
            ends = block.count(b"\n")
            endless = 0 if ends else endless + 1
            lines, last, most = lines + ends, block[-1:], max(most, endless)
    # The longest line goes through all blocks without an end, and into one on either side.
    return lines - 1 + (last != b"\n"), min(LONGEST, (most + 2) * size)


def _csv(source: Any, form: _Form, as_text: Sequence[str], *, only: bool = False) -> Any:
    """only: the columns `as_text`, of which no text stands for a missing cell."""
    import pyarrow
    import pyarrow.csv

    with _stream(source) as stream:  # opened here, for pyarrow opens no name that is not UTF-8
        return pyarrow.csv.read_csv(
            stream,
            read_options=pyarrow.csv.ReadOptions(block_size=form.block),
            # An empty line of a single column is a missing cell.
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=form.separator,
                ignore_empty_lines=form.columns > 1,
                newlines_in_values=True,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={name: pyarrow.string() for name in as_text},
                include_columns=list(as_text) if only else [],
                strings_can_be_null=not only,
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
    return f"{count / 1024**power:.2f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"
