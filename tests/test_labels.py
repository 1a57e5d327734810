"""Labels and class weights say what they are, and refuse what they are not."""

import numpy as np
import pytest

import mlp_jax
from mlp_jax.labels import class_weights, one_hot, smoothed
from mlp_jax.losses import LOSSES


def test_one_hot_marks_the_class():
    assert one_hot(np.array([2, 0, 1]), 3).tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize("classes", [[-1, 0], [0, 3], [0, 99]])
def test_a_class_outside_is_refused(classes):
    with pytest.raises(ValueError, match="expected 0 to 2, for 3 classes"):
        one_hot(np.array(classes), 3)


def test_half_a_class_is_refused():
    with pytest.raises(ValueError, match="no whole numbers"):
        one_hot(np.array([0.5, 1]), 3)


def test_smoothed_labels_of_a_softmax_still_sum_to_one():
    Y = np.eye(4)
    smooth = smoothed(Y, 0.2, LOSSES["softmax_cross_entropy"])
    np.testing.assert_allclose(smooth.sum(axis=0), 1)
    np.testing.assert_allclose(np.diag(smooth), 0.85)


def test_smoothed_labels_of_sigmoids_go_to_a_half():
    smooth = smoothed(np.array([[0.0, 1.0]]), 0.2, LOSSES["binary_cross_entropy"])
    np.testing.assert_allclose(smooth, [[0.1, 0.9]])


def test_labels_of_a_regression_cannot_be_smoothed():
    with pytest.raises(ValueError, match="label_smoothing is for the cross-entropies"):
        smoothed(np.ones((1, 2)), 0.2, LOSSES["squared_error"])


def test_balanced_weights_give_every_class_the_same_total():
    Y = one_hot(np.array([0, 0, 0, 1, 2, 2]), 3)
    w = np.asarray(class_weights(Y))
    np.testing.assert_allclose((w * Y).sum(axis=1), [2, 2, 2])
    from_sklearn = pytest.importorskip("sklearn.utils.class_weight").compute_sample_weight(
        "balanced", [0, 0, 0, 1, 2, 2]
    )
    np.testing.assert_allclose(w[0], from_sklearn)


@pytest.mark.parametrize(
    ("Y", "given", "said"),
    [
        (np.array([[0.5, 1]]), "balanced", "does not name one class"),
        (np.array([[1, 1], [1, 0]]), "balanced", "does not name one class"),
        (np.array([[0, 1]]), {0: 1.0}, "none for class 1"),
        (np.array([[0, 1]]), {0: 1.0, 1: -1.0}, "one below 0"),
        (np.array([[0, 1]]), "even", "expected 'balanced' or"),
    ],
)
def test_class_weights_that_mean_nothing_are_refused(Y, given, said):
    with pytest.raises(ValueError, match=said):
        class_weights(Y, given)


def test_they_are_on_the_api_page():
    assert mlp_jax.one_hot is one_hot
    assert mlp_jax.class_weights is class_weights
