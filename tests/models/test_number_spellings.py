"""Numbers as people write them: read by one spelling, or refused."""

import pytest

from mlp_jax.models.number_spellings import (
    NumberSpelling,
    looks_like_a_number,
    plain_number,
    spelling_of,
)

# (texts of a column, their numbers): expected numbers are what the texts say, by hand.
COLUMNS = {
    "thousands": (["1,234", "12", "1,234,567.5"], [1234, 12, 1234567.5]),
    "currency": (["$1,200.50", "$999", "-$5", "$-6", "($7.00)"], [1200.5, 999, -5, -6, -7]),
    "a currency behind": (["1.234,56 €", "0,5 €", "7€"], [1234.56, 0.5, 7]),
    "a country's dollars": (["US$ 5", "US$1,000"], [5, 1000]),
    "a code": (["EUR 1,000.25", "12 EUR"], [1000.25, 12]),
    "percent": (["12.5%", "-3 %", "100%"], [12.5, -3, 100]),
    "decimal commas": (["36,5", "37", ",5"], [36.5, 37, 0.5]),
    "points between thousands": (["1.234.567", "1.234,5"], [1234567, 1234.5]),
    "spaces between thousands": (["1 234,5", "1\u202f234\u00a0567"], [1234.5, 1234567]),
    "apostrophes": (["1'234.5", "1’000"], [1234.5, 1000]),
    "no thousands, for they begin with 0": (["0,567", "1,234"], [0.567, 1.234]),
    "thousands as in India": (["₹ 12,34,567.5", "₹ 999"], [1234567.5, 999]),
    "accountants' minus": (["(1,234.50)", "5"], [-1234.5, 5]),
    "printers' minus": (["−5", "–7.5"], [-5, -7.5]),
    "exponents": (["1,5e3", "2"], [1500, 2]),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_numbers_are_what_they_say(case):
    texts, numbers = COLUMNS[case]
    spelling = spelling_of(texts)
    assert [spelling.number(text) for text in texts] == numbers
    assert all(map(spelling.writes, texts))
    assert all(map(looks_like_a_number, texts))


@pytest.mark.parametrize(
    "texts",
    [
        ["$5", "€5"],
        ["$5", "5"],
        ["5%", "0.05"],
        ["1,234.5", "1.234,5"],
        ["5", "five"],
        ["1,23,4"],
        ["(5", "6"],
        ["--5"],
        ["$5$"],
        ["12 kg", "3 kg"],
        ["2024-01-01"],
        [""],
    ],
)
def test_what_is_not_written_in_one_way_has_no_spelling(texts):
    assert spelling_of(texts) is None


def test_a_comma_before_three_digits_is_what_its_file_says():
    texts = ["1,234", "999,000"]
    of_thousands = spelling_of(texts, decimal_comma=False)
    assert [of_thousands.number(text) for text in texts] == [1234, 999000]
    of_decimals = spelling_of(texts, decimal_comma=True)
    assert [of_decimals.number(text) for text in texts] == [1.234, 999]
    assert spelling_of(texts, decimal_comma=None) is None
    assert spelling_of(["1,234", "5"], decimal_comma=None) is None
    for comma in (None, False, True):  # here a comma can be of one kind alone
        assert spelling_of(["1,234", "1,5"], decimal_comma=comma).number("1,234") == 1.234
        assert spelling_of(["1,234", "1,234,567"], decimal_comma=comma).number("1,234") == 1234


def test_new_numbers_may_lack_the_sign_and_no_more():
    spelling = NumberSpelling(".", ",", "$")
    assert spelling.number("1,000") == spelling.number("1000") == 1000
    assert not spelling.writes("1,000")
    assert spelling.number("€1,000") is spelling.number("1.000,5") is spelling.number("x") is None


def test_plain_numbers_are_those_of_programs():
    assert [plain_number(text) for text in ("1e3", "-.5", "7")] == [1000, -0.5, 7]
    assert [plain_number(text) for text in ("1_000", "1,000", "x", "")] == [None] * 4
