"""What a text with a table in it looks like: its separator, its header, its lines.

Spreadsheet programs write what is no cell of a table: a line `sep=;`, titles and comments above the
header, separators at the ends of lines.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from mlp_jax.tables.sources import BLOCK, stream

SEPARATORS = ",;\t|"  # between the cells of a line; the first counts where a line has none
HEADER = 1 << 24  # bytes in which a header is looked for
SAMPLE = 1 << 20  # bytes below a header whose lines are compared with the header
LINES = 100  # that are compared at most
LONGEST = (1 << 31) - 1  # bytes that pyarrow can read at once
# The line that Excel writes for itself; other programs may fill it up with separators, or quote it.
_SEPARATOR_SAID = re.compile(rf'"?sep=([{SEPARATORS}])"?\1*[ ]*'.encode(), re.IGNORECASE)
_NUMBER = re.compile(rb"[-+]?[\d.,]*\d[\d.,]*([eE][-+]?\d+)?%?")


class Form(NamedTuple):
    """What a text looks like from outside.

    separator: the character between two cells.
    names: of the columns, as they are written.
    start: the byte at which the rows begin.
    first_line: the number of the line at which the rows begin.
    header: the number of the line that is the header.
    rows: how many lines there are below the header, without empty lines at the end.
    block: bytes, no less than the longest line has.
    notes: what is no cell and was left out.
    """

    separator: str
    names: tuple[str, ...]
    start: int
    first_line: int
    header: int
    rows: int
    block: int
    notes: tuple[str, ...]


class Line(NamedTuple):
    """A line of the table, which is several lines of the text where a cell has a line break.

    start: the byte at which it begins.
    end: the byte behind what ends it.
    cells: as they are written.
    """

    start: int
    end: int
    cells: tuple[bytes, ...]

    def filled(self) -> list[int]:
        """The places of the cells that are not empty."""
        return [place for place, cell in enumerate(self.cells) if cell.strip(b' \t"')]


def form_of(source: Any, *, of_tabs: bool = False, has_header: bool = True) -> Form:
    """The form of the text in a path or a buffer.

    The cells are separated by whichever of `SEPARATORS` divides the header into most cells, if it
    divides the lines below the header into as many.

    Args:
      source: the path or the buffer.
      of_tabs: the cells are separated by tabs if the header has one.
      has_header: whether the first line has names; if not, it is a row, and they are 0, 1, ...

    Raises:
      UnicodeDecodeError: its header is not UTF-8.
    """
    with stream(source) as file:
        head = file.read(HEADER)
    mark = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    separator, lines, place, said = _find_form(head, mark, of_tabs=of_tabs)
    header = lines[place]
    number = 1 + line_ends(head[: header.start])
    if has_header:
        start, first_line = header.end, 1 + line_ends(head[: header.end])
        names = _names(head[header.start : header.end], separator)
        names += ("",) * _further(lines[place:])
    else:
        start, first_line = header.start, number
        names = tuple(map(str, range(len(header.cells))))
    rows, block = _lines(source, start, last_is_empty=len(names) > 1)
    notes = [f"line 1 says that {in_words(separator)} separates the cells"] * said
    above = [line for line in lines[:place] if line.filled()]
    if above:
        first, last = (1 + line_ends(head[: line.start]) for line in (above[0], above[-1]))
        which = f"line {first} is" if first == last else f"lines {first} to {last} are"
        what = "the header" if has_header else "the first row"
        notes.append(f"{what} is line {number}, and {which} left out")
    return Form(separator, names, start, first_line, number, rows, block, tuple(notes))


def in_words(separator: str) -> str:
    """A separator as messages call it."""
    return "a tab" if separator == "\t" else repr(separator)


def _find_form(head: bytes, at: int, *, of_tabs: bool) -> tuple[str, list[Line], int, bool]:
    """(the separator, lines by it, the place of the header, whether a line says the separator)."""
    first = re.compile(rb"[\r\n]*([^\r\n]*)(\r\n|[\r\n]|\Z)").match(head, at)
    said = None if first is None else _SEPARATOR_SAID.fullmatch(first[1])
    if first is not None and said is not None:
        separators, at = [said[1].decode()], first.end()
    else:
        by_header = _separator(head, at, of_tabs=of_tabs)
        others = [one for one in SEPARATORS if one != by_header]
        separators = [by_header, *others]
    found = []
    for separator in separators:
        lines = _sample(head, at, separator)
        place = _header(lines)
        if place is not None and len(lines[place].cells) > 1:
            found.append((separator, lines, place))
            if not any(line.filled() for line in lines[:place]):  # the first line is the header
                return *found[-1], said is not None
    if found:
        return *max(found, key=lambda one: len(one[1][one[2]].cells)), said is not None
    lines = _sample(head, at, separators[0])
    first_of_all = next((place for place, line in enumerate(lines) if line.filled()), 0)
    return separators[0], lines, first_of_all, said is not None


def _separator(head: bytes, at: int, *, of_tabs: bool) -> str:
    """The separator that divides the first line that is not empty into most cells."""
    counts = dict.fromkeys(SEPARATORS, 0)
    start = re.compile(rb"[\r\n]*").match(head, at)
    for cell in _cell(SEPARATORS).finditer(head, at if start is None else start.end()):
        ending = cell[1].decode()
        if ending not in counts:
            break
        counts[ending] += 1
    if of_tabs and counts["\t"]:
        return "\t"
    return max(counts, key=counts.__getitem__)


@cache
def _cell(separators: str) -> re.Pattern[bytes]:
    """A pattern of a cell and what ends it; in quotes no separator and no end of a line does."""
    plain = rf'(?:"[^"]*(?:""[^"]*)*")?[^{separators}\r\n]*'
    return re.compile(rf"{plain}(\r\n|[{separators}\r\n]|\Z)".encode())


def split(text: bytes, separator: str, at: int, *, whole: bool) -> Iterator[Line]:
    """The lines of a text; without the last one if the text is not whole."""
    start, cells, mark = at, list[bytes](), separator.encode()
    for cell in _cell(separator).finditer(text, at):
        cells.append(cell[0].removesuffix(cell[1]))
        if cell[1] == mark:
            continue
        if cell[1] or (whole and cell.end() > start):
            yield Line(start, cell.end(), tuple(cells))
        start, cells = cell.end(), []


def _sample(head: bytes, at: int, separator: str) -> list[Line]:
    """The first lines: one at least, and no more than two where lines are long."""
    lines = []
    for line in split(head, separator, at, whole=len(head) < HEADER):
        lines.append(line)
        if len(lines) > LINES or (len(lines) > 2 and line.end > at + SAMPLE):
            break
    return lines or [Line(at, len(head), tuple(head[at:].split(separator.encode())))]


def _header(lines: Sequence[Line]) -> int | None:
    """The place of the header, below which all lines have as many cells; None where none has.

    What is above is empty, or a title: of a single cell, or begun by #, or with an empty line
    between.
    """
    places = [place for place, line in enumerate(lines) if line.filled()]
    if len(places) < 2:
        return places[0] if places else 0
    width = len(lines[places[-1]].cells)
    first = len(places) - 1  # line of this width, of those that go on to the last line
    while first and len(lines[places[first - 1]].cells) == width:
        first -= 1
    if first and _further([lines[place] for place in places[first - 1 :]]):
        first -= 1
    if first == len(places) - 1:
        return None
    titles = first
    while width > 2 and titles < len(places) - 2 and lines[places[titles]].filled() == [0]:
        titles += 1
    if len(lines[places[titles]].filled()) > 1:
        first = titles
    if first == 0:
        return places[0]
    header, above = lines[places[first]], [lines[place] for place in places[:first]]
    between = places[first] > places[first - 1] + 1
    if _is_of_names(header) and (between or all(map(_is_title, above))):
        return places[first]
    return None


def _is_title(line: Line) -> bool:
    """Whether a line is a title or a comment, and no row of a table."""
    return line.filled() == [0] or line.cells[0].lstrip(b' "').startswith(b"#")


def _is_of_names(line: Line) -> bool:
    """Whether a line below others may be a header: names without gaps, and not of numbers alone.

    An index has no name, nor has what separators at the end of a line make.
    """
    filled = line.filled()
    if len(filled) < 2 or filled != list(range(filled[0], filled[-1] + 1)) or filled[0] > 1:
        return False
    return not all(_NUMBER.fullmatch(line.cells[place].strip(b' \t"')) for place in filled)


def _further(lines: Sequence[Line]) -> int:
    """How many more separators all lines below a header have at their end than the header has."""
    header, *rows = [line for line in lines if line.filled()] or [lines[0]]
    width = len(rows[0].cells) if rows else 0
    more = width - len(header.cells)
    if more <= 0 or len(header.cells) < 2:
        return 0
    alike = all(len(row.cells) == width and row.filled()[-1] < width - more for row in rows)
    return more if alike else 0


def _names(header: bytes, separator: str) -> tuple[str, ...]:
    """The names in a header, as pyarrow reads them."""
    import pyarrow
    import pyarrow.csv

    if not header.endswith((b"\n", b"\r")):
        header += b"\n"
    content = pyarrow.BufferOutputStream()
    content.write(header)
    frame = pyarrow.csv.read_csv(
        pyarrow.BufferReader(content.getvalue()),
        read_options=pyarrow.csv.ReadOptions(block_size=len(header) + 1),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=separator, newlines_in_values=True, ignore_empty_lines=False
        ),
    )
    return tuple(frame.column_names)


def line_ends(text: bytes) -> int:
    """How many lines end in a text: by a line feed, a carriage return or both."""
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")


def _lines(source: Any, start: int, *, last_is_empty: bool) -> tuple[int, int]:
    """(the number of lines from a byte on, bytes that no line is longer than).

    The last line counts whether or not it is ended.

    last_is_empty: empty lines at the end are no lines.
    """
    size = BLOCK // 2
    lines, block, endless, most = 0, b"\n", 0, 0
    with stream(source) as file:
        file.seek(start)
        for following in iter(lambda: file.read(size), b""):
            ends = line_ends(following) - (block.endswith(b"\r") and following.startswith(b"\n"))
            endless = 0 if ends else endless + 1
            lines, block, most = lines + ends, following, max(most, endless)
    lines += not block.endswith((b"\n", b"\r"))
    if last_is_empty:
        lines -= max(0, line_ends(block[len(block.rstrip(b"\r\n")) :]) - 1)
    # The longest line goes through all blocks without an end, and into one on either side.
    return lines, min(LONGEST, (most + 2) * size)
