"""A step that is not finite is not taken, and said."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import mlp_jax
from mlp_jax.training import divergence
from tests.nets import net_of_loss
from tests.training.small import SGD, net


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("learning_rate", [1e12, 1e300])
def test_a_diverging_run_stops_and_keeps_its_last_finite_parameters(batch_size, learning_rate):
    params, X, Y = net_of_loss("squared_error", (5,), m=24)
    network = mlp_jax.Network("relu", "squared_error")
    choices = {"batch_size": batch_size, "key": 0, "network": network, "epochs": 50}
    wild = mlp_jax.optimizer("sgd", learning_rate=learning_rate)
    with pytest.warns(mlp_jax.DivergenceWarning, match=r"in epoch \d+: the .* is (inf|nan)"):
        state, info = mlp_jax.fit(params, X, Y, optimizer=wild, **choices)
    assert state.diverged
    assert len(info.cost) == int(state.epoch) + 1 < 50
    assert not np.isfinite(info.cost[-1]) or not np.isfinite(info.gradient_norm[-1])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))
    # Without the guard they would not be.
    unguarded = jax.tree.map(jnp.asarray, params)
    for _ in range(50):
        grads = mlp_jax.gradient(unguarded, X, Y, network=network)
        unguarded = jax.tree.map(lambda p, g: p - learning_rate * g, unguarded, grads)
    assert not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(unguarded))


def test_the_last_finite_parameters_are_those_before_the_bad_step():
    params, X, Y = net()

    def breaks_at_epoch_3(params, X, Y):
        J, grads = mlp_jax.cost_and_gradient(params, X, Y)
        return J, jax.tree.map(lambda g: jnp.where(third > J, jnp.nan, g), grads)

    _, info = mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=10)
    third = float(info.cost[2]) + 1e-12
    two, _ = mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=2)
    with pytest.warns(mlp_jax.DivergenceWarning, match="in epoch 3: the norm .* nan"):
        state, _ = mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=10, gradient=breaks_at_epoch_3)
    chex.assert_trees_all_close(state.params, two.params, rtol=1e-12)
    # What diverged can be gone on with, by a better gradient.
    state, info = mlp_jax.fit(state, X, Y, optimizer=SGD, epochs=4)
    assert int(state.epoch) == 6
    assert not state.diverged


@pytest.mark.parametrize("bad", ["cost", "gradient"])
def test_a_step_that_is_not_taken_changes_no_bit(bad):
    params, X, Y = net()
    params = jax.tree.map(lambda p: jnp.where(p < 0, -0.0, p), params)  # -0.0 + 0.0 would be 0.0
    assert any((np.signbit(leaf) & (leaf == 0)).any() for leaf in jax.tree.leaves(params))

    def broken(params, X, Y):
        J, grads = mlp_jax.cost_and_gradient(params, X, Y)
        if bad == "cost":
            return J * jnp.nan, grads
        return J, jax.tree.map(lambda g: g * jnp.inf, grads)

    state, _ = mlp_jax.step(mlp_jax.start(params, SGD), X, Y, optimizer=SGD, gradient=broken)
    assert state.diverged
    for leaf, before in zip(jax.tree.leaves(state.params), jax.tree.leaves(params), strict=True):
        assert np.asarray(leaf).tobytes() == np.asarray(before).tobytes()


def test_a_single_step_refuses_params_of_16_bits_as_fit_does():
    state = mlp_jax.start(mlp_jax.init(0, (4, 5, 1), dtype=jnp.float16), "adam")
    with pytest.raises(ValueError, match="params is of float16, in which small steps are lost"):
        mlp_jax.step(state, np.zeros((4, 3)), np.ones((1, 3)), optimizer="adam")


def test_a_gradient_that_breaks_in_mid_epoch_with_a_finite_cost_is_not_silent():
    params, X, Y = net(m=24)
    first = np.asarray(X[:, :1])

    def breaks_on_the_first_example(params, X, Y):
        J, grads = mlp_jax.cost_and_gradient(params, X, Y)
        return J, jax.tree.map(lambda g: jnp.where((first == X).any(), jnp.nan, g), grads)

    fit = partial(
        mlp_jax.fit,
        X=X,
        Y=Y,
        optimizer="adam",
        epochs=5,
        batch_size=4,
        key=0,
        gradient=breaks_on_the_first_example,
    )
    with pytest.warns(
        mlp_jax.DivergenceWarning, match="in epoch 1: the state of the optimizer is not finite"
    ) as seen:
        state, info = fit(params)
    assert seen[0].filename == __file__  # it points at the call
    assert state.diverged
    assert int(state.epoch) == 0
    assert len(info.cost) == 1  # whatever the segments that it is trained in
    assert np.isfinite(info.cost).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))
    assert jax.jit(fit)(params)[0].diverged


PATIENT = optax.chain(optax.sgd(0.1), optax.contrib.reduce_on_plateau(accumulation_size=100))


@pytest.mark.parametrize(
    ("optimizer", "epochs"), [("lbfgs", 0), (PATIENT, 3)], ids=["lbfgs", "reduce_on_plateau"]
)
def test_an_infinity_that_an_optimizer_starts_with_is_no_divergence(optimizer, epochs):
    params, X, Y = net()
    fit = partial(mlp_jax.fit, X=X, Y=Y, optimizer=optimizer, epochs=epochs)
    state, info = fit(params)
    held = jax.tree.leaves(state.optimizer_state)
    assert any(np.isinf(leaf).any() for leaf in held)
    assert not state.diverged
    assert len(info.cost) == int(state.epoch) == epochs
    assert not jax.jit(partial(fit, max_epochs=3))(params)[0].diverged


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf])
def test_an_infinity_that_comes_to_an_optimizer_is_a_divergence(bad):
    state = mlp_jax.start(net()[0], "adam")
    before = divergence.finite_leaves(optax.adam(0.1), state.optimizer_state)
    assert all(before)
    broken = jax.tree.map(
        lambda leaf: leaf + bad if leaf.dtype.kind == "f" else leaf, state.optimizer_state
    )
    length = jnp.ones(())
    state_then = state._replace(optimizer_state=broken)
    assert divergence.mark_divergence(state_then, length, before).diverged
    assert not divergence.mark_divergence(state, length, before).diverged


def test_an_optimizer_may_keep_a_key():
    params, X, Y = net()
    noisy = optax.noisy_sgd(0.01, key=jax.random.key(1))
    state, info = mlp_jax.fit(params, X, Y, optimizer=noisy, epochs=3)
    assert len(info.cost) == 3
    assert not state.diverged
