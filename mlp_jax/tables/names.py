"""The names of a table's columns, as its header has them, and as people type them."""

import re
from collections import Counter
from collections.abc import Sequence

from mlp_jax.models.any_table import different_names, spelled
from mlp_jax.tables import notes
from mlp_jax.tables.notes import Note
from mlp_jax.wording import meant

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def strip_names(written: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """(names without spaces and quotes around them, what was done).

    Names that would be alike keep both.
    """
    bare = [name.strip() for name in written]
    bare = [name[1:-1].strip() if _is_quoted(name) else name for name in bare]
    times, before = Counter(bare), Counter(written)
    names = [
        new if times[new] == before[old] else old for new, old in zip(bare, written, strict=True)
    ]
    changed = [old for new, old in zip(names, written, strict=True) if new != old]
    kept = [old for new, old in zip(bare, names, strict=True) if new and new != old]
    said = []
    if changed:
        which = f"{changed[0]!r}" if len(changed) == 1 else f"{len(changed)} names"
        said.append(f"spaces around {which} are taken off")
    if kept:
        said.append(f"{kept[0]!r} keeps the spaces around it, for another column differs by them")
    return tuple(names), said


def _is_quoted(name: str) -> bool:
    """Whether a name is in quotes: behind a space pyarrow leaves them."""
    return len(name) > 1 and name.startswith('"') and name.endswith('"')


def told_apart(
    table: str,
    names: Sequence[str],
    *,
    line: int | None = None,
    strict: bool = False,
    nameless: bool = True,
) -> tuple[list[str], list[Note]]:
    """(different names, notes): the second of two that are alike is "name.1", as of pandas.

    Args:
      table: its name.
      names: of its columns.
      line: of its header, if it has lines.
      strict: two names that are alike are an error.
      nameless: whether to tell columns without a name apart, too.

    Raises:
      ValueError: two names are alike, and strict.
    """
    places = [place for place, name in enumerate(names) if nameless or name.strip()]
    some = [names[place] for place in places]
    twice = sorted(one for one, times in Counter(some).items() if times > 1)
    if twice and strict:
        where = "" if line is None else f" in line {line}"
        raise ValueError(
            f"{table} has two columns named {twice[0]!r}{where}; expected different names"
        )
    found = list(names)
    for place, new in zip(places, different_names(some), strict=True):
        found[place] = new
    pairs = zip(names, found, strict=True)
    return found, [Note(notes.TWICE, new, old) for old, new in pairs if new != old]


def check_has(
    table: str, names: Sequence[str], wanted: Sequence[str], *, first_line: int | None = None
) -> None:
    """Raises ValueError for a name that is no column, with the one that may have been meant.

    Args:
      table: its name.
      names: of its columns.
      wanted: the names that are asked for.
      first_line: the number of the line that has the names, if they are read from one.
    """
    of_numbers = [_NUMBER.fullmatch(name.strip()) is not None for name in names]
    if first_line is not None and wanted and _is_of_cells(names, of_numbers):
        raise ValueError(without_header(table, first_line))
    for name in wanted:
        if spelled(names, name) is not None:
            continue
        if first_line is not None and any(of_numbers) and name.isdigit() and int(name) < len(names):
            raise ValueError(without_header(table, first_line))
        close = meant(name, names)
        cure = f"it has {some_names(names)}" if close is None else f"did you mean {close}?"
        raise ValueError(f"{table} has no column {name!r}; {cure}")


def _is_of_cells(names: Sequence[str], of_numbers: Sequence[bool]) -> bool:
    """Whether names are numbers such as cells have, and not those of columns, or of years."""
    if not all(of_numbers) or len(names) < 2:
        return False
    return len(set(names)) < len(names) or any(not name.strip().isdigit() for name in names)


def without_header(table: str, line: int) -> str:
    """What to say of a text that has no header."""
    return (
        f"{table} has no header, for line {line} has numbers: type --no-header, which names the "
        "columns 0, 1, ..."
    )


def some_names(names: Sequence[str]) -> str:
    """The first columns of a table, as messages list them."""
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
