"""Dates and times as people write them are those that pandas reads, and make the same numbers."""

import numpy as np
import pandas
import pytest

from mlp_jax.models.dates import (
    DAYS,
    HOUR,
    PARTS,
    fits,
    has_zone,
    looks_like_a_date,
    moment,
    order_of,
    part_of,
)

MOMENTS = pandas.date_range("1969-12-30 22:59:58.25", periods=60, freq="97D7h13min").tolist()
FORMS = {  # as `strftime` writes them, in the order that all of them fit
    "%Y-%m-%d": "ymd",
    "%Y/%m/%d %H:%M": "ymd",
    "%Y-%m-%dT%H:%M:%S.%fZ": "ymd",
    "%Y-%m-%d %H:%M:%S+02:00": "ymd",
    "%d/%m/%Y": "dmy",
    "%d.%m.%Y %H:%M": "dmy",
    "%d-%m-%y": "dmy",
    "%d %b %Y": "dmy",
    "%d-%b-%y": "dmy",
    "%a, %d %b %Y %H:%M:%S -0330": "dmy",
    "%m/%d/%Y": "mdy",
    "%m-%d-%Y, %I:%M %p": "mdy",
    "%B %d, %Y": "mdy",
}


@pytest.mark.parametrize("form", FORMS)
def test_dates_are_those_of_pandas(form):
    texts = [one.strftime(form) for one in MOMENTS]
    order = order_of(texts)
    assert order == FORMS[form]
    own = form.replace("Z", "%z").replace("+02:00", "%z").replace("-0330", "%z")
    theirs = pandas.to_datetime(texts, format=own, utc="%z" in own)
    theirs = np.array(theirs.tz_localize(None), "datetime64[us]")
    mine = np.array([moment(text, order) for text in texts]).astype("datetime64[us]")
    if "%y" in form:  # POSIX takes 69 to 99 for the years from 1969
        assert MOMENTS[0].year == 1969
    np.testing.assert_array_equal(mine, theirs)


def test_parts_are_those_of_pandas():
    moments = np.append(np.array(MOMENTS, "datetime64[us]"), np.datetime64("NaT"))
    theirs = pandas.Series(moments).dt
    expected = {
        "year": theirs.year,
        "month": theirs.month,
        "day of the week": theirs.isocalendar().day,
        "day of the year": theirs.day_of_year,
        "hour": theirs.hour
        + theirs.minute / 60
        + theirs.second / 3600
        + theirs.microsecond / 3.6e9,
        "days since": (pandas.Series(moments) - pandas.Timestamp("1970-01-01"))
        / pandas.Timedelta("1D"),
    }
    assert tuple(expected) == PARTS
    for part, numbers in expected.items():
        mine = part_of(moments, part, "1970-01-01" if part == DAYS else "")
        np.testing.assert_allclose(mine, numbers.astype(float), rtol=1e-14, atol=1e-12)
        assert np.isnan(mine[-1])


def test_what_could_be_two_dates_is_neither():
    assert order_of(["03/04/2024", "05/06/2024"]) == ""
    assert order_of(["03/04/2024", "13/06/2024"]) == "dmy"
    assert order_of(["03/04/2024", "05/16/2024"]) == "mdy"
    assert order_of(["03.04.2024"]) == "dmy"  # nobody writes the month first with points
    assert order_of(["05/05/2024"]) in ("dmy", "mdy")  # both say the same


@pytest.mark.parametrize(
    "texts",
    [
        ["31/12/2024", "12/31/2024"],
        ["2024-01-15", "15/01/2024"],
        ["31/02/2024"],
        ["2024-13-01"],
        ["2024-01-01 25:00"],
        ["2024-01-01 13:00 pm"],
        ["2024-01-01T10:00Z", "2024-01-01T10:00"],
        ["10 Foo 2024"],
        ["20240115"],
        ["soon"],
        [],
    ],
)
def test_what_fits_no_order_is_no_date(texts):
    assert order_of(texts) is None


def test_times_are_hours_and_may_be_more_than_a_day():
    texts = ["10:30", "00:00:36", "11:15 PM", "123:30:00"]
    assert order_of(texts) == "time"
    moments = np.array([moment(text, "time") for text in texts]).astype("datetime64[us]")
    np.testing.assert_allclose(part_of(moments, HOUR, "1970-01-01"), [10.5, 0.01, 23.25, 123.5])


def test_iso_dates_are_read_whatever_the_order():
    assert moment("2024-02-03", "dmy") == moment("3/2/2024", "dmy") == moment("2/3/2024", "mdy")
    assert moment("2/3/2024", "ymd") is None


def test_dates_are_told_from_others():
    assert looks_like_a_date("31/02/2024")
    assert not fits("31/02/2024", "dmy")
    assert not looks_like_a_date("555-1234")
    assert has_zone("2024-01-01T10:00+01:00")
    assert not has_zone("2024-01-01T10:00")
