"""What a column of a table is, and how its cells are read, in words that a model file can hold."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlp_jax.models.dates import IN_WORDS, PARTS, DateReading
from mlp_jax.models.number_spellings import NumberSpelling

INFINITE = "inf"  # the word for infinite numbers among those for gaps


class Reading(NamedTuple):
    """How a cell becomes a number or a category.

    gaps: words that stand for a missing cell: of numbers and dates in lower case, whatever the case
      of the cell; of categories as they are. "inf" stands for infinite numbers too, which are
      refused otherwise.
    spelling: of numbers in texts; None where they are plain.
    dates: which number of a date is meant; None where cells are no dates.
    """

    gaps: tuple[str, ...] = ()
    spelling: NumberSpelling | None = None
    dates: DateReading | None = None


AS_IT_IS = Reading()


class Column(NamedTuple):
    """A column of the table, or a part of one: of a date the year, the month and so on.

    name: as the table has it; of a part as nothing else is named.
    categories: what its cells may be, None for numbers; any other cell is of the category "other",
      whose place is after these.
    strict: a cell of none of the categories is an error.
    reading: how its cells are read.
    """

    name: str
    categories: tuple[str, ...] | None = None
    strict: bool = False
    reading: Reading = AS_IT_IS

    @property
    def of(self) -> str:
        """The name of the table's column."""
        return self.name if self.reading.dates is None else self.reading.dates.of


def names_in_table(columns: Sequence[Column]) -> list[str]:
    """The names of the table's columns, each once, in their order."""
    return list(dict.fromkeys(column.of for column in columns))


def in_words(column: Column) -> str:
    """What a column is, such as "number, in texts as $1,234.5", for people."""
    reading = column.reading
    if column.categories is not None:
        return f"{len(column.categories)} categories"
    if reading.dates is not None:
        return f"a part of a date or time, in texts with {IN_WORDS[reading.dates.order]}"
    if reading.spelling is None:
        return "number"
    decimal, thousands, sign = reading.spelling
    digits = f"1{thousands}234{decimal}5"
    return f"number, in texts as {digits + sign if sign == '%' else sign + digits}"


def as_json(columns: Sequence[Column]) -> dict[str, Any]:
    """The columns as a model file has them; the words for gaps are there once."""
    gaps = list(dict.fromkeys(column.reading.gaps for column in columns))
    return {
        "gaps": gaps,
        "columns": [
            {
                "name": column.name,
                "categories": column.categories,
                "strict": column.strict,
                "gaps": gaps.index(column.reading.gaps),
                "spelling": column.reading.spelling,
                "dates": column.reading.dates,
            }
            for column in columns
        ],
    }


def from_json(header: Mapping[str, Any]) -> tuple[Column, ...]:
    """The columns in the header of a model file.

    Raises:
      ValueError, KeyError, IndexError, TypeError: it is none.
    """
    gaps = [texts_in(words) for words in header["gaps"]]
    return tuple(_column(told, gaps) for told in header["columns"])


def _column(told: Mapping[str, Any], gaps: Sequence[tuple[str, ...]]) -> Column:
    categories, spelling, dates = told["categories"], told["spelling"], told["dates"]
    reading = Reading(
        gaps[told["gaps"]],
        None if spelling is None else _spelling(*texts_in(spelling)),
        None if dates is None else _dates(*texts_in(dates)),
    )
    if categories is not None and (reading.spelling or reading.dates):
        raise ValueError(f"{told['name']!r} is of categories and of numbers")
    return Column(
        text_in(told["name"]),
        None if categories is None else texts_in(categories),
        bool(told["strict"]),
        reading,
    )


def _spelling(decimal: str, thousands: str, sign: str) -> NumberSpelling:
    if decimal not in (".", ",") or thousands not in ("", ".", ",", " ", "'"):
        raise ValueError(f"its numbers are written with {decimal!r} and {thousands!r}")
    return NumberSpelling(decimal, thousands, sign)


def _dates(of: str, order: str, part: str, first: str) -> DateReading:
    if order not in IN_WORDS or part not in PARTS:
        raise ValueError(f"its dates are of {order!r} and {part!r}")
    return DateReading(of, order, part, first)


def text_in(value: Any) -> str:
    """A text of a header; ValueError of anything else."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def texts_in(values: Any) -> tuple[str, ...]:
    """A list of texts of a header; ValueError of anything else."""
    if not isinstance(values, list):
        raise ValueError(f"{values!r} is no list of texts")
    return tuple(map(text_in, values))
