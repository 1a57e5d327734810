"""Training: section 3's steps, every example in every epoch, and runs that go on as if unbroken."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import mlp_jax
from mlp_jax.training.batch_order import permutation
from tests.nets import backward, random_net

SGD = optax.sgd(0.1)


def net(m=23, sizes=(4, 5, 3, 1)):
    params, X, Y = random_net(0, sizes, m)
    return jax.tree.map(jnp.asarray, params), X, Y


def test_full_batch_descent_is_section_3():
    params, X, Y = net()
    state, info = mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=20)
    for epoch in range(20):
        assert float(info.cost[epoch]) == pytest.approx(float(mlp_jax.cost(params, X, Y)))
        grads = backward(params, X, Y)
        norm = np.sqrt(sum(float((g * g).sum()) for g in jax.tree.leaves(grads)))
        assert float(info.gradient_norm[epoch]) == pytest.approx(norm)
        params = jax.tree.map(lambda p, g: p - 0.1 * g, params, grads)
    chex.assert_trees_all_close(state.params, params, rtol=1e-11)
    assert int(state.epoch) == 20


def plain(params, X, Y):
    return mlp_jax.gradient(params, X, Y)


@pytest.mark.parametrize("batch_size", [None, 8])
@pytest.mark.parametrize(
    "gradient",
    [jax.grad(mlp_jax.cost), jax.value_and_grad(mlp_jax.cost), mlp_jax.gradient],
    ids=["jax.grad", "jax.value_and_grad", "gradient"],
)
def test_the_gradient_handed_in_gives_the_same_run(gradient, batch_size):
    params, X, Y = net()
    choices = {"optimizer": SGD, "epochs": 12, "batch_size": batch_size, "key": jax.random.key(1)}
    by_hand, info = mlp_jax.fit(params, X, Y, **choices)
    other, other_info = mlp_jax.fit(params, X, Y, gradient=gradient, **choices)
    chex.assert_trees_all_close(by_hand.params, other.params, rtol=1e-10)
    chex.assert_trees_all_close(info, other_info, rtol=1e-10)


def test_a_function_of_three_arguments_trains_where_no_weights_are_needed():
    params, X, Y = net(m=24)
    choices = {"optimizer": SGD, "epochs": 3, "batch_size": 8, "key": jax.random.key(1)}
    by_hand, _ = mlp_jax.fit(params, X, Y, **choices)
    other, _ = mlp_jax.fit(params, X, Y, gradient=plain, **choices)
    chex.assert_trees_all_close(by_hand.params, other.params, rtol=1e-10)


def test_another_gradient_gives_another_run():
    params, X, Y = net()
    half = lambda params, X, Y: jax.tree.map(  # noqa: E731
        lambda g: g / 2, mlp_jax.gradient(params, X, Y)
    )
    by_hand, _ = mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=3)
    other, _ = mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=3, gradient=half)
    assert (by_hand.params[0][0] != other.params[0][0]).any()


@pytest.mark.parametrize("batch_size", [1, 7, 8, 22])
def test_every_example_is_used_once_in_every_epoch(batch_size):
    # One bias, learning rate so small that nothing moves: J is each batch's mean loss, and the
    # epoch's cost is the mean over all examples only if each counts once, the short batch too.
    params, X, Y = net()
    _, info = mlp_jax.fit(
        params,
        X,
        Y,
        optimizer=optax.sgd(0.0),
        epochs=3,
        batch_size=batch_size,
        key=jax.random.key(0),
    )
    np.testing.assert_allclose(info.cost, float(mlp_jax.cost(params, X, Y)), rtol=1e-12)


def test_mini_batch_steps_are_those_of_the_batches_one_by_one():
    params, X, Y = net()
    key = jax.random.key(3)
    state, _ = mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=1, batch_size=10, key=key)
    order = permutation(key, 0, 23)
    for batch in (order[:10], order[10:20], order[20:]):
        grads = backward(params, X[:, batch], Y[:, batch])
        params = jax.tree.map(lambda p, g: p - 0.1 * g, params, grads)
    chex.assert_trees_all_close(state.params, params, rtol=1e-11)


def test_two_epochs_have_two_orders():
    params, X, Y = net()
    choices = {"optimizer": optax.sgd(0.0), "epochs": 2, "batch_size": 22}
    _, info = mlp_jax.fit(params, X, Y, key=jax.random.key(0), **choices)
    assert info.gradient_norm[0] != info.gradient_norm[1]


@pytest.mark.parametrize("batch_size", [None, 8])
def test_a_run_goes_on_bit_for_bit(batch_size):
    params, X, Y = net()
    choices = {"optimizer": optax.adam(0.01), "batch_size": batch_size}
    key = jax.random.key(5)
    whole, info = mlp_jax.fit(params, X, Y, epochs=6, key=key, **choices)
    part, first = mlp_jax.fit(params, X, Y, epochs=2, key=key, **choices)
    rest, second = mlp_jax.fit(part, X, Y, epochs=4, **choices)
    chex.assert_trees_all_equal(whole.params, rest.params)
    chex.assert_trees_all_equal(whole.optimizer_state, rest.optimizer_state)
    joined = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, second)
    chex.assert_trees_all_equal(info, joined)


def test_a_learning_rate_is_vmapped():
    params, X, Y = net()
    rates = jnp.array([0.01, 0.1, 0.5])

    def last_cost(rate):
        return mlp_jax.fit(params, X, Y, optimizer=optax.sgd(rate), epochs=5)[1].cost[-1]

    together = jax.jit(jax.vmap(last_cost))(rates)
    alone = [float(last_cost(float(rate))) for rate in rates]
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    assert len(set(alone)) == 3


def test_weights_of_0_leave_examples_out():
    params, X, Y = net()
    weights = (np.arange(23) < 11).astype(float)[None]
    choices = {"optimizer": SGD, "epochs": 5}
    weighted, info = mlp_jax.fit(params, X, Y, weights=weights, **choices)
    fewer, fewer_info = mlp_jax.fit(params, X[:, :11], Y[:, :11], **choices)
    chex.assert_trees_all_close(weighted.params, fewer.params, rtol=1e-10)
    chex.assert_trees_all_close(info, fewer_info, rtol=1e-10)


def test_a_batch_of_weightless_examples_changes_nothing():
    params, X, Y = net()
    weights = np.zeros((1, 23))
    weights[0, 0] = 1
    choices = {"optimizer": SGD, "epochs": 4, "weights": weights}
    state, info = mlp_jax.fit(params, X, Y, batch_size=1, key=jax.random.key(0), **choices)
    alone, alone_info = mlp_jax.fit(params, X[:, :1], Y[:, :1], optimizer=SGD, epochs=4)
    chex.assert_trees_all_close(state.params, alone.params, rtol=1e-10)
    chex.assert_trees_all_close(info.cost, alone_info.cost, rtol=1e-10)


def test_no_epoch_changes_nothing():
    params, X, Y = net()
    state, info = mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=0)
    chex.assert_trees_all_equal(state.params, params)
    assert info.cost.shape == (0,)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epochs": -1}, "epochs is -1"),
        ({"epochs": 2.5}, "epochs is 2.5"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 4}, r"no key for their order: type key=0"),
        (
            {"Y": np.full((1, 23), 2.0)},
            "Y has labels from 2.0 to 2.0; binary_cross_entropy expects",
        ),
        ({"Y": np.full((1, 23), -1.0)}, "expects 0 to 1"),
        ({"X": np.full((4, 23), np.nan)}, r"X\[0, 0\] is nan"),
        ({"weights": np.zeros((1, 23))}, "a positive sum"),
        ({"weights": np.full((1, 23), -1.0)}, "expected 0 or more"),
        ({"gradient": plain, "l2": 0.1}, "gradient has no argument l2, but l2 is given"),
        (
            {"gradient": plain, "batch_size": 8, "key": jax.random.key(0)},
            "gradient has no argument weights.*a last batch that is short",
        ),
        ({"gradient": lambda params, X, Y: None}, "gradient returned a NoneType"),
    ],
)
def test_bad_input_is_refused_before_training(change, said):
    params, X, Y = net()
    given = {"X": X, "Y": Y, "optimizer": SGD, "epochs": 1} | change
    with pytest.raises(ValueError, match=said):
        mlp_jax.fit(params, **given)
