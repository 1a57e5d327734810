"""Tables in files: CSV and Parquet, from a path or from standard input, within a budget of memory.

Every complaint is one line that says which file, and what to type.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlp_jax.models.any_table import spelled
from mlp_jax.processes import memory
from mlp_jax.tables.csv_form import Form, form_of
from mlp_jax.tables.csv_rows import what_is_wrong, with_zeros
from mlp_jax.tables.names import check_has, strip_names, told_apart
from mlp_jax.tables.notes import TABLE, Note
from mlp_jax.tables.raw_table import RawTable, Rows
from mlp_jax.tables.sources import (
    NOT_UTF8,
    STANDARD_INPUT,
    open_source,
    stream,
    suffix_of,
    too_large,
)
from mlp_jax.wording import size_of

BYTES_A_CELL = 40  # that was read, made a number, encoded in float64 and float32, and copied once
# Whether 1,234 is rather little more than one: programs that write decimal commas put semicolons
# between cells.
_COMMA_BY_SEPARATOR = {",": False, ";": True}
SHARE_OF_MEMORY = 0.5  # of the free memory, that a table may take


def read_table(
    path: Path,
    *,
    budget: int | None = None,
    as_text: Sequence[str] = (),
    ids: Sequence[str] = (),
    wanted: Sequence[str] = (),
    has_header: bool = True,
    strict: bool = False,
) -> RawTable:
    """The table in a file.

    What a spreadsheet program has put around the table is left out, and said in the notes: see
    `csv_form`. Names are without spaces around them, unless two would be the same.

    Args:
      path: of a .csv, .tsv or .parquet file, compressed or not, or "-" for standard input, which
        may be any. The cells of a text are separated by whichever of `csv_form.SEPARATORS` divides
        its header into most, those of a .tsv by tabs if that divides it.
      budget: bytes that the table may take; by default half of the memory that is free.
      as_text: columns of a CSV file that stay as they are written, such as codes that look like
        numbers; NA and the like are still missing cells.
      ids: columns to have beside the table too, of a CSV file with every text as it is.
      wanted: columns that must be there, which a text's header says before its rows are read.
      has_header: whether a text begins with the names of its columns; they are 0, 1, ... if not.
      strict: two columns of one name are an error, and the table is one to be read strictly.

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
            is_of_tabs = suffix_of(path) in (".tsv", ".tab")
            form = form_of(source, of_tabs=is_of_tabs, has_header=has_header)
            _check_size(name, form.rows, len(form.names), allowed)
            _check_header(name, form)
            line = form.header if has_header else None
            read = _text(name, source, form, as_text, ids, wanted, line=line, strict=strict)
        else:
            read = _columns(name, source, allowed, ids, strict=strict)
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} cannot be read: {NOT_UTF8}") from error
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{name} cannot be read: {_reason(error, source, form)}") from error
    if read.frame.num_rows == 0:
        raise ValueError(f"{name} has no rows; expected a header and one line a sample")
    done = [*([f"it is in {encoding[:6].upper()}"] if encoding else []), *read.done]
    of_file = [Note(TABLE, f"{name}: {'; '.join(done)}")] if done else []
    return RawTable(
        *(name, read.frame, is_text, Rows(read.first_line), read.ids),
        notes=(*of_file, *read.renamed),
        strict=strict,
        codes=read.codes,
        decimal_comma=False if form is None else _COMMA_BY_SEPARATOR.get(form.separator),
    )


class _Read(NamedTuple):
    """What is in a file.

    frame: a pyarrow table of different names.
    ids: the columns that name rows, as they are written.
    done: what a person should know of how it was read.
    renamed: the columns whose names were those of others.
    first_line: see `Rows`.
    codes: see `RawTable`.
    """

    frame: Any
    ids: dict[str, Any]
    done: list[str]
    renamed: list[Note]
    first_line: int | None = None
    codes: frozenset[str] = frozenset()


def _text(
    name: str,
    source: Any,
    form: Form,
    as_text: Sequence[str],
    ids: Sequence[str],
    wanted: Sequence[str],
    *,
    line: int | None,
    strict: bool,
) -> _Read:
    """The table in a text, without what is empty around it; line: of its header, if it has one."""
    written, done = strip_names(form.names)
    check_has(name, written, wanted, first_line=line)
    # What has no name may be left out below.
    names, renamed = told_apart(name, written, line=form.header, strict=strict, nameless=False)
    frame = _read_csv(source, form, names, as_text)
    first_line = form.first_line if form.rows == frame.num_rows else None
    frame, left_out = _without_what_is_empty(frame)
    beside = {
        one: _read_csv(source, form, names, [one], only=True)[0].slice(0, frame.num_rows)
        for one in ids
        if _is_one_of(one, names)
    }
    different, again = told_apart(name, frame.column_names, line=form.header, strict=strict)
    frame = frame.rename_columns(different)
    done = [*form.notes, *done, *left_out]
    places = with_zeros(source, form)
    codes = frozenset(one for place, one in enumerate(names) if place in places)
    return _Read(frame, beside, done, [*renamed, *again], first_line, codes)


def _columns(name: str, source: Any, allowed: float, ids: Sequence[str], *, strict: bool) -> _Read:
    """The table in a Parquet file."""
    frame = _read_parquet(name, source, allowed)
    written, done = strip_names(frame.column_names)
    names, renamed = told_apart(name, written, strict=strict)
    frame = frame.rename_columns(names)
    beside = {one: frame[spelled(names, one)] for one in ids if _is_one_of(one, names)}
    return _Read(frame, beside, done, renamed)


def _check_header(name: str, form: Form) -> None:
    if any("\0" in one for one in form.names):
        raise ValueError(f"{name} cannot be read: {NOT_UTF8}")
    if not any(one.strip() for one in form.names):
        raise ValueError(f"{name} has no name in line {form.header}; expected a header there")


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


def _reason(error: Exception, source: Any, form: Form | None) -> str:
    """The error of pyarrow, in a line that a user can act on."""
    said = str(error).splitlines()[0]
    if "invalid UTF8" in said:
        return NOT_UTF8
    if form is None or "parse error" not in said:
        return said
    return what_is_wrong(source, form)


def check_names(table: RawTable, wanted: Sequence[str]) -> None:
    """Raises ValueError for a name that is no column, with the one that may have been meant."""
    check_has(table.name, table.frame.column_names, wanted)


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
