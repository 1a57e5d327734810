"""TableClassifier and TableRegressor: a frame in, the ensemble of a sweep out."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from mlp_jax import TableClassifier, TableRegressor

ONE = {"hidden": [(16,)], "learning_rate": [0.05], "batch_size": [16]}
SMALL = {"space": ONE, "cv": 2, "epochs": 12, "halving": None, "ensemble": 1, "random_state": 0}


# Warnings that the checks themselves provoke.
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([TableClassifier(**SMALL), TableRegressor(**SMALL)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)
