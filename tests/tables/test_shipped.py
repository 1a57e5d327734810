"""The table that the command line takes by itself is scikit-learn's."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from mlp_jax.tables import shipped


def test_the_table_is_scikit_learns():
    ours, theirs = shipped.breast_cancer(), load_breast_cancer()
    assert list(ours.features) == list(ours.numeric) == list(theirs.feature_names)
    assert list(ours.classes) == list(theirs.target_names)
    np.testing.assert_array_equal(np.array(list(ours.features.values())).T, theirs.data)
    np.testing.assert_array_equal(ours.y, theirs.target)


def test_without_scikit_learn_its_name_is_said(monkeypatch):
    monkeypatch.setattr(shipped, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match="sklearn") as caught:
        shipped.breast_cancer()
    assert caught.value.name == "sklearn"
