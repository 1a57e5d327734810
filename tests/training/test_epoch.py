"""An epoch: its batches, its dropout, its labels, and how factors lie in memory."""

import re
from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import mlp_jax
from mlp_jax.dropout import FallingRate, dropout_masks
from mlp_jax.labels import smoothed
from mlp_jax.products import Products
from mlp_jax.training import segments as training_segments
from mlp_jax.training.batch_order import permutation
from mlp_jax.training.loop import run
from tests.nets import net_of_loss, random_net
from tests.training.small import SGD, net


def test_examples_of_weight_0_neither_train_nor_validate_whatever_their_numbers():
    params, X, Y = net(m=12)
    network = mlp_jax.Network("identity", "poisson")
    few = np.ones((1, 12))
    few[0, :3] = 0.0
    far = np.where(few > 0, X, 1e4 * (-1.0) ** np.arange(12))  # exp(z) is infinite of some
    fit = partial(mlp_jax.fit, optimizer="adam", epochs=5, network=network)
    state, info = fit(params, far, Y, weights=few, validation=(far, Y, few))
    alone, expected = fit(params, X[:, 3:], Y[:, 3:], validation=(X[:, 3:], Y[:, 3:]))
    assert not state.diverged
    chex.assert_trees_all_close(state.params, alone.params, rtol=1e-9)
    chex.assert_trees_all_close(info, expected, rtol=1e-9)


def test_without_shuffling_batches_are_the_examples_in_order():
    params, X, Y = net(m=10)
    fit = partial(mlp_jax.fit, optimizer=SGD)
    state, _ = fit(params, X, Y, epochs=2, batch_size=4, shuffle=False)
    by_hand = params
    for _ in range(2):
        for part in (slice(0, 4), slice(4, 8), slice(8, 10)):
            by_hand = fit(by_hand, X[:, part], Y[:, part], epochs=1)[0].params
    chex.assert_trees_all_close(state.params, by_hand, rtol=1e-9)
    shuffled, _ = fit(params, X, Y, epochs=2, batch_size=4, key=0)
    assert not np.allclose(shuffled.params[0][0], state.params[0][0])


def test_dropout_of_a_step_is_that_of_its_masks_for_hand_and_autodiff():
    params, X, Y = net()
    fit = partial(mlp_jax.fit, params, X, Y, optimizer=SGD, epochs=5, dropout=0.4, key=1)
    by_hand, info = fit()
    by_autodiff, _ = fit(gradient=jax.value_and_grad(mlp_jax.cost))
    chex.assert_trees_all_close(by_hand.params, by_autodiff.params, rtol=1e-11)
    key_dropout = jax.random.fold_in(jax.random.key(1), 0)
    masks = dropout_masks(jax.random.fold_in(key_dropout, 0), params, 24, jnp.asarray(0.4))
    assert float(info.cost[0]) == pytest.approx(float(mlp_jax.cost(params, X, Y, masks=masks)))
    assert len(set(np.round(np.asarray(info.cost), 12))) == 5


def share_left(done, epochs):
    """RealMLP's flat_cos: 1 up to a half, and down to 0 along half a cosine."""
    share = min(max(2 * done / epochs - 1, 0), 1)
    return (1 + np.cos(np.pi * share)) / 2


def test_dropout_that_falls_is_as_it_is_for_half_of_its_epochs_and_none_after_them():
    params, X, Y = net()
    fit = partial(mlp_jax.fit, params, X, Y, optimizer=optax.sgd(0.0), epochs=8, dropout=0.4, key=1)
    _, info = fit(dropout_epochs=6)
    np.testing.assert_allclose(
        [share_left(epoch, 6) for epoch in range(8)], [1, 1, 1, 1, 0.75, 0.25, 0, 0], atol=1e-15
    )
    for epoch in range(8):
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(1), epoch), 0)
        rate = jnp.asarray(0.4 * share_left(epoch, 6))
        masks = dropout_masks(key, params, 24, rate)
        expected = float(mlp_jax.cost(params, X, Y, masks=masks))
        assert float(info.cost[epoch]) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(info.cost[6:], float(mlp_jax.cost(params, X, Y)), rtol=1e-12)
    _, stays = fit()
    np.testing.assert_allclose(stays.cost[:4], info.cost[:4], rtol=1e-12)
    assert not np.isclose(stays.cost[4:], info.cost[4:], rtol=1e-6).any()


def test_dropout_falls_by_the_step():
    # In steps that move nothing, the cost of an epoch is the mean of its two batches'.
    params, X, Y = net()
    about = {"optimizer": optax.sgd(0.0), "batch_size": 12, "key": 3}
    _, info = mlp_jax.fit(params, X, Y, epochs=2, dropout=0.6, dropout_epochs=2, **about)
    order = permutation(jax.random.key(3), 1, 24)
    costs = {}
    for half in (0.5, 0.0):  # of an epoch, where the second step is; 0 if it fell by the epoch
        costs[half] = 0.0
        for index, batch in enumerate((order[:12], order[12:])):
            key = jax.random.fold_in(jax.random.fold_in(jax.random.key(3), 1), index)
            rate = jnp.asarray(0.6 * share_left(1 + half * index, 2))
            masks = dropout_masks(key, params, 12, rate)
            cost = mlp_jax.cost(params, X[:, batch], Y[:, batch], masks=masks)
            costs[half] += float(cost) / 2
    assert float(info.cost[1]) == pytest.approx(costs[0.5], rel=1e-12)
    assert abs(costs[0.5] - costs[0.0]) > 1e-3


def test_dropout_that_never_falls_is_dropout_to_the_last_bit():
    rate = jnp.float32(0.3)
    assert float(FallingRate(rate, jnp.float32(np.inf)).after(jnp.int32(10**6))) == float(rate)


def test_masks_for_params_of_16_bits_drop_the_share_and_not_what_16_bits_can_draw():
    # bfloat16 draws one of 128 numbers, and would drop 1 / 128 for every rate below that.
    params = mlp_jax.init(0, (3, 1000, 1), dtype=jnp.bfloat16)
    (mask,) = dropout_masks(0, params, 1000, 0.001)
    assert abs(float((mask == 0).mean()) - 0.001) < 5 * np.sqrt(0.001 / 1e6)
    assert float(mask.max()) == pytest.approx(1 / 0.999, rel=1e-6)


def test_masks_drop_the_share_and_keep_the_expectation():
    (mask,) = dropout_masks(0, random_net(0, (3, 200, 1), 1)[0], 300, 0.3)
    values, counts = np.unique(np.asarray(mask), return_counts=True)
    np.testing.assert_allclose(values, [0, 1 / 0.7])
    assert counts[0] / counts.sum() == pytest.approx(0.3, abs=0.01)


def test_label_smoothing_is_training_on_smoothed_labels():
    params, X, Y = net()
    a, _ = mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=5, label_smoothing=0.2)
    soft = smoothed(Y, 0.2, mlp_jax.Network().loss)
    b, _ = mlp_jax.fit(params, X, soft, optimizer=SGD, epochs=5)
    chex.assert_trees_all_close(a.params, b.params, rtol=1e-12)


@pytest.mark.parametrize("best_by", ["metric", "validation_loss"])
def test_epochs_are_judged_by_labels_that_are_not_smoothed(best_by):
    params, X, Y = net()
    about = {"optimizer": "adam", "epochs": 30, "label_smoothing": 0.4, "best_by": best_by}
    state, info = mlp_jax.fit(params, X, Y, validation=(X, Y), **about)
    A = mlp_jax.forward(state.params, X)
    accuracy = float(np.mean((np.asarray(A) > 0.5) == (Y > 0.5)))
    assert float(info.metric[-1]) == pytest.approx(accuracy)
    log_loss = float(-np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A)))
    assert float(info.validation_loss[-1]) == pytest.approx(log_loss, rel=1e-9)
    Y_smoothed = smoothed(Y, 0.4, mlp_jax.Network().loss)
    assert abs(log_loss - float(mlp_jax.cost(state.params, X, Y_smoothed))) > 0.01
    judged = info.metric if best_by == "metric" else -info.validation_loss
    assert int(state.best.epoch) == 1 + int(np.argmax(judged))


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "poisson", "pinball(0.1, 0.5, 0.9)"])
def test_other_losses_train(loss):
    params, X, Y = net_of_loss(loss, (16,), m=60)
    _, info = mlp_jax.fit(
        params, X, Y, optimizer="adam", epochs=200, network=mlp_jax.Network("tanh", loss)
    )
    assert info.cost[-1] < info.cost[0] - 0.01


@pytest.mark.parametrize(
    ("hidden", "batch_size"), [((32,), None), ((128, 128), 16)], ids=["small", "large in batches"]
)
def test_bfloat16_products_train_float32_parameters(hidden, batch_size):
    params, X, Y = net(m=64, sizes=(4, *hidden, 1))
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params)
    about = {"optimizer": mlp_jax.optimizer("adam", learning_rate=1e-3), "batch_size": batch_size}
    fit = partial(mlp_jax.fit, params, X, Y, epochs=20, key=0, **about)
    _, info = fit()
    rounded, rounded_info = fit(network=mlp_jax.Network(precision="bfloat16"))
    assert {leaf.dtype for leaf in jax.tree.leaves(rounded.params)} == {np.dtype(np.float32)}
    assert 0 < abs(float(rounded_info.cost[-1] - info.cost[-1])) < 0.05


def test_no_batch_of_a_large_network_is_turned(monkeypatch):
    params, X, Y = net(m=256, sizes=(784, 256, 128, 1))
    programs, states = [], []

    def noted(*arguments, **choices):
        programs.append(run.lower(*arguments, **choices).compile().as_text())
        return run(*arguments, **choices)

    def turned(program):
        return re.findall(r"f64\[(?:784,128|128,784)\]\S* (?:transpose|copy)\(", program)

    monkeypatch.setattr(training_segments, "run", noted)
    fit = partial(mlp_jax.fit, params, X, Y, optimizer=SGD, epochs=2, batch_size=128, key=0)
    states.append(fit()[0])
    monkeypatch.setattr(Products, "of_batches", lambda products, layers: products)
    states.append(fit()[0])
    assert not turned(programs[0])
    assert turned(programs[-1])  # as it was before: the search finds what it looks for
    chex.assert_trees_all_close(states[0].params, states[1].params, rtol=1e-11, atol=1e-15)
