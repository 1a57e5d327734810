"""Curves of a training, scores of a sweep, leaves of a certificate."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

import mlp_jax
from mlp_jax import pictures
from mlp_jax.pictures.input import BLUE, GREY, RED
from tests.pictures.drawn import X, Y, legend, ticks


def colour(artist):
    return to_hex(artist.get_facecolor()[0], keep_alpha=False)


def test_the_cost_is_drawn_by_epoch_from_1(axes):
    assert pictures.learning_curves(axes, [3.0, 2.0, 1.5]) is axes
    (line,) = axes.get_lines()
    np.testing.assert_array_equal(line.get_xydata(), [[1, 3.0], [2, 2.0], [3, 1.5]])
    assert axes.get_legend() is None


def test_validation_and_the_best_epoch_are_named(axes):
    pictures.learning_curves(axes, [3, 2, 1], [4, 2, 3], best_epoch=2)
    training, validation, best = axes.get_lines()
    np.testing.assert_array_equal(validation.get_ydata(), [4, 2, 3])
    assert set(best.get_xdata()) == {2}
    assert legend(axes) == ["training", "validation", "best epoch, 2"]
    assert training.get_color() != validation.get_color()


@pytest.mark.parametrize(
    ("cost", "scale"), [([1, 0.01], "log"), ([1, 0.5], "linear"), ([1, -3], "linear")]
)
def test_the_axis_is_logarithmic_where_the_cost_falls_far(axes, cost, scale):
    assert pictures.learning_curves(axes, cost).get_yscale() == scale


def dots(axes):
    """{(x, y)} of the dots, without arrows and legends."""
    return {tuple(place) for group in axes.collections for place in group.get_offsets().tolist()}


def test_numbers_lie_where_they_are(axes):
    pictures.score_by(axes, [1, 2, 4], [0.5, 0.7, 0.6], name="width", scoring="accuracy")
    assert dots(axes) == {(1, 0.5), (2, 0.7), (4, 0.6)}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("width", "accuracy")
    assert axes.get_xscale() == "linear"


def test_numbers_that_differ_much_lie_on_a_log_axis(axes):
    pictures.score_by(axes, [1e-4, 1e-2, 0.1], [1, 2, 3], name="l2")
    assert axes.get_xscale() == "log"


def test_a_zero_among_them_is_on_no_log_axis(axes):
    pictures.score_by(axes, [0.0, 1e-2, 10.0], [1, 2, 3], name="l2")
    assert axes.get_xscale() == "linear"


def test_names_lie_in_their_columns(axes):
    values = ["tanh", "relu", "tanh", "relu"]
    pictures.score_by(axes, values, [0.1, 0.2, 0.3, 0.4], name="activation")
    assert ticks(axes.xaxis) == ["relu", "tanh"]
    columns = {score: round(x) for x, score in dots(axes)}
    assert columns == {0.1: 1, 0.2: 0, 0.3: 1, 0.4: 0}
    assert len({x for x, _ in dots(axes)}) == 4  # none hides another


def test_few_numbers_of_many_dots_are_columns_in_their_order(axes):
    pictures.score_by(axes, [128, 16, 32] * 3, np.arange(9), name="batch_size")
    assert ticks(axes.xaxis) == ["16", "32", "128"]
    assert {round(x) for x, score in dots(axes) if score % 3 == 0} == {2}


def test_what_is_no_number_is_a_name(axes):
    pictures.score_by(axes, [None, 0.5, True, [4, 2], np.inf], np.arange(5), name="x")
    assert ticks(axes.xaxis) == ["0.5", "None", "True", "[4, 2]", "inf"]


def test_of_many_names_the_best_have_columns_and_the_rest_share_one(axes):
    values = [f"n{i}" for i in range(30)]
    pictures.score_by(axes, values, np.arange(30), name="kind")
    assert ticks(axes.xaxis) == [*sorted(f"n{i}" for i in range(19, 30)), "19 others"]
    assert {round(x) for x, score in dots(axes) if score < 19} == {11}


def test_statuses_have_colours_and_are_named(axes):
    statuses = ["finished", "halved away", "stopped", "diverged"]
    pictures.score_by(axes, [1, 2, 3, 4], [4, 3, 2, 1], name="x", statuses=statuses)
    of = {tuple(group.get_offsets()[0].tolist()): colour(group) for group in axes.collections}
    assert of == {(1, 4): BLUE, (2, 3): GREY, (4, 1): RED}
    assert sorted(legend(axes)) == ["diverged", "halved away", "to the end"]


def test_a_score_far_below_is_an_arrow_at_the_foot_and_said(axes):
    scores = [*np.linspace(0.9, 0.95, 19), -7.0]
    pictures.score_by(axes, np.arange(20), scores, name="x")
    assert min(y for _, y in dots(axes)) > 0.8
    assert legend(axes) == ["to the end", "1 lower, down to -7"]
    assert axes.get_ylim()[0] < min(y for _, y in dots(axes))


def test_scores_that_are_near_are_all_where_they_are(axes):
    scores = np.linspace(0.5, 0.9, 20)
    pictures.score_by(axes, np.arange(20), scores, name="x")
    assert {y for _, y in dots(axes)} == set(scores)


PARAMS = mlp_jax.init(0, (3, 2, 1))


def wrong(params, X, Y):
    first, last = mlp_jax.gradient(params, X, Y)
    return [(2 * first.W, first.b), (last.W, np.full((1, 1), np.nan))]


def test_the_certificate_is_drawn_leaf_by_leaf(axes):
    found = mlp_jax.certify(PARAMS, X, Y)
    pictures.certificate(axes, found)
    assert ticks(axes.yaxis) == ["W[1]", "b[1]", "W[2]", "b[2]"]
    against = [group.get_offsets() for group in axes.collections if len(group.get_offsets()) == 4]
    errors = [leaf.error_autodiff for leaf in found.leaves]
    np.testing.assert_allclose(against[0][:, 0], np.maximum(errors, 1e-18))
    np.testing.assert_allclose(against[1][:, 0], [e.error_differences for e in found.leaves])
    np.testing.assert_allclose(against[0][:, 1], np.arange(4), atol=0.2)
    assert axes.get_xscale() == "log"
    assert axes.yaxis_inverted()  # layer 1 on top
    assert {BLUE} == {
        to_hex(c, keep_alpha=False)
        for group in axes.collections[::2][:2]
        for c in group.get_facecolor()
    }


def test_a_wrong_leaf_is_red_and_an_infinite_error_is_at_the_edge(axes):
    pictures.certificate(axes, mlp_jax.certify(PARAMS, X, Y, gradient=wrong))
    group = axes.collections[0]
    colours = [to_hex(c, keep_alpha=False) for c in group.get_facecolor()]
    assert colours == [RED, BLUE, BLUE, RED]
    assert group.get_offsets()[3, 0] == axes.get_xlim()[1]
    assert {"wrong", "right"} < set(legend(axes))
