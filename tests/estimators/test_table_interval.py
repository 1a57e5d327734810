"""The intervals of a `TableRegressor` are those of its model."""

import numpy as np
import pytest

import mlp_jax

SPACE = {"width": [4], "learning_rate": [0.05, 0.1], "batch_size": [16]}


def test_intervals_of_an_estimator_are_of_errors_out_of_fold():
    a, b = np.random.default_rng(0).normal(size=(2, 80))
    y = 10 * a + b
    choices = {"space": SPACE, "cv": 2, "epochs": 10, "random_state": 0}
    found = mlp_jax.TableRegressor(**choices).fit({"a": a, "b": b}, y)
    low, high = found.interval({"a": a[:5], "b": b[:5]}, 0.8)
    expected = found.model_.interval({"a": a[:5], "b": b[:5]}, 0.8)
    np.testing.assert_allclose([low, high], expected, rtol=1e-6)
    assert found.model_.residuals.shape == (80, 1)
    with pytest.raises(ValueError, match=r"level is 80; .*type 0.8"):
        found.interval({"a": a, "b": b}, 80)
