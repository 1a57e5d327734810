"""What was done to a table without being asked, as data, and in lines for people.

A note is of one column or of the whole table; notes of a kind become one line, however many columns
they are of.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

SHOWN = 4  # columns that a line names

(TABLE, TWICE, SPACES, NO_TARGET, NUMBERS, DATES, GAPS, ZEROS, NAMES, INDEX, COUNTS) = (
    *("table", "two of a name", "spaces", "rows without target", "numbers in texts", "dates"),
    *("gaps", "zeros in front", "names of rows", "an index", "numbers of rows"),
)
SAME, HELD_OUT = "constant", "held out"
DISCARDS = (NO_TARGET, NAMES)  # kinds of notes by which data is lost that may have mattered


class Note(NamedTuple):
    """A thing that was done to a table.

    what: its kind, one of the constants here.
    detail: what more there is to say of it.
    column: the name of the column; "" for a note of the table.
    """

    what: str
    detail: str = ""
    column: str = ""


def lines(notes: Iterable[Note], *, in_python: bool = False) -> list[str]:
    """Notes in words, a line for every kind, in the order in which the kinds first came.

    in_python: the table is no file, and what to type are arguments.
    """
    by_kind: dict[str, list[Note]] = {}
    for note in notes:
        by_kind.setdefault(note.what, []).append(note)
    return [line for what, some in by_kind.items() for line in _LINES[what](some, in_python)]


def what_is_left_out(notes: Iterable[Note], *, in_python: bool = False) -> str:
    """For the end of an error: the names of rows that nobody has asked for; "" for none."""
    names = [one for one in notes if one.what == NAMES]
    return "".join(f"; {line}" for line in lines(names, in_python=in_python))


def _of_table(notes: Sequence[Note], _: bool) -> list[str]:
    return [note.detail for note in notes]


def _twice(notes: Sequence[Note], _: bool) -> list[str]:
    said = [f"the second {one.column!r} is {one.detail!r}" for one in notes]
    return [f"columns have the same names: {_some(said)}"]


def _spaces(notes: Sequence[Note], _: bool) -> list[str]:
    return [f"spaces around the texts of {_columns(notes)} are taken off"]


def _numbers(notes: Sequence[Note], _: bool) -> list[str]:
    return [f"read as numbers: {_details(notes)}"]


def _dates(notes: Sequence[Note], _: bool) -> list[str]:
    return [
        f"read as dates, whose year, month, weekday, hour and so on are inputs: {_details(notes)}"
    ]


def _gaps(notes: Sequence[Note], _: bool) -> list[str]:
    return [f"read as gaps: {_details(notes)}"]


def _zeros(notes: Sequence[Note], in_python: bool) -> list[str]:
    names = [one.column for one in notes][:SHOWN]
    cure = f"categorical={names!r}" if in_python else f"--categorical {names[0]!r}"
    return [
        f"read as numbers, with zeros in front: {_columns(notes)}; type {cure} if these are codes"
    ]


def _names(notes: Sequence[Note], in_python: bool) -> list[str]:
    names = [one.column for one in notes]
    cure = f"categorical={names[:SHOWN]!r}" if in_python else "--categorical NAME"
    if len(notes) == 1:
        cure = cure if in_python else f"--categorical {names[0]!r}"
        return [f"left out {names[0]!r}: {notes[0].detail}; {cure} keeps it"]
    return [f"left out {_details(notes)}, names rather than categories; {cure} keeps them"]


def _index(notes: Sequence[Note], _: bool) -> list[str]:
    return [f"{_named(notes, 'numbers', 'number')} the rows and {_is(notes)} left out"]


def _counts(notes: Sequence[Note], in_python: bool) -> list[str]:
    cure = f"X.drop(columns={notes[0].column!r})" if in_python else f"--drop {notes[0].column!r}"
    return [f"{_named(notes, 'numbers', 'number')} the rows; type {cure} if that is all"]


def _same(notes: Sequence[Note], _: bool) -> list[str]:
    return [f"{_named(notes, 'is', 'are')} the same in every row and left out"]


_LINES: dict[str, Callable[[Sequence[Note], bool], list[str]]] = {
    TABLE: _of_table,
    TWICE: _twice,
    SPACES: _spaces,
    NO_TARGET: _of_table,
    NUMBERS: _numbers,
    DATES: _dates,
    GAPS: _gaps,
    ZEROS: _zeros,
    NAMES: _names,
    INDEX: _index,
    COUNTS: _counts,
    SAME: _same,
    HELD_OUT: _of_table,
}


def _columns(notes: Sequence[Note]) -> str:
    return _some([repr(one.column) for one in notes])


def _details(notes: Sequence[Note]) -> str:
    return _some([f"{one.column!r} ({one.detail})".removesuffix(" ()") for one in notes])


def _named(notes: Sequence[Note], one: str, several: str) -> str:
    """Such as "column 'a' is", "columns 'a' and 'b' are"."""
    if len(notes) == 1:
        return f"column {_columns(notes)} {one}"
    return f"columns {_columns(notes)} {several}"


def _is(notes: Sequence[Note]) -> str:
    return "is" if len(notes) == 1 else "are"


def _some(said: Sequence[str]) -> str:
    """The first few of what there is to say, and how many more there are."""
    if len(said) > SHOWN + 1:
        said = [*said[:SHOWN], f"{len(said) - SHOWN:,} more"]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
