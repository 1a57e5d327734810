"""The report of a sweep: every picture is there, of the best, and no name is taken for markup."""

import dataclasses
import re
from pathlib import Path

import jax
import numpy as np
import pytest

import mlp_jax
from mlp_jax import pictures
from mlp_jax.sweeps.results import report_pictures
from mlp_jax.sweeps.results.report import html_report

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
NAMES = ["<script>alert(1)</script>", "a&b"]
WORDS = np.array(NAMES)[(X[:, 0] > 0).astype(int)]
DRAWINGS = (
    *("learning_curves", "score_by", "calibration", "confusion", "predicted_and_true"),
    *("certificate", "decision_regions"),
)
SPACE = {"width": [2, 3, 4], "learning_rate": mlp_jax.log_uniform(1e-3, 1e-1)}


def swept(X, y, space=SPACE, **choices):
    n = 3 if isinstance(space, dict) else None
    return mlp_jax.sweep(X, y, space, n=n, folds=2, epochs=4, progress=False, **choices)


def noting(monkeypatch, names=DRAWINGS):
    """A list to which every drawing adds its (name, arguments, choices); and drawn it is."""
    calls = []

    def noted(name):
        own = getattr(pictures, name)

        def call(axes, *arguments, **choices):
            calls.append((name, arguments, choices))
            return own(axes, *arguments, **choices)

        return call

    for name in names:
        monkeypatch.setattr(pictures, name, noted(name))
    return calls


@pytest.fixture(scope="module")
def two_classes():
    with jax.enable_x64(True):
        return swept(X, WORDS)


@pytest.fixture(scope="module")
def reported(two_classes):
    """(the page, what is drawn on it)."""
    with pytest.MonkeyPatch.context() as patch, jax.enable_x64(True):
        calls = noting(patch)
        return html_report(two_classes, features=["<i>width</i>", "height"]), calls


@pytest.fixture
def drawn(monkeypatch, reported):
    """What is drawn, with no PNG made of it and no certificate but one, which take the time."""
    (certificate,) = next(call[1] for call in reported[1] if call[0] == "certificate")
    monkeypatch.setattr(report_pictures, "certify", lambda *_, **__: certificate)
    monkeypatch.setattr(pictures, "png", lambda figure: b"")
    return noting(monkeypatch)


def named(name, calls):
    """The arguments and choices of the first drawing of the name."""
    return next((arguments, choices) for own, arguments, choices in calls if own == name)


def captions(page):
    return re.findall(r"<figcaption>(.*?)</figcaption>", page)


def test_the_page_of_two_classes_by_two_features_has_every_picture(reported):
    page, drawn = reported
    assert [name for name, _, _ in drawn] == [
        *("confusion", "calibration", "decision_regions", "score_by", "score_by"),
        *("learning_curves", "certificate"),
    ]
    assert page.count("data:image/png;base64,iVBORw0KGgo") == len(captions(page)) == 9
    assert not re.search(r"(src|href)=[\"']?http", page)


def test_no_name_is_taken_for_markup(reported):
    page, _ = reported
    assert "<script" not in page
    assert "<i>" not in page
    assert "by &lt;i&gt;width&lt;/i&gt; and height" in page
    assert "How often it is a&amp;b where" in page


def test_a_name_in_the_table_is_escaped_too(drawn):
    def f(Z):
        return Z

    f.__qualname__ = f.__name__ = "<b>mine"
    own = mlp_jax.own_activation(f, lambda Z: 1.0 + 0.0 * Z)
    page = html_report(swept(X, WORDS, [{"activation": own}, {"activation": "relu"}]))
    assert "&lt;b&gt;mine" in page
    assert "<b>mine" not in page


def test_classes_are_called_as_one_likes(two_classes, drawn):
    page = html_report(two_classes, classes=["no", "yes"])
    assert drawn[0][1][2] == ["no", "yes"]
    assert "How often it is yes where" in page


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"classes": ["a", "b", "c"]}, "classes has 3 names and the sweep's table 2 classes"),
        ({"features": ["a"]}, "features has 1 names and the sweep's table 2 features"),
    ],
)
def test_too_many_names_or_too_few_are_an_error(two_classes, choices, message):
    with pytest.raises(ValueError, match=message):
        html_report(two_classes, **choices)


def test_confusion_is_of_rows_that_were_held_out(two_classes, reported):
    _, drawn = reported
    (true, predicted, classes), _ = named("confusion", drawn)
    assert classes == sorted(NAMES)
    best = two_classes.best
    right = []
    for fold, (_, held) in enumerate(two_classes.task.splits):
        params, network = best.members[fold].trained
        A = mlp_jax.forward(params, X[held].T, network=network)
        right.append((np.asarray(A[0] > 0.5) == (WORDS[held] == classes[1])).mean())
    assert np.mean(right) == pytest.approx((true == predicted).mean())
    assert (true == predicted).mean() == pytest.approx(best.score)  # folds of one size


def test_calibration_is_of_the_last_class(two_classes, reported):
    _, drawn = reported
    (true, probability), choices = named("calibration", drawn)
    rows, A = two_classes.held_out_outputs()
    np.testing.assert_array_equal(probability, A[:, 0])
    np.testing.assert_array_equal(true, WORDS[rows] == "a&b")
    assert choices["name"] == "a&b"


def test_regions_are_of_the_first_folds_network_and_its_held_out_rows(two_classes, reported):
    _, drawn = reported
    (predict, rows, y), choices = named("decision_regions", drawn)
    held = two_classes.task.splits[0][1]
    np.testing.assert_array_equal(rows, X[held])
    np.testing.assert_array_equal(y, WORDS[held] == "a&b")
    params, network = two_classes.best.members[0].trained
    A = mlp_jax.forward(params, X[held].T, network=network)
    np.testing.assert_allclose(predict(X[held]), A.T, rtol=1e-12)
    assert choices["feature_names"] == ["<i>width</i>", "height"]


def test_learning_curves_are_of_the_best_with_its_best_epoch(two_classes, reported):
    _, drawn = reported
    (cost, validation), choices = named("learning_curves", drawn)
    member = two_classes.best.members[0]
    np.testing.assert_array_equal(cost, member.curves.cost)
    np.testing.assert_array_equal(validation, member.curves.validation_loss)
    assert choices["best_epoch"] == member.best_epoch


def test_the_certificate_is_of_the_bests_gradient_and_said(two_classes, reported):
    page, drawn = reported
    (found,), _ = named("certificate", drawn)
    assert found.passed
    shapes = [layer.W.shape for layer in two_classes.best.members[0].params]
    assert [leaf.shape for leaf in found.leaves[::2]] == shapes
    assert "on 30 rows: Right in every layer." in page


def test_scores_are_drawn_with_their_statuses(drawn):
    result = swept(X, WORDS, {"width": [2, 3, 4, 5]}, halving=2)
    html_report(result)
    (values, scores), choices = named("score_by", drawn)
    assert scores == [row.score for row in result.ranking]
    assert values == [sum(row.configuration["hidden"]) for row in result.ranking]
    assert choices["statuses"] == [row.status for row in result.ranking]
    assert "halved away" in choices["statuses"]


def test_three_classes_have_no_calibration(drawn):
    html_report(swept(RNG.normal(size=(60, 3)), RNG.integers(0, 3, 60)))
    names = [name for name, _, _ in drawn]
    assert "confusion" in names
    assert not {"calibration", "decision_regions", "predicted_and_true"} & set(names)


def test_numbers_are_drawn_over_the_true_ones(drawn):
    y = X[:, 0] + 0.5 * X[:, 1]
    result = swept(X, y)
    page = html_report(result, held_out_score=0.5)
    assert [name for name, _, _ in drawn][:2] == ["predicted_and_true", "decision_regions"]
    rows, A = result.held_out_outputs()
    np.testing.assert_array_equal(drawn[0][1][0], y[rows])
    np.testing.assert_array_equal(drawn[0][1][1], A[:, 0])
    assert "R² on samples held out" in page


def test_numbers_that_were_standardised_are_drawn_in_their_units(drawn):
    result = swept(X, X[:, 0])
    html_report(result, mean=5.0, scale=100.0)
    rows, A = result.held_out_outputs()
    np.testing.assert_allclose(drawn[0][1][0], 100 * X[rows, 0] + 5, rtol=1e-12)
    np.testing.assert_allclose(drawn[0][1][1], 100 * A[:, 0] + 5, rtol=1e-12)
    (predict, some, y), _ = named("decision_regions", drawn)
    np.testing.assert_allclose(y, 100 * some[:, 0] + 5, rtol=1e-12)
    params, network = result.best.members[0].trained
    of_some = 100 * mlp_jax.forward(params, some.T, network=network)[0] + 5
    np.testing.assert_allclose(predict(some), of_some, rtol=1e-12)


def test_where_no_score_is_finite_none_is_drawn(two_classes, drawn):
    outcomes = [
        dataclasses.replace(part, scores=np.full(len(part), -np.inf))
        for part in two_classes.outcomes
    ]
    result = dataclasses.replace(two_classes, outcomes=outcomes)
    with np.errstate(invalid="ignore"):  # of their spread
        page = html_report(result)
    assert "score_by" not in [name for name, _, _ in drawn]
    assert "Score by choice" not in page


def test_a_name_that_is_no_utf_8_is_on_the_page(two_classes, drawn):
    page = html_report(two_classes, about={"table": Path("caf\udce9.parquet")})
    assert "table: caf\\udce9.parquet" in page
    assert page.encode()


def test_of_quantiles_the_one_in_the_middle_is_drawn(drawn):
    space = [{"loss": "pinball(0.1, 0.4, 0.8)", "learning_rate": rate} for rate in (0.01, 0.02)]
    result = swept(X, X[:, 0], space)
    page = html_report(result)
    _, A = result.held_out_outputs()
    np.testing.assert_array_equal(drawn[0][1][1], A[:, 1])
    # A loss is read as one; in pictures more is better.
    assert result.best.score < 0
    assert f"<td>{-result.best.score:.4f}</td>" in page
    assert named("score_by", drawn)[1]["scoring"] == "minus the loss"


def test_every_output_of_several_has_its_picture(drawn):
    page = html_report(swept(X, X @ RNG.normal(size=(2, 3))))
    assert [name for name, _, _ in drawn].count("predicted_and_true") == 3
    assert "of output 3," in page
    assert "decision_regions" not in [name for name, _, _ in drawn]


def test_every_label_of_several_has_its_pictures(drawn):
    html_report(swept(RNG.normal(size=(60, 3)), RNG.integers(0, 2, (60, 2))))
    assert [name for name, _, _ in drawn].count("confusion") == 2
    assert drawn[2][1][2] == ("not 2", "label 2")


def test_a_matrix_of_many_classes_is_given_the_width_of_the_page(drawn):
    page = html_report(swept(X, np.arange(60) % 12))
    assert page.count('<figure class="large">') == 1


def test_a_picture_of_outputs_that_overflow_is_left_out(two_classes, monkeypatch):
    rows, A = two_classes.held_out_outputs()
    monkeypatch.setattr(
        type(two_classes), "held_out_outputs", lambda self, row=None: (rows, A * np.inf)
    )
    assert report_pictures.pictures_of_best(two_classes, NAMES, ["x", "y"]) == []


def test_curves_end_where_the_validation_loss_is_no_longer_finite(two_classes, drawn, monkeypatch):
    curves = two_classes.best.members[0].curves
    loss = np.array(curves.validation_loss)
    loss[2:] = np.inf
    for member in two_classes.best.members:
        monkeypatch.setitem(member.__dict__, "curves", curves._replace(validation_loss=loss))
    report_pictures.pictures_of_training(two_classes)
    _, (cost, validation), _ = drawn[0]
    assert len(cost) == len(validation) == 2
