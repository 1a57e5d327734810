"""Pictures show what they are given: places, heights, counts and names as drawn on the Axes."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

import mlp_jax
from mlp_jax import pictures
from mlp_jax.pictures import figures
from mlp_jax.pictures.input import BLUE, GREY, ORANGE, RED

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def axes():
    return pictures.figure()[1][0]


def colour(artist):
    return to_hex(artist.get_facecolor()[0], keep_alpha=False)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_neither_jax_nor_pyplot_is_loaded_to_draw():
    code = (
        "import sys, mlp_jax; assert 'matplotlib' not in sys.modules\n"
        "from mlp_jax import pictures\n"
        "pictures.picture_of_training(cost=[2, 1], y=[0, 1], predicted=[0, 1], classes='ab')\n"
        "print([name for name in ('jax', 'matplotlib.pyplot') if name in sys.modules])"
    ).replace("'ab'", "['a', 'b']")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


# --- Learning curves.


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


# --- Score against a hyperparameter.


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


# --- Calibration.


def test_a_dot_of_calibration_is_the_share_of_its_bin(axes):
    y = [0, 1, 1, 1, 0]
    pictures.calibration(axes, y, [0.62, 0.64, 0.66, 0.68, 0.1], name="yes")
    (line,) = [line for line in axes.get_lines() if line.get_marker() == "o"]
    np.testing.assert_allclose(line.get_xydata(), [[0.1, 0], [0.65, 0.75]])
    assert axes.get_xlabel() == "probability of yes"


def test_the_strip_has_the_rows_of_every_bin(axes):
    pictures.calibration(axes, [0, 1, 1, 1, 0], [0.62, 0.64, 0.66, 0.68, 0.1])
    low, high = axes.patches
    assert texts(axes) == ["1", "4"]
    assert high.get_height() == pytest.approx(4 * low.get_height())
    assert low.get_x() + low.get_width() / 2 == pytest.approx(0.15)
    assert high.get_y() + high.get_height() < 0


def test_how_far_off_is_the_mean_over_the_rows(axes):
    pictures.calibration(axes, [1, 1, 0], [0.95, 0.95, 0.25])
    # (2 * |1 - 0.95| + |0 - 0.25|) / 3
    assert "as it is: off by 0.117" in legend(axes)


def test_a_thin_bin_has_a_wider_interval():
    spans = []
    for count in (3, 300):
        axes = pictures.figure()[1][0]
        pictures.calibration(axes, [0, 1, 1] * count, [0.66] * 3 * count)
        low, high = axes.collections[0].get_segments()[0][:, 1]
        spans.append(high - low)
    assert spans[0] > 3 * spans[1]
    # Wilson's interval of 6 of 9 by hand: centre (6 + 1.9208) / (9 + 3.8416) = 0.6168,
    # half 1.96 sqrt(6 * 3 / 9 + 0.9604) / (9 + 3.8416) = 0.2626
    assert spans[0] == pytest.approx(2 * 0.2626, abs=1e-3)


def test_a_probability_of_1_is_in_the_last_bin(axes):
    pictures.calibration(axes, [1, 1], [1.0, 0.95])
    assert texts(axes) == ["2"]


# --- Confusion.


def test_confusion_counts_true_rows_and_predicted_columns(axes):
    pictures.confusion(axes, [0, 0, 0, 1], [0, 1, 1, 1], ["cat", "dog"])
    drawn = {text.get_position(): text.get_text() for text in axes.texts}
    assert drawn == {(0, 0): "1\n33%", (1, 0): "2\n67%", (1, 1): "1\n100%"}  # (column, row)
    np.testing.assert_allclose(axes.images[0].get_array(), [[1 / 3, 2 / 3], [0, 1]])
    assert ticks(axes.yaxis) == ticks(axes.xaxis) == ["cat", "dog"]


def test_confusion_takes_names_for_numbers(axes):
    pictures.confusion(axes, ["dog", "cat"], ["dog", "dog"], ["cat", "dog"])
    assert {text.get_position() for text in axes.texts} == {(1, 1), (1, 0)}


def test_a_class_without_rows_has_no_share(axes):
    pictures.confusion(axes, [0, 0], [0, 1], ["a", "b"])
    np.testing.assert_array_equal(axes.images[0].get_array()[1], [0, 0])


def test_of_many_classes_the_share_found_stands_at_the_row(axes):
    y = np.repeat(np.arange(12), 4)
    predicted = np.where(np.arange(48) == 1, 5, y)
    pictures.confusion(axes, y, predicted, [f"c{i}" for i in range(12)])
    assert ticks(axes.yaxis)[:2] == ["c0  75%", "c1  100%"]
    assert sorted(set(texts(axes))) == ["1", "3", "4"]


def test_of_too_many_classes_the_most_confused_are_shown_and_no_row_is_lost(axes):
    rng = np.random.default_rng(3)
    y = np.concatenate([np.arange(40).repeat(5), np.full(30, 33)])
    predicted = np.concatenate([np.arange(40).repeat(5), rng.integers(0, 40, 30)])
    pictures.confusion(axes, y, predicted, [f"c{i}" for i in range(40)])
    names = ticks(axes.xaxis)
    assert len(names) == 20
    assert "c33" in names
    assert names[-1] == "21 others"
    assert axes.get_title() == "the 19 most confused of 40 classes"
    assert sum(int(text) for text in texts(axes)) == 230


def test_a_long_name_is_cut_and_a_dollar_is_no_formula(axes):
    pictures.confusion(axes, [0, 1], [0, 1], ["$\\frac$ " + "x" * 50, "<b>&\n$2$"])
    assert ticks(axes.xaxis) == ["\\$\\frac\\$ xxxxxxxxx…", "<b>& \\$2\\$"]
    assert pictures.png(axes.figure).startswith(PNG)  # matplotlib raises on $\frac$


# --- Numbers.


def test_predicted_is_drawn_over_true(axes):
    pictures.predicted_and_true(axes, [1, 2, 3], [1.5, 2.0, 2.5], name="price")
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), [[1, 1.5], [2, 2.0], [3, 2.5]])
    assert axes.get_xlim() == axes.get_ylim()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("true price", "predicted price")
    assert axes.get_title() == "3 rows, R² 0.750"  # 1 - 0.5 / 2


def test_many_rows_are_counted_in_cells(axes):
    y = np.random.default_rng(0).normal(size=4000)
    pictures.predicted_and_true(axes, y, y)
    assert axes.collections[0].get_array().sum() == 4000


def test_equal_numbers_have_room_around_them(axes):
    pictures.predicted_and_true(axes, [2, 2], [2, 2])
    assert axes.get_xlim() == (1, 3)
    assert axes.get_title() == "2 rows"


# --- The certificate.

RNG = np.random.default_rng(0)
PARAMS = mlp_jax.init(0, (3, 2, 1))
X, Y = RNG.normal(size=(3, 8)), np.array([[0, 1] * 4])


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


# --- Decision regions.

PLANE = np.array([[-1.0, -1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]])


def ground(axes, x, y):
    """The colour of the picture at a point."""
    image = axes.images[0]
    left, right, low, high = image.get_extent()
    pixels = np.asarray(image.get_array())
    row = int((y - low) / (high - low) * len(pixels))
    return pixels[row, int((x - left) / (right - left) * pixels.shape[1])]


def test_regions_are_of_the_class_that_is_predicted_there(axes):
    pictures.decision_regions(
        axes,
        lambda X: (X[:, 0] > 0.2).astype(int),
        *(PLANE, [0, 1, 1, 0]),
        classes=["left", "right"],
        feature_names=("width", "height"),
    )
    orange, blue = np.array(to_rgb(ORANGE)), np.array(to_rgb(BLUE))
    for x, y, near, far in ((0.1, 0.9, orange, blue), (0.3, -0.9, blue, orange)):
        there = ground(axes, x, y)
        assert np.abs(there - near).sum() < np.abs(there - far).sum()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("width", "height")
    assert legend(axes) == ["left", "right"]
    left, right = axes.collections
    np.testing.assert_array_equal(left.get_offsets(), PLANE[[0, 3]])
    np.testing.assert_array_equal(right.get_offsets(), PLANE[[1, 2]])


@pytest.mark.parametrize(
    "predict",
    [
        lambda X: np.array(["left", "right"])[(X[:, 0] > 0).astype(int)],
        lambda X: (X[:, :1] > 0).astype(float),
        lambda X: np.stack([X[:, 0] <= 0, X[:, 0] > 0], axis=1).astype(float),
    ],
    ids=["names", "a probability", "probabilities"],
)
def test_names_and_sure_probabilities_give_the_same_regions_as_numbers(axes, predict):
    other = pictures.figure()[1][0]
    choices = {"X": PLANE, "y": [0, 1, 1, 0], "classes": ["left", "right"]}
    pictures.decision_regions(axes, predict, **choices)
    pictures.decision_regions(other, lambda X: (X[:, 0] > 0).astype(int), **choices)
    np.testing.assert_allclose(axes.images[0].get_array(), other.images[0].get_array())


def test_where_it_is_a_toss_the_ground_is_paler(axes):
    pictures.decision_regions(
        axes,
        lambda X: 1 / (1 + np.exp(-9 * X[:, :1])),
        *(PLANE, [0, 1, 1, 0]),
        classes=["left", "right"],
    )
    assert ground(axes, 0.0, 0.5).sum() > ground(axes, 0.9, 0.5).sum() + 0.3


def test_regions_of_numbers_share_their_colours_with_the_examples(axes):
    pictures.decision_regions(axes, lambda X: X.sum(axis=1), PLANE, [-2, 2, 0, 5])
    image, points = axes.images[0], axes.collections[0]
    np.testing.assert_allclose(ground(axes, 0.5, -0.5), 0, atol=0.03)
    np.testing.assert_array_equal(points.get_array(), [-2, 2, 0, 5])
    assert image.norm.vmax == points.norm.vmax == 5
    assert len(axes.figure.axes) == 2  # with its scale


def test_a_feature_that_never_changes_has_room_around_it(axes):
    X = np.array([[3.0, 1.0], [3.0, 2.0]])
    pictures.decision_regions(axes, lambda X: X[:, 1], X, [0, 1])
    assert axes.get_xlim() == (2, 4)


# --- All together.


@pytest.mark.parametrize(
    ("choices", "panels"),
    [
        ({"y": [0, 1, 1], "predicted": [0, 1, 0], "classes": ["a", "b"]}, 2),
        (
            {
                "y": [0, 1, 1],
                "predicted": [0, 1, 0],
                "classes": ["a", "b"],
                "probability": [0.2, 0.9, 0.4],
                "validation_cost": [1, 2],
                "best_epoch": 1,
            },
            3,
        ),
        ({"y": [0.3, 1.2], "predicted": [0.1, 1.0]}, 2),
    ],
    ids=["classes", "two classes and a probability", "numbers"],
)
def test_the_picture_of_a_training_has_its_panels(monkeypatch, choices, panels):
    drawn = []
    monkeypatch.setattr(figures, "png", lambda figure: drawn.append(figure) or PNG)
    assert pictures.picture_of_training(cost=[2.0, 1.0], **choices) == PNG
    assert len(drawn[0].axes) == panels
    assert all(axes.has_data() for axes in drawn[0].axes)


def test_a_picture_is_the_same_bytes_again():
    choices = {"cost": [2, 1], "y": [0, 1], "predicted": [0, 1], "classes": ["a", "猫"]}
    first, second = (pictures.picture_of_training(**choices) for _ in range(2))
    assert first == second
    assert first.startswith(PNG)


# --- Mistakes.

MISTAKES = {
    "no epoch": (lambda a: pictures.learning_curves(a, []), r"cost has shape \(0,\); expected"),
    "a cost that is not finite": (
        lambda a: pictures.learning_curves(a, [1, np.nan]),
        r"cost\[1\] is nan; expected finite",
    ),
    "validation of other epochs": (
        lambda a: pictures.learning_curves(a, [1, 2], [1]),
        "validation_cost has length 1 and cost 2",
    ),
    "an epoch that is none": (
        lambda a: pictures.learning_curves(a, [1, 2], best_epoch=3),
        "best_epoch is 3; expected one of the epochs 1 to 2",
    ),
    "epoch 0": (lambda a: pictures.learning_curves(a, [1], best_epoch=0), "best_epoch is 0"),
    "words for numbers": (
        lambda a: pictures.predicted_and_true(a, ["x"], [1]),
        "y holds <U1; expected numbers",
    ),
    "two outputs": (
        lambda a: pictures.predicted_and_true(a, np.ones((3, 2)), [1, 2, 3]),
        r"y has shape \(3, 2\).*type y\[:, 0\]",
    ),
    "more predicted than true": (
        lambda a: pictures.predicted_and_true(a, [1, 2], [1, 2, 3]),
        "predicted has length 3 and y 2",
    ),
    "fewer values than scores": (
        lambda a: pictures.score_by(a, [1], [1, 2], name="x"),
        "values has length 1 and scores 2",
    ),
    "fewer statuses": (
        lambda a: pictures.score_by(a, [1, 2], [1, 2], name="x", statuses=["finished"]),
        "statuses has length 1",
    ),
    "a score that failed": (
        lambda a: pictures.score_by(a, [1, 2], [1, np.inf], name="x"),
        r"scores\[1\] is inf",
    ),
    "one class": (lambda a: pictures.confusion(a, [0], [0], ["a"]), "expected the names of two"),
    "a word for classes": (
        lambda a: pictures.confusion(a, [0], [0], "ab"),
        "classes is 'ab'; expected the names",
    ),
    "a class too many": (
        lambda a: pictures.confusion(a, [0, 2], [0, 1], ["a", "b"]),
        "y has 2; expected the numbers of the classes, 0 to 1",
    ),
    "half a class": (
        lambda a: pictures.confusion(a, [0, 1], [0.5, 1], ["a", "b"]),
        "predicted has 0.5; expected the numbers",
    ),
    "an unknown name": (
        lambda a: pictures.confusion(a, ["c"], ["a"], ["a", "b"]),
        "y has 'c', which is none of the classes a, b",
    ),
    "a score for a probability": (
        lambda a: pictures.calibration(a, [0, 1], [-2.0, 3.0]),
        "probability is from -2 to 3; expected 0 to 1",
    ),
    "classes 1 and 2 in a calibration": (
        lambda a: pictures.calibration(a, [1, 2], [0.1, 0.9]),
        "y has 2; expected",
    ),
    "no bins": (
        lambda a: pictures.calibration(a, [0, 1], [0, 1], bins=0),
        "bins is 0; expected a whole number",
    ),
    "no certificate": (
        lambda a: pictures.certificate(a, True),
        r"certificate is a bool; .*mlp_jax.certify\(params, X, Y\)",
    ),
    "three features": (
        lambda a: pictures.decision_regions(a, len, np.ones((4, 3)), [0] * 4),
        r"X has shape \(4, 3\); expected \(rows, 2\)",
    ),
    "one name of two features": (
        lambda a: pictures.decision_regions(a, len, PLANE, [0] * 4, feature_names=("x",)),
        "feature_names is .*expected two names",
    ),
    "one prediction for all": (
        lambda a: pictures.decision_regions(a, lambda X: 1.0, PLANE, [0] * 4),
        r"predict returned shape \(\) for 40000 rows",
    ),
    "probabilities of three of two classes": (
        lambda a: pictures.decision_regions(
            a, lambda X: np.ones((len(X), 3)), PLANE, [0] * 4, classes=["a", "b"]
        ),
        r"predict returned shape \(40000, 3\), for 2 classes",
    ),
    "fewer labels than rows": (
        lambda a: pictures.decision_regions(a, lambda X: X[:, 0], PLANE, [0, 1]),
        "y has length 2 and X 4",
    ),
    "the probability of one of three": (
        lambda a: pictures.picture_of_training(
            cost=[1], y=[0], predicted=[0], probability=[0.1], classes=["a", "b", "c"]
        ),
        "probability is given with classes",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_in_one_line(axes, mistake):
    call, message = MISTAKES[mistake]
    with pytest.raises(ValueError, match=message) as error:
        call(axes)
    assert "\n" not in str(error.value)
