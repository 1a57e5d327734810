"""The report's part on the answer: its networks, what decides, and the band on rows held out."""

import re

import numpy as np
import pytest

from mlp_jax import pictures
from mlp_jax.sweeps.results import report_answer, report_pictures
from mlp_jax.sweeps.results.report import html_report
from mlp_jax.sweeps.results.report_answer import pictures_of_answer
from mlp_jax.sweeps.results.report_pictures import pictures_of_best
from tests.sweeps.results.test_answer import MEAN, SCALE, answer, swept
from tests.sweeps.results.test_report import noting


@pytest.fixture
def drawn(monkeypatch):
    """(name, arguments, choices) of everything that is drawn; no PNG is made, for the time."""
    names = ("importance", "predicted_and_true", "confusion", "calibration")
    calls = noting(monkeypatch, names)
    monkeypatch.setattr(pictures, "png", lambda figure: b"")
    monkeypatch.setattr(report_pictures, "_certificate", lambda _: report_pictures.Picture(b"", ""))
    return calls


def of(name, calls):
    return [(arguments, choices) for own, arguments, choices in calls if own == name]


def test_the_page_has_the_answer_before_the_ranking(drawn):
    page = html_report(swept("numbers"), mean=MEAN, scale=SCALE, answer=answer("numbers"))
    titles = re.findall("<h2>(.*?)</h2>", page)
    assert titles[:4] == [
        *("The answer", "Where the answer comes from", "The best", "What the ensemble predicts"),
    ]
    assert [name for name, _, _ in drawn][:2] == ["importance", "predicted_and_true"]
    assert "The answer is the average of" in page
    assert "<th>hidden layers</th>" in page


def test_a_single_networks_page_has_no_members(drawn):
    page = html_report(swept("numbers"), answer=answer("numbers", single=True))
    titles = re.findall("<h2>(.*?)</h2>", page)
    assert titles[:3] == ["Where the answer comes from", "The best", "What the best predicts"]


def test_numbers_held_out_have_the_band_and_how_many_rows_it_has(drawn):
    found = answer("numbers")
    _, held_out = pictures_of_answer(found)
    [((true, predicted), choices)] = of("predicted_and_true", drawn)
    np.testing.assert_array_equal(true, found.true[:, 0])
    np.testing.assert_array_equal(predicted, found.predicted[:, 0])
    half = found.model.half_widths(0.9)[0]
    assert choices["half_width"] == half
    share = found.model.notes["interval"]["share_of_rows_held_out"]
    assert f"the interval of 90%, ± {half:.4g}, told from" in held_out.caption
    assert f"it has {share:.1%} of these rows" in held_out.caption


def test_importance_is_drawn_as_it_is_read(drawn):
    found = answer("classes")
    (picture,) = pictures_of_answer(found)
    [((names, *rises), choices)] = of("importance", drawn)
    assert list(zip(names, *rises, strict=True)) == found.importance.read()
    assert choices["measure"] == "log loss"
    assert "5 permutations of 40 rows held out" in picture.caption


def test_what_the_ensemble_predicts_is_drawn_out_of_fold(drawn):
    result = swept("classes")
    ensemble = result.ensemble(3, greedy=False)
    pictures_of_best(result, ("no", "yes"), ["a", "b", "c"], ensemble=ensemble)
    [((_, probability), _)] = of("calibration", drawn)
    _, A = result.held_out_outputs(ensemble)
    np.testing.assert_array_equal(probability, A[:, -1])
    _, of_best = result.held_out_outputs()
    assert not np.array_equal(A, of_best)


def test_names_of_columns_are_no_markup(drawn, monkeypatch):
    found = answer("numbers")
    monkeypatch.setattr(report_answer, "about_ensemble", lambda *_: "<script>")
    page = html_report(swept("numbers"), answer=found)
    assert "<script" not in page


def test_numbers_that_overflow_are_not_drawn(drawn):
    found = answer("numbers")
    assert len(pictures_of_answer(found._replace(predicted=found.predicted * np.inf))) == 1
