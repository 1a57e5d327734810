"""Scores of predictions are scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics

from mlp_jax.tables import scores

RNG = np.random.default_rng(0)
TRUE = RNG.normal(size=50)
PREDICTED = TRUE + RNG.normal(size=50)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (scores.root_mean_squared_error, metrics.root_mean_squared_error),
        (scores.mean_absolute_error, metrics.mean_absolute_error),
        (scores.r2, metrics.r2_score),
        (lambda t, p: scores.mean_pinball_loss(t, p, 0.9), lambda t, p: pinball(t, p, alpha=0.9)),
    ],
)
def test_scores_of_numbers(ours, theirs):
    assert ours(TRUE, PREDICTED) == pytest.approx(theirs(TRUE, PREDICTED), rel=1e-12)


pinball = metrics.mean_pinball_loss


@pytest.mark.parametrize("predicted", [(2.0, 2.0, 2.0), (2.0, 2.0, 3.0)])
def test_r2_of_numbers_that_are_all_the_same(predicted):
    true = np.full(3, 2.0)
    assert scores.r2(true, np.array(predicted)) == metrics.r2_score(true, predicted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_loss_of_probabilities_some_of_which_are_0(dtype):
    P = np.array([[0.2, 0.5, 0.3], [1, 0, 0], [0, 0.25, 0.75], [0, 1, 0]], dtype)
    true = np.array([1, 2, 2, 1])
    theirs = metrics.log_loss(true, P, labels=range(3))
    assert scores.log_loss(true, P) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("digits", [1, 8])  # with ties and without
def test_roc_auc(digits):
    true, score = (TRUE > 0).astype(int), PREDICTED.round(digits)
    theirs = metrics.roc_auc_score(true, score)
    assert scores.roc_auc(true, score) == pytest.approx(theirs, rel=1e-12)


def test_roc_auc_of_one_class_is_not_a_number():
    assert np.isnan(scores.roc_auc(np.ones(3, int), np.arange(3)))
