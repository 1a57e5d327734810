"""How people write numbers in texts: thousands, decimal commas, currency, percent.

`spelling_of` finds the one spelling that all texts of a column share; `NumberSpelling.number` reads
a text by it, here and in whatever loads a model file.
"""

import re
from collections.abc import Collection, Iterable
from functools import cache
from typing import NamedTuple

_SPACES = " \u00a0\u2009\u202f"  # between thousands; the others are printers' kinds of spaces
_MINUS = "-\u2212\u2013"
_CODES = "AUD BRL CAD CHF CNY CZK DKK EUR GBP HUF INR JPY KRW MXN NOK NZD PLN SEK TRY USD ZAR"
# Percent, a currency's sign, perhaps with its country as in US$, or its code.
_SIGN = re.compile(
    r"%|(?:[A-Z]{1,2})?[$\u00a3\u00a5\u20a0-\u20cf]|z\u0142|kr\.?|" + "|".join(_CODES.split())
)
_DIGITS = rf"[\d.,'\u2019{_SPACES}]*\d[.,]?(?:[eE][-+]?\d+)?|[.,]\d+"
_ANY = re.compile(
    rf"(?P<open>\()?(?P<minus>[{_MINUS}+])?[{_SPACES}]*(?P<before>{_SIGN.pattern})?[{_SPACES}]*"
    rf"(?P<later>[{_MINUS}])?[{_SPACES}]*(?P<digits>{_DIGITS})[{_SPACES}]*"
    rf"(?P<after>{_SIGN.pattern})?(?P<close>\))?"
)
_BETWEEN = {" ": _SPACES, "'": "'\u2019"}  # all that is meant by what stands between thousands
# (decimal sign, between thousands), the plainest first.
_FORMS = ((".", ""), (".", ","), (".", " "), (".", "'"), (",", ""), (",", "."), (",", " "))


class NumberSpelling(NamedTuple):
    """How numbers of a column are written.

    decimal: "." or ",".
    thousands: what may stand between thousands; "" for nothing, " " for any space.
    sign: of a currency, or "%", before or behind a number; "" for none. It is not counted with:
      12.5% is 12.5.
    """

    decimal: str
    thousands: str = ""
    sign: str = ""

    def number(self, text: str) -> float | None:
        """The number that is written so; without its sign too; None where it is none.

        Example:
          >>> NumberSpelling(",", ".", "€").number("1.234,50 €")
          1234.5
          >>> NumberSpelling(".", ",", "$").number("($1,200)")
          -1200.0
        """
        parts = _ANY.fullmatch(text)
        if parts is None or _sign_of(parts) not in ("", self.sign):
            return None
        digits = _plain(parts["digits"], self.decimal, self.thousands)
        return None if digits is None else _signed(parts, digits)

    def writes(self, text: str) -> bool:
        """Whether a text is a number that is written so, with its sign."""
        parts = _ANY.fullmatch(text)
        return parts is not None and _sign_of(parts) == self.sign and self.number(text) is not None


def plain_number(text: str) -> float | None:
    """The number of a text that Python, and most programs, would read; None where it is none."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def looks_like_a_number(text: str) -> bool:
    """Whether a text is a number in some spelling."""
    parts = _ANY.fullmatch(text)
    if parts is None or _sign_of(parts) is None:
        return plain_number(text) is not None
    return any(_plain(parts["digits"], *form) is not None for form in _FORMS)


def spelling_of(
    texts: Collection[str], *, decimal_comma: bool | None = False
) -> NumberSpelling | None:
    """The one spelling that all these texts have; None where there is none, or two are as likely.

    1,234 may be more than a thousand or little more than one. Where all texts are of that kind,
    `decimal_comma` decides.

    Args:
      texts: different ones, without spaces around them.
      decimal_comma: whether a comma before three digits is rather a decimal comma; None for who
        knows.

    Example:
      >>> spelling_of(["$1,200.50", "$999"])
      NumberSpelling(decimal='.', thousands=',', sign='$')
      >>> spelling_of(["1,234", "0,5"])
      NumberSpelling(decimal=',', thousands='', sign='')
      >>> spelling_of(["$5", "€5"]), spelling_of(["1,234"], decimal_comma=None)
      (None, None)
    """
    found = [_ANY.fullmatch(text) for text in texts]
    parts = [one for one in found if one is not None]
    signs = {_sign_of(one) for one in parts}
    if len(parts) < len(found) or len(signs) != 1 or None in signs:
        return None
    sign = signs.pop() or ""
    written = [one["digits"] for one in parts]
    fitting = [form for form in _FORMS if _fits(written, *form)]
    by_point = [form for form in fitting if form[0] == "."]
    by_comma = [form for form in fitting if form[0] == ","]
    if by_point and by_comma and not _alike(written, by_point[0], by_comma[0]):
        if decimal_comma is None:
            return None
        fitting = by_comma if decimal_comma else by_point
    return NumberSpelling(*fitting[0], sign) if fitting else None


def _fits(written: Iterable[str], decimal: str, thousands: str) -> bool:
    return all(_plain(one, decimal, thousands) is not None for one in written)


def _alike(written: Iterable[str], one: tuple[str, str], other: tuple[str, str]) -> bool:
    return all(_plain(text, *one) == _plain(text, *other) for text in written)


def _sign_of(parts: re.Match[str]) -> str | None:
    """The sign of a number, "" for none; None where the text is no number: two signs, half a ()."""
    before, after = parts["before"] or "", parts["after"] or ""
    minus = [bool(parts["minus"]), bool(parts["later"]), bool(parts["open"])]
    whole = bool(parts["open"]) == bool(parts["close"])
    return None if (before and after) or sum(minus) > 1 or not whole else before or after


def _signed(parts: re.Match[str], digits: float) -> float:
    is_negative = parts["open"] or parts["later"] or (parts["minus"] or "+") != "+"
    return -digits if is_negative else digits


@cache
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    point, between = re.escape(decimal), f"[{_BETWEEN.get(thousands, thousands)}]"
    # No leading zero before thousands: 0,567 is no number of thousands. In India two digits may be
    # between them: 12,34,567.
    grouped = rf"[1-9]\d{{0,2}}(?:{between}\d{{2,3}})*{between}\d{{3}}|" if thousands else ""
    return re.compile(rf"(?:{grouped}\d+)(?:{point}\d*)?(?:[eE][-+]?\d+)?|{point}\d+")


def _plain(digits: str, decimal: str, thousands: str) -> float | None:
    """The number of digits, without sign, that are written so; None where they are not."""
    if _pattern(decimal, thousands).fullmatch(digits) is None:
        return None
    for one in _BETWEEN.get(thousands, thousands):
        digits = digits.replace(one, "")
    return float(digits.replace(decimal, "."))
