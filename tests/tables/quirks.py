"""Quirks of tables that people have: what is made of them, and what --strict says of them."""

from typing import NamedTuple

import numpy as np

ROWS = 40
NAN = float("nan")


class Quirk(NamedTuple):
    """A column as its owner wrote it.

    cells: as in the file.
    features: what is made of it, by name; {} where it is left out.
    said: of the line that tells it.
    strict: of what --strict says.
    """

    cells: list
    features: dict
    said: str
    strict: str


def words(*cells):
    return [cells[i % len(cells)] for i in range(ROWS)]


def gaps(*some):
    """Numbers and, in every third row, words for gaps; and the same as features."""
    cells = [i if i % 3 else some[i // 3 % len(some)] for i in range(ROWS)]
    return cells, [i if i % 3 else NAN for i in range(ROWS)]


DAYS = [np.datetime64("2024-01-30") + i for i in range(ROWS)]
OF_THE_YEAR = [30 + i for i in range(ROWS)]  # 2024-01-30 is the 30th day, a Tuesday
PARTS = {
    "a: month": [1 + (i > 1) + (i > 30) for i in range(ROWS)],
    "a: day of the week": [(i + 1) % 7 + 1 for i in range(ROWS)],
    "a: day of the year": OF_THE_YEAR,
    "a: days since 2024-01-30": list(range(ROWS)),
}
HOURS = [i % 24 + 0.5 for i in range(ROWS)]


def written(form):
    return [day.item().strftime(form) for day in DAYS]


def timed(form):
    return [f"{day.item().strftime(form)} {i % 24:02d}:30" for i, day in enumerate(DAYS)]


OTHER_GAPS = ("?", "NA", "N/A", "n/a", "null", "None", "-", "NaN", "#N/A", "none", "--", "#DIV/0!")
IS_NO_NUMBER = "is not a number; mend it, leave it empty, or type --categorical 'a' or --drop 'a'"
IS_OF_DATES = "column 'a' is of dates"

QUIRKS = {
    "a question mark among numbers": Quirk(
        *(gaps("?")[0], {"a": gaps("?")[1]}),
        "read as gaps: 'a' ('?' 14 times)",
        f"line 2, column 'a': '?' {IS_NO_NUMBER}",
    ),
    "words for gaps among numbers": Quirk(
        *(gaps("?", *OTHER_GAPS)[0], {"a": gaps("?", *OTHER_GAPS)[1]}),
        "'None' once, '-' once",
        IS_NO_NUMBER,
    ),
    "a question mark among texts": Quirk(
        words("red", "?", "blue"),
        {"a": words("red", None, "blue")},
        "read as gaps: 'a' ('?' 13 times)",
        "",
    ),
    "words that are gaps among numbers alone": Quirk(
        *(words("None", "-", "low"), {"a": words("None", "-", "low")}), "", ""
    ),
    "words that could be gaps and nothing else": Quirk(
        *(words("unknown", "missing", "?"), {"a": words("unknown", "missing", None)}),
        "read as gaps: 'a' ('?' 13 times)",
        "",
    ),
    "gaps and nothing else": Quirk(
        words("-", "?", "NA"), {}, "column 'a' is the same in every row and left out", ""
    ),
    "thousands": Quirk(
        [f"{1000 + 37 * i:,}" for i in range(ROWS)],
        {"a": [1000 + 37 * i for i in range(ROWS)]},
        "read as numbers: 'a' ('1,000' is 1000)",
        "'1,000' is written with a decimal comma, or with commas between thousands",
    ),
    "currency": Quirk(
        [f"${1000.5 + 37 * i:,.2f}" if i else "-" for i in range(ROWS)],
        {"a": [1000.5 + 37 * i if i else NAN for i in range(ROWS)]},
        "read as numbers: 'a' ('$1,037.50' is 1037.5)",
        "column 'a' has 40 different texts in 40 rows, more names than categories",
    ),
    "percent": Quirk(
        [f"{i / 2}%" for i in range(ROWS)],
        {"a": [i / 2 for i in range(ROWS)]},
        "read as numbers: 'a' ('0.0%' is 0)",
        "column 'a' has 40 different texts in 40 rows",
    ),
    "decimal commas": Quirk(
        [f"1.{i:03d},5" for i in range(ROWS)],
        {"a": [1000.5 + i for i in range(ROWS)]},
        "read as numbers: 'a' ('1.000,5' is 1000.5)",
        "'1.000,5' is written with a decimal comma",
    ),
    "names": Quirk(
        [f"Ann {i}" for i in range(ROWS)],
        {},
        "left out 'a': 40 different texts in 40 rows; ",
        "column 'a' has 40 different texts in 40 rows, more names than categories; type",
    ),
    "dates": Quirk(
        written("%Y-%m-%d"),
        PARTS,
        "read as dates, whose year, month, weekday, hour and so on are inputs: 'a'",
        IS_OF_DATES,
    ),
    "dates and times": Quirk(
        timed("%Y-%m-%d"),
        PARTS
        | {"a: hour": HOURS}
        | {"a: days since 2024-01-30": [i + HOURS[i] / 24 for i in range(ROWS)]},
        "read as dates, whose year, month, weekday, hour and so on are inputs: 'a'",
        IS_OF_DATES,
    ),
    "dates with the day first": Quirk(
        written("%d/%m/%Y"),
        PARTS,
        "'a' ('30/01/2024' is 2024-01-30)",
        "column 'a' is of dates, such as '30/01/2024'",
    ),
    "dates with the month first": Quirk(
        written("%m/%d/%Y"), PARTS, "'a' ('01/30/2024' is 2024-01-30)", IS_OF_DATES
    ),
    "dates with points and gaps": Quirk(
        ["?", *written("%d.%m.%Y")[1:]],
        {
            name.replace("01-30", "01-31"): [NAN, *(n - ("since" in name) for n in numbers[1:])]
            for name, numbers in PARTS.items()
        },
        "read as gaps: 'a' ('?' once)",
        IS_OF_DATES,
    ),
    "dates with names of months": Quirk(
        written("%d %b %Y"), PARTS, "'a' ('30 Jan 2024' is 2024-01-30", "40 different texts in 40"
    ),
    "times": Quirk(
        [f"{i % 24:02d}:30" for i in range(ROWS)],
        {"a: hour": HOURS},
        "read as dates, whose year, month, weekday, hour and so on are inputs: 'a'",
        "column 'a' is of dates or times, which a network cannot take",
    ),
    "infinite numbers": Quirk(
        ["inf", "-inf", *(i / 2 for i in range(2, ROWS))],
        {"a": [NAN, NAN, *(i / 2 for i in range(2, ROWS))]},
        "read as gaps: 'a' ('inf' ",
        "line 2, column 'a': inf is not finite",
    ),
    "spaces around texts": Quirk(
        words(" red", "blue ", "  "),
        {"a": words("red", "blue", None)},
        "spaces around the texts of 'a' are taken off",
        "",
    ),
}
AMBIGUOUS = {
    "two currencies": (
        [f"{'€' if i == 5 else '$'}{i}.5" for i in range(ROWS)],
        "line 7, column 'a': '€5.5' is not written as '$0.5' is; write all numbers in one way, or",
    ),
    "percent and fractions": (
        [f"{i}.5" if i == 5 else f"{i}.5%" for i in range(ROWS)],
        "line 7, column 'a': '5.5' is not written as '0.5%' is",
    ),
    "two decimal signs": (
        [f"1.{i:03d},5" if i else "1,234.5" for i in range(ROWS)],
        "line 2, column 'a': '1,234.5' is not written as '1.001,5' is",
    ),
    "a word among numbers": (
        ["soon" if i == 5 else i for i in range(ROWS)],
        f"line 7, column 'a': 'soon' {IS_NO_NUMBER}",
    ),
    "dates of two orders": (
        [f"{i % 12 + 1:02d}/{i % 12 + 1:02d}/{2000 + i}" if i else "03/04/2000" for i in range(40)],
        "line 2, column 'a': '03/04/2000' may be 2000-04-03 or 2000-03-04, and so may all dates",
    ),
    "a date of another form": (
        ["2024-01-30" if i == 5 else day for i, day in enumerate(written("%d/%m/%Y"))],
        "line 7, column 'a': '2024-01-30' is no date that is written as '30/01/2024' is",
    ),
    "a day that no month has": (
        ["31/02/2024" if i == 5 else day for i, day in enumerate(written("%d/%m/%Y"))],
        "line 7, column 'a': '31/02/2024' is no date that is written as '30/01/2024' is",
    ),
    "times with and without a zone": (
        [f"{day}T10:00{'' if i == 5 else 'Z'}" for i, day in enumerate(DAYS)],
        f"line 7, column 'a': '{DAYS[5]}T10:00' has no time zone, and others there have",
    ),
}
