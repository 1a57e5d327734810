"""A table as it was read: its columns, where its rows were, and what was noted on the way."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.models.any_table import spelled
from mlp_jax.tables.notes import Note, lines


class Rows(NamedTuple):
    """Where the rows of a table are in its file.

    first_line: the number of the line that is the first row, None where rows are no lines.
    kept: the places in the file of the rows that are left, None for all.
    """

    first_line: int | None = None
    kept: np.ndarray | None = None

    def name(self, place: int) -> str:
        """How a person finds the row at this place."""
        place = place if self.kept is None else int(self.kept[place])
        return f"row {place + 1}" if self.first_line is None else f"line {self.first_line + place}"


class RawTable(NamedTuple):
    """A table as it was read.

    name: of the file.
    frame: a pyarrow table.
    of_text: whether the file was CSV, whose columns have no types.
    rows: where they are in the file.
    ids: the columns that name rows, by name, as they were written; in `frame` they are what they
      look like, as any other column.
    notes: what a person should know of how the table was read.
    in_python: the table is no file but an object of Python's, whose owner types arguments where
      the command line has options.
    strict: what is not plain is refused, and nothing is made of it.
    codes: the names of columns in which numbers are written with zeros in front.
    decimal_comma: whether 1,234 is rather little more than one than a thousand; None for who knows.
    """

    name: str
    frame: Any
    of_text: bool
    rows: Rows = Rows()
    ids: Mapping[str, Any] = {}  # never written to
    notes: tuple[Note, ...] = ()
    in_python: bool = False
    strict: bool = False
    codes: frozenset[str] = frozenset()
    decimal_comma: bool | None = False

    def said(self) -> list[str]:
        """The notes, a line for each thing that was done."""
        return lines(self.notes, in_python=self.in_python)

    def row(self, place: int) -> str:
        """How a person finds the row at this place."""
        return self.rows.name(place)

    def cell(self, place: int, name: str) -> str:
        """How a person finds the cell in this row and column."""
        return f"{self.name}, {self.row(place)}, column {name!r}"

    def drop(self, name: str) -> str:
        """What to type to leave a column out."""
        return f"X.drop(columns={name!r})" if self.in_python else f"--drop {name!r}"

    def as_categories(self, name: str) -> str:
        """What to type for a column to be of categories."""
        return f"categorical=[{name!r}]" if self.in_python else f"--categorical {name!r}"

    def spelled(self, name: str) -> str:
        """The name of a column as the table has it, for a name as somebody typed it."""
        return spelled(self.frame.column_names, name) or name

    def with_rows(self, kept: np.ndarray) -> "RawTable":
        """The table of some of its rows; kept: (rows,), whether a row is one of them."""
        import pyarrow

        places = np.flatnonzero(kept)
        before = self.rows.kept
        rows = self.rows._replace(kept=places if before is None else before[places])
        return self._replace(frame=self.frame.filter(pyarrow.array(kept)), rows=rows)
