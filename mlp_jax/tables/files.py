"""Tables in files: CSV and Parquet, from a path or from standard input, within a budget of memory.

Every complaint is one line that says which file, and what to type.
"""

import difflib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlp_jax.models.cells import spelled
from mlp_jax.processes import memory
from mlp_jax.tables.csv_form import Form, form_of, what_is_wrong
from mlp_jax.tables.sources import NOT_UTF8, STANDARD_INPUT, open_source, stream, too_large
from mlp_jax.wording import size_of

BYTES_A_CELL = 40  # that was read, made a number, encoded in float64 and float32, and copied once
SHARE_OF_MEMORY = 0.5  # of the free memory, that a table may take


class RawTable(NamedTuple):
    """A table as it was read.

    name: of the file.
    frame: a pyarrow table.
    of_text: whether the file was CSV, whose columns have no types.
    first_line: the number of the line that is the first row, None where rows are no lines.
    ids: the columns that name rows, by name, as they were written; in `frame` they are what they
      look like, as any other column.
    notes: what a person should know of how the table was read.
    in_python: the table is no file but an object of Python's, whose owner types arguments where
      the command line has options.
    """

    name: str
    frame: Any
    of_text: bool
    first_line: int | None
    ids: dict[str, Any]
    notes: tuple[str, ...] = ()
    in_python: bool = False

    def row(self, place: int) -> str:
        """How a person finds the row at this place."""
        return row_name(place, self.first_line)

    def drop(self, name: str) -> str:
        """What to type to leave a column out."""
        return f"X.drop(columns={name!r})" if self.in_python else f"--drop {name!r}"

    def as_categories(self, name: str) -> str:
        """What to type for a column to be of categories."""
        return f"categorical=[{name!r}]" if self.in_python else f"--categorical {name!r}"

    def spelled(self, name: str) -> str:
        """The name of a column as the table has it, for a name as somebody typed it."""
        return spelled(self.frame.column_names, name) or name


def read_table(
    path: Path,
    *,
    budget: int | None = None,
    as_text: Sequence[str] = (),
    ids: Sequence[str] = (),
    wanted: Sequence[str] = (),
) -> RawTable:
    """The table in a file.

    What a spreadsheet program has put around the table is left out, and said in the notes: see
    `texts`. Names are without spaces around them, unless two would be the same.

    Args:
      path: of a .csv, .tsv or .parquet file, or "-" for standard input, which may be any. The cells
        of a text are separated by whichever of `csv_form.SEPARATORS` divides its header into
        most, those of a .tsv by tabs if that divides it.
      budget: bytes that the table may take; by default half of the memory that is free.
      as_text: columns of a CSV file that stay as they are written, such as codes that look like
        numbers; NA and the like are still missing cells.
      ids: columns to have beside the table too, of a CSV file with every text as it is.
      wanted: columns that must be there, which a text's header says before its rows are read.

    Raises:
      ValueError: one line that says what is wrong and where.
    """
    import pyarrow

    form: Form | None = None
    allowed = allowance(budget)
    name = "standard input" if path == STANDARD_INPUT else str(path)
    source, is_text, encoding = open_source(path, name, allowed)
    try:
        if is_text:
            form = form_of(source, of_tabs=path.suffix.lower() == ".tsv")
            _check_size(name, form.rows, len(form.names), allowed)
            _check_header(name, form)
            names, notes = _strip_names(form.names)
            _check_has(name, names, wanted)
            frame = _read_csv(source, form, names, as_text)
        else:
            frame = _read_parquet(name, source, allowed)
            names, notes = _strip_names(frame.column_names)
            frame = frame.rename_columns(list(names))
        beside = {one: frame[spelled(names, one)] for one in ids if _is_one_of(one, names)}
        if form is not None:
            beside = {one: _read_csv(source, form, names, [one], only=True)[0] for one in beside}
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} cannot be read: {NOT_UTF8}") from error
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{name} cannot be read: {_reason(error, source, form)}") from error
    first_line = form.first_line if form is not None and form.rows == frame.num_rows else None
    if form is not None:
        frame, more = _without_what_is_empty(frame)
        beside = {one: column.slice(0, frame.num_rows) for one, column in beside.items()}
        notes = [*form.notes, *notes, *more]
    if encoding is not None:
        notes = [f"it is in {encoding[:6].upper()}", *notes]
    _check_names_differ(name, frame.column_names, form)
    if frame.num_rows == 0:
        raise ValueError(f"{name} has no rows; expected a header and one line a sample")
    said = (f"{name}: {'; '.join(notes)}",) if notes else ()
    return RawTable(name, frame, is_text, first_line, beside, said)


def _check_header(name: str, form: Form) -> None:
    if any("\0" in one for one in form.names):
        raise ValueError(f"{name} cannot be read: {NOT_UTF8}")
    if not any(one.strip() for one in form.names):
        raise ValueError(f"{name} has no name in line {form.header}; expected a header there")


def _strip_names(written: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """(names without spaces and quotes around them, notes). Names that would be alike keep both."""
    bare = [name.strip() for name in written]
    bare = [name[1:-1].strip() if _is_quoted(name) else name for name in bare]
    times = Counter(bare)
    names = [new if times[new] == 1 else old for new, old in zip(bare, written, strict=True)]
    changed = [old for new, old in zip(names, written, strict=True) if new != old]
    kept = [old for new, old in zip(bare, names, strict=True) if new and new != old]
    notes = []
    if changed:
        which = f"{changed[0]!r}" if len(changed) == 1 else f"{len(changed)} names"
        notes.append(f"spaces around {which} are taken off")
    if kept:
        notes.append(f"{kept[0]!r} keeps the spaces around it, for another column differs by them")
    return tuple(names), notes


def _is_quoted(name: str) -> bool:
    """Whether a name is in quotes: behind a space pyarrow leaves them."""
    return len(name) > 1 and name.startswith('"') and name.endswith('"')


def _is_one_of(one: str, names: Sequence[str]) -> bool:
    found = spelled(names, one)
    return found is not None and list(names).count(found) == 1


def _without_what_is_empty(frame: Any) -> tuple[Any, list[str]]:
    """(the table of a text without nameless empty columns and empty rows at its end, notes).

    A spreadsheet program writes both where cells have once been.
    """
    notes = []
    names = frame.column_names
    nameless = [place for place, name in enumerate(names) if not name.strip()]
    nameless = [place for place in nameless if frame.num_rows and _is_empty(frame[place])]
    if nameless and len(nameless) < len(names):
        frame = frame.select([place for place in range(len(names)) if place not in nameless])
        many = "a column" if len(nameless) == 1 else f"{len(nameless)} columns"
        notes.append(f"{many} without name and cells left out")
    rows = frame.num_rows
    if frame.num_columns > 1 and rows and not any(c[-1].is_valid for c in frame.columns):
        filled = 1 + max(map(_last_filled, frame.columns))
        frame = frame.slice(0, filled)
        many = "an empty row" if rows - filled == 1 else f"{rows - filled} empty rows"
        notes.append(f"{many} at its end left out")
    return frame, notes


def _is_empty(column: Any) -> bool:
    """Whether all cells of a column are missing; pyarrow may read the very last one as ""."""
    rest = column.slice(0, len(column) - 1)
    return rest.null_count == len(rest) and column[-1].as_py() in (None, "")


def _last_filled(column: Any) -> int:
    """The place of a column's last cell that is not missing; -1 where all are missing."""
    import pyarrow.compute

    places = pyarrow.compute.indices_nonzero(column.is_valid())
    return places[-1].as_py() if len(places) else -1


def _check_names_differ(name: str, names: Sequence[str], form: Form | None) -> None:
    twice = sorted(one for one, times in Counter(names).items() if times > 1)
    if not twice:
        return
    where = "" if form is None else f" in line {form.header}"
    raise ValueError(f"{name} has two columns named {twice[0]!r}{where}; expected different names")


def _reason(error: Exception, source: Any, form: Form | None) -> str:
    """The error of pyarrow, in a line that a user can act on."""
    said = str(error).splitlines()[0]
    if "invalid UTF8" in said:
        return NOT_UTF8
    if form is None or "parse error" not in said:
        return said
    return what_is_wrong(source, form)


def row_name(place: int, first_line: int | None) -> str:
    """How a person finds the row at this place, where the first row is in line `first_line`."""
    return f"row {place + 1}" if first_line is None else f"line {first_line + place}"


def check_names(table: RawTable, wanted: Sequence[str]) -> None:
    """Raises ValueError for a name that is no column, with the one that may have been meant."""
    _check_has(table.name, table.frame.column_names, wanted)


def _check_has(table: str, names: Sequence[str], wanted: Sequence[str]) -> None:
    for name in wanted:
        if spelled(names, name) is None:
            close = difflib.get_close_matches(name, names, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"it has {some_names(names)}"
            raise ValueError(f"{table} has no column {name!r}; {meant}")


def some_names(names: Sequence[str]) -> str:
    """The first columns of a table, as messages list them."""
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


def allowance(budget: float | None) -> float:
    """Bytes that a table may take: the budget, or a share of the memory that is free."""
    return memory.free_memory() * SHARE_OF_MEMORY if budget is None else budget


def _read_csv(
    source: Any, form: Form, names: Sequence[str], as_text: Sequence[str], *, only: bool = False
) -> Any:
    """The table in a CSV file.

    only: nothing but the columns `as_text`, in which no text stands for a missing cell.
    """
    import pyarrow
    import pyarrow.csv

    texts = [found for one in as_text if (found := spelled(names, one)) is not None]
    with stream(source) as rows:
        rows.seek(form.start)
        try:
            return pyarrow.csv.read_csv(
                rows,
                read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=form.block),
                # An empty line of a single column is a missing cell.
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=form.separator,
                    ignore_empty_lines=len(names) > 1,
                    newlines_in_values=True,
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types={name: pyarrow.string() for name in texts},
                    include_columns=texts if only else [],
                    strings_can_be_null=not only,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pyarrow.ArrowInvalid as error:
            if "Empty CSV" not in str(error):
                raise
            return pyarrow.table([pyarrow.nulls(0)] * len(names), list(names))


def _read_parquet(name: str, source: Any, allowed: float) -> Any:
    import pyarrow.parquet

    with stream(source) as content:
        file = pyarrow.parquet.ParquetFile(content)
        _check_size(name, file.metadata.num_rows, file.metadata.num_columns, allowed)
        return file.read()


def _check_size(name: str, rows: int, columns: int, allowed: float) -> None:
    taken = rows * columns * BYTES_A_CELL
    if taken > allowed:
        said = f"{rows:,} rows of {columns:,} columns, which take some {size_of(taken)}"
        raise ValueError(too_large(name, said, allowed))
