"""Regions of the plane are of what the network predicts there."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mlp_jax import pictures
from mlp_jax.pictures.input import BLUE, ORANGE
from tests.pictures.drawn import PLANE, legend


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
