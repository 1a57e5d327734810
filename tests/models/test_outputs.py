"""What outputs stand for: each kind of target, and what scikit-learn makes of the same outputs."""

import numpy as np
import pytest
from sklearn.preprocessing import LabelBinarizer

from mlp_jax.models.outputs import class_numbers, flat_if_one, labels, predicted, probabilities

ONE = np.array([[0.2], [0.5], [0.9], [np.nan]])
SEVERAL = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.1, 0.6, 0.3]])


def test_one_output_is_the_probability_of_the_second_class():
    assert class_numbers(ONE).tolist() == [0, 0, 1, 0]
    expected = [[1 - 0.2, 0.2], [0.5, 0.5], [1 - 0.9, 0.9]]
    np.testing.assert_array_equal(probabilities(ONE[:3]), expected)


def test_the_class_is_that_of_the_largest_output_and_of_equal_ones_the_first():
    assert class_numbers(SEVERAL).tolist() == [1, 0, 1]
    assert probabilities(SEVERAL) is SEVERAL


def test_labels_are_judged_one_by_one():
    assert labels(SEVERAL).tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert labels(SEVERAL).dtype == int


def test_one_number_a_row_is_flat():
    assert flat_if_one(ONE).shape == (4,)
    assert flat_if_one(SEVERAL) is SEVERAL


@pytest.mark.parametrize("y", [[3, 7], ["a", "b", "c"], ["one"], [[1, 0, 1], [0, 1, 1]]], ids=str)
def test_predictions_are_those_of_scikit_learns_binarizer(y):
    binarizer = LabelBinarizer().fit(y)
    of_labels = np.ndim(y) == 2
    A = SEVERAL if len(binarizer.classes_) > 2 else ONE
    ours = predicted(A, None if of_labels else binarizer.classes_, of_labels=of_labels)
    theirs = binarizer.inverse_transform(A if A.shape[1] > 1 else A[:, 0])
    np.testing.assert_array_equal(ours, theirs, strict=True)


def test_numbers_are_predicted_as_they_are():
    np.testing.assert_array_equal(predicted(ONE, None, of_labels=False), ONE[:, 0])
