"""Outputs of rows with a few moved inputs are those of the whole rows."""

import jax
import numpy as np
import pytest

import mlp_jax
from mlp_jax.models import moved_inputs
from mlp_jax.models.encoding import numbers
from mlp_jax.models.moved_inputs import outputs_of_moved
from mlp_jax.models.networks import as_model

X = np.random.default_rng(0).normal(size=(7, 6))
SHAPES = {"one": [(6, 4, 1)], "no hidden layer": [(6, 1)], "several": [(6, 5, 3, 1), (6, 8, 1)]}


def model(sizes, dtype):
    networks = [
        (mlp_jax.init(jax.random.key(k), one, dtype=dtype), mlp_jax.Network(activation))
        for k, (one, activation) in enumerate(zip(sizes, ("tanh", "relu"), strict=False))
    ]
    about = {"encoding": numbers(list("abcdef")), "targets": ["y"], "classes": ("no", "yes")}
    return as_model(networks, np.arange(1.0, 1 + len(networks)), **about)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-13), (np.float32, 1e-5)])
def test_moved_inputs_have_the_outputs_of_whole_rows(shape, dtype, rtol, monkeypatch):
    ours, inputs = model(SHAPES[shape], dtype), np.array([1, 4])
    cells = X[::-1, inputs] * 3
    whole = X.copy()
    whole[:, inputs] = cells
    expected = ours.outputs_of_inputs(whole)
    few = outputs_of_moved(ours, X)(inputs, cells)
    np.testing.assert_array_equal(few, expected)
    monkeypatch.setattr(moved_inputs, "MANY", 6)
    monkeypatch.setattr(type(ours), "outputs_of_inputs", lambda *_: pytest.fail("all anew"))
    before = X.copy()
    many = outputs_of_moved(ours, X)(inputs, cells)
    np.testing.assert_allclose(many, expected, rtol=rtol)
    assert not np.allclose(many, outputs_of_moved(ours, X)(inputs, X[:, inputs]), rtol=1e-3)
    np.testing.assert_array_equal(X, before)
