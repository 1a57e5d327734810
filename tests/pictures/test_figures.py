"""The picture of a training, without JAX or pyplot, and mistakes in one line."""

import subprocess
import sys

import numpy as np
import pytest

from mlp_jax import pictures
from mlp_jax.pictures import figures
from tests.pictures.drawn import PLANE, PNG


def test_neither_jax_nor_pyplot_is_loaded_to_draw():
    code = (
        "import sys, mlp_jax; assert 'matplotlib' not in sys.modules\n"
        "from mlp_jax import pictures\n"
        "pictures.picture_of_training(cost=[2, 1], y=[0, 1], predicted=[0, 1], classes='ab')\n"
        "print([name for name in ('jax', 'matplotlib.pyplot') if name in sys.modules])"
    ).replace("'ab'", "['a', 'b']")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


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
