"""TableClassifier and TableRegressor: a frame in, the ensemble of a sweep out."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from mlp_jax import TableClassifier, TableRegressor

ONE = {"hidden": [(16,)], "learning_rate": [0.05], "batch_size": [16]}
SMALL = {"space": ONE, "cv": 2, "epochs": 12, "halving": None, "ensemble": 2, "random_state": 0}


def not_expected(estimator):
    """Which of scikit-learn's checks a search by chance is not meant to pass, and why."""
    return {
        "check_sample_weight_equivalence_on_dense_data": "a row of weight 2 is in one batch and "
        "one fold, and two rows may be in two",
    }


# Warnings that the checks themselves provoke.
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [TableClassifier(**SMALL), TableRegressor(**SMALL)], expected_failed_checks=not_expected
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
