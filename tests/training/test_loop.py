"""A training is one program: it stops, validates, and keeps the best epoch."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mlp_jax
from mlp_jax.training.loop import run
from tests.training.small import SGD, net

NUMBERS = {
    "learning_rate": ({"optimizer": mlp_jax.optimizer("adam", learning_rate=0.01)}),
    "momenta": ({"optimizer": mlp_jax.optimizer("adam", b1=0.5, b2=0.6, eps=1e-3)}),
    "decay": ({"optimizer": mlp_jax.optimizer("adam")}),
    "l2": {"l2": 0.3},
    "dropout": {"dropout": 0.2},
    "dropout_epochs": {"dropout_epochs": 4.5},
    "label_smoothing": {"label_smoothing": 0.3},
    "epochs": {"epochs": 7},
    "more epochs": {"epochs": 1500},
    "patience": {"patience": 3},
    "tolerance": {"tolerance": 0.5},
    "mean_over": {"mean_over": 3},
    "key": {"key": 99},
}


def test_changing_a_number_compiles_nothing(compilations):
    params, X, Y = net()
    base = {
        "optimizer": mlp_jax.optimizer("adam", learning_rate=0.02),
        "epochs": 4,
        "batch_size": 7,
        "key": 1,
        "l2": 0.1,
        "dropout": 0.1,
        "dropout_epochs": 8,
        "label_smoothing": 0.1,
        "patience": 100,
        "tolerance": 0.01,
        "mean_over": 2,
        "validation": (X, Y),
    }
    for change in ({}, NUMBERS["more epochs"], NUMBERS["epochs"]):
        mlp_jax.fit(params, X, Y, **(base | change))  # small programs of its own, such as fold_in
    before, programs = compilations(), run._cache_size()
    costs = set()
    for change in NUMBERS.values():
        _, info = mlp_jax.fit(params, X, Y, **(base | change))
        costs.add((len(info.cost), float(np.asarray(info.cost)[-1])))
    assert compilations() == before
    assert run._cache_size() == programs
    assert len(costs) >= len(NUMBERS) - 2  # the numbers did something
    mlp_jax.fit(params, X[:, 1:], Y[:, 1:], **(base | {"validation": None}))
    assert compilations() > before  # the counter counts


def test_changing_a_schedule_number_compiles_nothing(compilations):
    params, X, Y = net()
    fit = partial(mlp_jax.fit, params, X, Y, epochs=4)
    choose = partial(mlp_jax.optimizer, "sgd", schedule="one_cycle", momentum=0.5)
    fit(optimizer=choose(decay_epochs=4, warm_up_epochs=1, clip_norm=1.0, weight_decay=0.1))
    before = compilations()
    fit(optimizer=choose(decay_epochs=9, warm_up_epochs=3, clip_norm=2.0, weight_decay=0.2))
    fit(
        optimizer=choose(
            decay_epochs=9,
            warm_up_epochs=0,
            clip_norm=2.0,
            weight_decay=0.2,
            peak_at=0.5,
            start=0.1,
            final=0.2,
            momentum=0.7,
        )
    )
    assert compilations() == before


def test_changing_a_number_of_realmlps_recipe_compiles_nothing(compilations):
    params, X, Y = net()
    choose = partial(mlp_jax.optimizer, "adamw", schedule="log_cosine", b2=0.95)

    def last(**numbers):
        _, info = mlp_jax.fit(params, X, Y, optimizer=choose(**numbers), epochs=4)
        return float(np.asarray(info.cost)[-1])

    base = {"decay_epochs": 4, "bias_rate": 0.1, "input_scale_rate": 6.0}
    found = [last(**base)]
    before = compilations()
    changes = {"decay_epochs": 9, "bias_rate": 0.5, "input_scale_rate": 3.0}
    found += [last(**(base | {name: value})) for name, value in changes.items()]
    found += [last(**base, cycles=cycles) for cycles in (1, 2.5)]
    assert compilations() == before
    assert len(set(found)) == 6  # each number did something


def row_of(i, leaf):
    return leaf[i]


@pytest.mark.parametrize("batch_size", [None, 7])
def test_vmap_over_every_number_is_one_run_each(batch_size):
    params, X, Y = net()
    columns = {
        "learning_rate": jnp.array([0.01, 0.05]),
        "momentum": jnp.array([0.1, 0.8]),
        "l2": jnp.array([0.0, 0.1]),
        "dropout": jnp.array([0.2, 0.5]),
        "dropout_epochs": jnp.array([4.0, 12.0]),
        "label_smoothing": jnp.array([0.0, 0.2]),
        "epochs": jnp.array([5, 9]),
        "patience": jnp.array([2, 50]),
    }

    def train(learning_rate, momentum, **numbers):
        optimizer = mlp_jax.optimizer("sgd", learning_rate=learning_rate, momentum=momentum)
        return mlp_jax.fit(
            params,
            X,
            Y,
            optimizer=optimizer,
            key=jax.random.key(2),
            batch_size=batch_size,
            max_epochs=9,
            validation=(X, Y),
            **numbers,
        )

    together, info = jax.jit(jax.vmap(lambda row: train(**row)))(columns)
    for i in range(2):
        row = {name: column[i] for name, column in columns.items()}
        row["epochs"] = int(row["epochs"])
        alone, alone_info = train(**row)
        chex.assert_trees_all_close(
            jax.tree.map(partial(row_of, i), together.params), alone.params, rtol=1e-9
        )
        count = len(alone_info.cost)
        np.testing.assert_allclose(info.cost[i, :count], alone_info.cost, rtol=1e-9)
        assert np.isnan(info.cost[i, count:]).all()
        assert int(together.epoch[i]) == int(alone.epoch) == count


def test_early_stopping_waits_as_long_as_its_patience_and_keeps_the_best():
    params, X, Y = net(m=200, sizes=(4, 30, 1))
    noise = np.random.default_rng(0).integers(0, 2, (1, 60)) * 1.0
    validation = (np.random.default_rng(1).normal(size=(4, 60)), noise)
    state, info = mlp_jax.fit(
        params, X, Y, optimizer="adam", epochs=500, validation=validation, patience=7
    )
    losses = np.asarray(info.validation_loss)
    best = int(losses.argmin())
    assert len(losses) == best + 1 + 7 < 500
    assert int(state.best.epoch) == best + 1
    assert float(state.best.loss) == losses[best]
    assert float(mlp_jax.cost(state.best.params, *validation)) == pytest.approx(losses[best])
    again, _ = mlp_jax.fit(params, X, Y, optimizer="adam", epochs=best + 1, validation=validation)
    chex.assert_trees_all_equal(again.params, state.best.params)


def test_tolerance_asks_for_more_than_a_little():
    params, X, Y = net()
    slow = mlp_jax.optimizer("sgd", learning_rate=1e-3)
    fit = partial(mlp_jax.fit, params, X, Y, optimizer=slow, epochs=30, patience=4)
    state, info = fit(tolerance=0.1)
    assert len(info.cost) == 5  # the first, and four that were not enough better
    assert int(state.best.epoch) == 5  # but better
    assert float(state.best.loss) == float(info.cost[-1])
    assert int(state.best.improved) == 1
    assert len(fit(tolerance=0.0)[1].cost) == 30


@pytest.mark.parametrize(("ties", "epochs"), [(False, 5), (True, 12)])
@pytest.mark.parametrize("best_by", ["cost", "validation_loss", "metric"])
def test_a_tie_is_an_improvement_only_if_that_is_said(ties, epochs, best_by):
    params, X, Y = net()
    still = mlp_jax.optimizer("sgd", learning_rate=0.0)
    fit = partial(mlp_jax.fit, params, X, Y, optimizer=still, epochs=12, patience=4, ties=ties)
    state, info = fit(validation=(X, Y), best_by=best_by)
    assert len(info.cost) == epochs
    if best_by != "cost":
        assert int(state.best.epoch) == 1  # the first of equals


def test_the_cost_of_several_outputs_may_be_told_as_their_mean():
    params, X, Y = net(sizes=(4, 5, 3))
    fit = partial(mlp_jax.fit, params, X, Y, epochs=6, l2=0.2, validation=(X, Y))
    fit = partial(fit, optimizer=SGD, network=mlp_jax.Network("tanh", "squared_error"))
    (state, of_sum), (same, of_mean) = fit(), fit(mean_over=3)
    chex.assert_trees_all_equal(state.params, same.params)
    np.testing.assert_allclose(of_mean.validation_loss, of_sum.validation_loss / 3, rtol=1e-12)
    penalty = 0.1 * sum(np.sum(W**2) for W, _ in params)
    expected = (of_sum.cost[0] - penalty) / 3 + penalty
    assert float(of_mean.cost[0]) == pytest.approx(float(expected), rel=1e-12)
    np.testing.assert_array_equal(of_mean.gradient_norm, of_sum.gradient_norm)


def test_many_small_steps_are_no_improvement():
    """Each epoch is compared with the best before it, as in scikit-learn."""
    params, X, Y = net()
    slow = mlp_jax.optimizer("sgd", learning_rate=1e-3)
    fit = partial(mlp_jax.fit, params, X, Y, optimizer=slow, epochs=60)
    _, info = fit()
    step = float(-np.diff(np.asarray(info.cost)).max())
    most = float(-np.diff(np.asarray(info.cost)).min())
    assert len(fit(patience=10, tolerance=2 * most)[1].cost) == 11 < 60
    assert len(fit(patience=10, tolerance=0.5 * step)[1].cost) == 60


def test_the_best_epoch_is_what_it_is_said_to_be_by():
    params, X, Y = net(m=200, sizes=(4, 30, 1))
    noise = np.random.default_rng(0).integers(0, 2, (1, 60)) * 1.0
    validation = (np.random.default_rng(1).normal(size=(4, 60)), noise)
    fit = partial(mlp_jax.fit, X=X, Y=Y, optimizer="adam", validation=validation)
    state, info = fit(params, epochs=60, best_by="metric", patience=9)
    metric = np.asarray(info.metric)
    best = int(metric.argmax())
    assert int(state.best.epoch) == best + 1 != int(np.argmin(info.validation_loss)) + 1
    assert float(state.best.loss) == -metric[best]
    assert len(metric) == best + 1 + 9 < 60
    right = (mlp_jax.forward(state.best.params, validation[0]) > 0.5) == noise
    assert float(right.mean()) == pytest.approx(metric[best])

    state, info = fit(params, epochs=60, best_by="cost", patience=2)
    assert len(info.cost) == 60  # which falls on and on
    assert state.best.params is None
    assert float(state.best.loss) == float(info.cost[-1])
    assert np.isfinite(info.validation_loss).all()
    on, _ = fit(state, epochs=1)  # judged by the validation set from here
    assert int(on.best.epoch) == 61


def test_validation_curves_are_the_cost_and_the_metric():
    params, X, Y = net()
    state, info = mlp_jax.fit(
        params, X, Y, optimizer=SGD, epochs=3, validation=(X, Y), l2=0.3, label_smoothing=0.2
    )
    assert float(info.validation_loss[-1]) == pytest.approx(float(mlp_jax.cost(state.params, X, Y)))
    right = (mlp_jax.forward(state.params, X) > 0.5) == Y
    assert float(info.metric[-1]) == pytest.approx(float(right.mean()))
    _, info = mlp_jax.fit(
        params, X, Y, optimizer=SGD, epochs=3, validation=(X, Y), metric=lambda A, Y, w: A.max()
    )
    assert float(info.metric[0]) != float(right.mean())


def test_a_share_is_held_out_and_the_same_when_the_run_goes_on():
    params, X, Y = net(m=40)
    fit = partial(mlp_jax.fit, X=X, Y=Y, optimizer=SGD, validation=0.25, batch_size=8)
    whole, info = fit(params, epochs=6, key=3)
    part, first = fit(params, epochs=2, key=3)
    rest, second = fit(part, epochs=4)
    chex.assert_trees_all_equal(whole, rest)
    joined = np.concatenate([first.validation_loss, second.validation_loss])
    np.testing.assert_array_equal(info.validation_loss, joined)
    order = jax.random.permutation(jax.random.fold_in(jax.random.key(3), np.uint32(2**32 - 1)), 40)
    held_out = order[:10]
    expected = mlp_jax.cost(whole.params, X[:, held_out], Y[:, held_out])
    assert float(info.validation_loss[-1]) == pytest.approx(float(expected))
