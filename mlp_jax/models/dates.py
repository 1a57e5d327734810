"""Dates and times: from texts in one form to moments, and from moments to numbers. NumPy alone.

`order_of` finds the one order of day, month and year that all texts of a column fit; `moment`
reads a text by it, here and in whatever loads a model file. A time alone is counted from midnight
of the first of January 1970, also one of more than 24 hours; a time with a zone is in UTC.
"""

import re
from collections.abc import Collection
from datetime import date
from functools import cache
from typing import NamedTuple

import numpy as np

EPOCH = date(1970, 1, 1).toordinal()
SECOND = 10**6  # microseconds, in which moments are counted
DAY = 86_400 * SECOND
YEAR, MONTH, WEEKDAY, DAY_OF_YEAR, HOUR, DAYS = PARTS = (
    *("year", "month", "day of the week", "day of the year"),
    *("hour", "days since"),
)
IN_WORDS = {
    "ymd": "year first",
    "dmy": "day first",
    "mdy": "month first",
    "time": "hours first",
}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
_NAME = r"(?P<name>[A-Za-z]{3,9})\.?"
_NTH = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_ANY_YEAR = r"(?P<year>\d{4}|\d{2})"
_DATES = {
    "ymd": (
        r"(?P<year>\d{4})(?P<between>[-/.])(?P<month>\d{1,2})(?P=between)(?P<day>\d{1,2})",
        r"(?P<year>\d{4})[-/](?P<month>\d{2})",
    ),
    "dmy": (
        rf"(?P<day>\d{{1,2}})(?P<between>[-/.])(?P<month>\d{{1,2}})(?P=between){_ANY_YEAR}",
        rf"{_NTH}[-. ]*{_NAME}[-,. ]*{_ANY_YEAR}",
        rf"{_NAME}[-, ]*(?P<year>\d{{4}})",
    ),
    "mdy": (  # none with points: nobody writes so
        rf"(?P<month>\d{{1,2}})(?P<between>[-/])(?P<day>\d{{1,2}})(?P=between){_ANY_YEAR}",
        rf"{_NAME} ?{_NTH},? +{_ANY_YEAR}",
    ),
}
_TIME = (
    r"(?P<hour>\d{1,3}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r" ?(?P<half>[AaPp]\.?[Mm]\.?)?"
)
_ZONE = r"(?: ?(?P<zone>Z|UTC|GMT|[-+]\d{2}(?::?\d{2})?))"
_WEEKDAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}\.?,? +)?"


class DateReading(NamedTuple):
    """Which number of the dates of a column is meant, and how these are written.

    of: the column's name in the table.
    order: of texts: "ymd", "dmy", "mdy", or "time" for times of day; "ymd" where they are no texts.
    part: one of `PARTS`.
    first: for days since it, as 2024-12-31, and for hours of times without a date, which may be
      more than 24; "" for another part.
    """

    of: str
    order: str
    part: str
    first: str = ""


@cache
def _patterns(order: str) -> tuple[re.Pattern[str], ...]:
    if order == "time":
        return (re.compile(rf"{_TIME}{_ZONE}?"),)
    return tuple(
        re.compile(rf"{_WEEKDAY}{one}(?:(?:T|,? +| at ){_TIME}{_ZONE}?)?", re.IGNORECASE)
        for one in _DATES[order]
    )


def moment(text: str, order: str) -> int | None:
    """Microseconds since 1970 of a text in this order, or as ISO 8601; None where it is none.

    Example:
      >>> moment("2/1/1970", "dmy") == moment("1970-01-02", "dmy") == moment("1/2/70", "mdy") == DAY
      True
      >>> moment("2 Jan 1970 1:00 pm", "dmy") == DAY + 13 * 3600 * SECOND
      True
      >>> print(moment("31/2/2024", "dmy"))
      None
    """
    for one in (order, "ymd"):
        found = _parts(text, one)
        if found is not None:
            return _as_moment(found)
    return None


def order_of(texts: Collection[str]) -> str | None:
    """The one order that all texts fit; "" where two fit that differ, None where none does.

    Example:
      >>> order_of(["03/04/2024", "13/04/2024"]), order_of(["03/04/2024"]), order_of(["10:30"])
      ('dmy', '', 'time')
    """
    fitting: dict[str, list[int | None]] = {}
    for order in IN_WORDS:
        parts = [_parts(text, order) for text in texts]
        if not parts or None in parts:
            continue
        zones = {one["zone"] is None for one in parts if one is not None}
        if len(zones) == 1:
            fitting[order] = [_as_moment(one) for one in parts if one is not None]
    fitting = {order: moments for order, moments in fitting.items() if None not in moments}
    if len({tuple(moments) for moments in fitting.values()}) > 1:
        return ""
    return next(iter(fitting), None)


def has_zone(text: str) -> bool:
    """Whether a date or a time says how far it is from UTC."""
    parts = [_parts(text, order) for order in IN_WORDS]
    return any(one is not None and one["zone"] is not None for one in parts)


def fits(text: str, order: str) -> bool:
    """Whether a text is a date or a time in this order."""
    parts = _parts(text, order)
    return parts is not None and _as_moment(parts) is not None


def looks_like_a_date(text: str) -> bool:
    """Whether a text is a date or a time in some order, or would be if its numbers were right."""
    return any(_parts(text, order) is not None for order in IN_WORDS)


def _parts(text: str, order: str) -> dict[str, str | None] | None:
    for pattern in _patterns(order):
        found = pattern.fullmatch(text)
        if found is not None and ("name" not in found.re.groupindex or _month_of(found["name"])):
            return {"year": None, "name": None, "zone": None} | found.groupdict()
    return None


def _month_of(name: str) -> int:
    """The number of a month by its name; 0 of another word."""
    name = "sep" if name.lower() == "sept" else name.lower()
    found = [k for k, month in enumerate(_MONTHS, start=1) if name in (month, month[:3])]
    return found[0] if found else 0


def _as_moment(parts: dict[str, str | None]) -> int | None:
    """Microseconds since 1970; None where a number is none of a date or a time."""
    day = 0
    if parts["year"] is not None:
        year = int(parts["year"])
        if len(parts["year"]) == 2:  # as POSIX has them
            year += 2000 if year < 69 else 1900
        month = _month_of(parts["name"]) if parts["name"] else int(parts.get("month") or 1)
        try:
            day = date(year, month, int(parts.get("day") or 1)).toordinal() - EPOCH
        except ValueError:
            return None
    if not parts.get("hour"):
        return day * DAY
    hour, minute, second = (int(parts[one] or 0) for one in ("hour", "minute", "second"))
    if parts["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (parts["half"][0] in "pP")
    most = 23 if parts["year"] is not None or parts["half"] else 10**6  # a time may be a duration
    if hour > most or minute > 59 or second > 59:
        return None
    fraction = int((parts["fraction"] or "0").ljust(6, "0")[:6])
    of_day = ((hour * 60 + minute) * 60 + second) * SECOND + fraction
    return day * DAY + of_day - _offset(parts["zone"]) * 60 * SECOND


def _offset(zone: str | None) -> int:
    """Minutes that a zone is ahead of UTC."""
    if zone is None or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return -minutes if zone[0] == "-" else minutes


def part_of(moments: np.ndarray, part: str, first: str = "") -> np.ndarray:
    """A number of every moment, float64; NaN where there is none.

    The day of the week is 1 for Monday to 7, that of the year 1 to 366. An hour has its minutes
    behind the point. Days are counted from midnight of `first`.

    Args:
      moments: (samples,), datetime64[us].
      part: one of `PARTS`.
      first: a day, such as 2024-12-31; "" for hours since midnight.
    """
    known = ~np.isnat(moments)
    found = np.full(len(moments), np.nan)
    found[known] = _part_of(moments[known], part, first)
    return found


def _part_of(moments: np.ndarray, part: str, first: str) -> np.ndarray:
    days = moments.astype("datetime64[D]")
    years, months = days.astype("datetime64[Y]"), days.astype("datetime64[M]")
    if part == YEAR:
        return years.astype(np.int64) + 1970
    if part == MONTH:
        return months.astype(np.int64) % 12 + 1
    if part == WEEKDAY:
        return (days.astype(np.int64) + 3) % 7 + 1  # the first of January 1970 was a Thursday
    if part == DAY_OF_YEAR:
        return (days - years.astype("datetime64[D]")).astype(np.int64) + 1
    since = np.datetime64(first, "us") if first else days
    return (moments - since).astype(np.int64) / (3600 * SECOND if part == HOUR else DAY)
