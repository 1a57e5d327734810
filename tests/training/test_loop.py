"""The loop can be trusted: it stops, validates, keeps the best, and never returns NaN."""

import re
from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import mlp_jax
from mlp_jax.dropout import dropout_masks
from mlp_jax.labels import smoothed
from mlp_jax.products import Products
from mlp_jax.training import descent, training
from mlp_jax.training import segments as training_segments
from mlp_jax.training.loop import run
from tests.nets import net_of_loss, random_net

SGD = mlp_jax.optimizer("sgd", learning_rate=0.1)


def net(m=24, sizes=(4, 5, 1)):
    params, X, Y = random_net(0, sizes, m)
    return jax.tree.map(jnp.asarray, params), X, Y


NUMBERS = {
    "learning_rate": ({"optimizer": mlp_jax.optimizer("adam", learning_rate=0.01)}),
    "momenta": ({"optimizer": mlp_jax.optimizer("adam", b1=0.5, b2=0.6, eps=1e-3)}),
    "decay": ({"optimizer": mlp_jax.optimizer("adam")}),
    "l2": {"l2": 0.3},
    "dropout": {"dropout": 0.2},
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


def row_of(i, leaf):
    return leaf[i]


@pytest.mark.parametrize("batch_size", [None, 7])
def test_vmap_over_every_number_is_one_run_each(batch_size):
    params, X, Y = net()
    columns = {
        "learning_rate": jnp.array([0.01, 0.05]),
        "momentum": jnp.array([0.1, 0.8]),
        "l2": jnp.array([0.0, 0.1]),
        "dropout": jnp.array([0.0, 0.5]),
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


@pytest.mark.parametrize(("use", "held_out"), [("validate by", 0.0), ("train on", 1.0)])
def test_a_share_without_weight_is_refused(use, held_out):
    params, X, Y = net()
    order = jax.random.permutation(jax.random.fold_in(jax.random.key(0), np.uint32(2**32 - 1)), 24)
    weights = np.full((1, 24), 1.0 - held_out)
    weights[:, order[:5]] = held_out
    fit = partial(mlp_jax.fit, params, X, Y, optimizer=SGD, epochs=1, weights=weights, key=0)
    with pytest.raises(ValueError, match=f"is 0.2, and all .* to {use} have weight 0"):
        fit(validation=0.2)
    assert np.isfinite(fit(validation=(X, Y))[1].validation_loss).all()


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


def test_masks_for_params_of_16_bits_drop_the_share_and_not_what_16_bits_can_draw():
    # bfloat16 draws one of 128 numbers, and would drop 1 / 128 for every rate below that.
    params = mlp_jax.init(0, (3, 1000, 1), dtype=jnp.bfloat16)
    (mask,) = dropout_masks(0, params, 1000, 0.001)
    assert abs(float((mask == 0).mean()) - 0.001) < 5 * np.sqrt(0.001 / 1e6)
    assert float(mask.max()) == pytest.approx(1 / 0.999, rel=1e-6)


def test_a_single_step_refuses_params_of_16_bits_as_fit_does():
    state = mlp_jax.start(mlp_jax.init(0, (4, 5, 1), dtype=jnp.float16), "adam")
    with pytest.raises(ValueError, match="params is of float16, in which small steps are lost"):
        mlp_jax.step(state, np.zeros((4, 3)), np.ones((1, 3)), optimizer="adam")


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


def test_a_segmented_run_is_the_run():
    params, X, Y = net()
    seen = []
    fit = partial(mlp_jax.fit, params, X, Y, optimizer=SGD, epochs=40)
    watched, info = fit(progress=lambda *line: seen.append(line))
    silent, plain = fit()
    chex.assert_trees_all_equal(watched.params, silent.params)
    chex.assert_trees_all_equal(info, plain)
    assert [line[0] for line in seen] == sorted({line[0] for line in seen})
    assert seen[-1][:2] == (40, 40)
    assert seen[-1][2] == float(info.cost[-1])
    assert len(seen) > 1


def test_a_run_of_a_million_epochs_goes_on(monkeypatch):
    """A call of 1,024 epochs of a small network takes less than its time, 600 times on end."""
    monkeypatch.setattr(training, "HISTORY", 1)
    params, X, Y = net()
    state, info = mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=600)
    assert int(state.epoch) == len(info.cost) == 600


def test_the_bar_says_where_it_stands(capsys):
    params, X, Y = net()
    mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=5, progress=True, validation=(X, Y))
    shown = capsys.readouterr().err
    assert "epoch 5 of 5" in shown
    assert "cost 0." in shown or "cost 1." in shown
    assert "validation" in shown


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "poisson", "pinball(0.1, 0.5, 0.9)"])
def test_other_losses_train(loss):
    params, X, Y = net_of_loss(loss, (16,), m=60)
    _, info = mlp_jax.fit(
        params, X, Y, optimizer="adam", epochs=200, network=mlp_jax.Network("tanh", loss)
    )
    assert info.cost[-1] < info.cost[0] - 0.01


def test_bfloat16_products_train_float32_parameters():
    params, X, Y = net(m=64, sizes=(4, 32, 1))
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params)
    fit = partial(mlp_jax.fit, params, X, Y, optimizer="adam", epochs=100)
    _, info = fit()
    rounded, rounded_info = fit(network=mlp_jax.Network(precision="bfloat16"))
    assert {leaf.dtype for leaf in jax.tree.leaves(rounded.params)} == {np.dtype(np.float32)}
    assert 0 < abs(float(rounded_info.cost[-1] - info.cost[-1])) < 0.05


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dropout": 1.0}, "dropout is 1.0; expected a number, 0 or more and less than 1"),
        ({"dropout": 0.5, "key": None}, "dropout is given, but there is no key"),
        ({"l2": -1.0}, "l2 is -1.0"),
        ({"l2": np.ones(3)}, "for several values at once use jax.vmap"),
        ({"patience": 0}, "patience is 0; expected a number, 1 or more"),
        ({"best_by": "score"}, "best_by is 'score'; expected one of validation_loss, metric, cost"),
        ({"best_by": "metric"}, "nothing validates: type validation=0.2, or best_by='cost'"),
        ({"validation": 1.5}, "validation is 1.5"),
        ({"validation": 0.2, "key": None}, "no key to draw it by"),
        ({"validation": (1, 2, 3, 4)}, "validation has 4 parts"),
        ({"validation": (np.ones((4, 2)), np.full((1, 2), 2.0))}, "validation Y has labels"),
        ({"optimizer": 0.1}, "optimizer is 0.1; expected a name"),
        ({"optimizer": "lbfgs", "batch_size": 3}, "lbfgs compares costs of all examples"),
        ({"key": 2**32 + 5}, "the seed is 4294967301"),
        ({"progress": 3}, "progress is 3"),
        (
            {"label_smoothing": 0.1, "network": mlp_jax.Network(loss="squared_error")},
            "label_smoothing is for the cross-entropies",
        ),
        ({"network": mlp_jax.Network(["relu", "relu"])}, "names 2 hidden layers"),
        (
            {"params": jax.tree.map(lambda leaf: leaf * np.nan, mlp_jax.init(0, (4, 5, 1)))},
            r"params W\[1\]\[0, 0\] is nan; expected finite numbers",
        ),
        *(
            (
                {"params": mlp_jax.init(0, (4, 5, 1), dtype=dtype)},
                f"params is of {dtype.dtype}, in which small steps are lost; expected float32 .*"
                r'type jax\.tree\.map.*Network\(precision="bfloat16"\)',
            )
            for dtype in (jnp.bfloat16, jnp.float16)
        ),
    ],
)
def test_bad_numbers_are_refused(change, said):
    params, X, Y = net()
    given = {"params": params, "optimizer": SGD, "epochs": 2, "key": 0} | change
    with pytest.raises(ValueError, match=said):
        mlp_jax.fit(X=X, Y=Y, **given)


def test_traced_epochs_need_room():
    params, X, Y = net()
    with pytest.raises(ValueError, match="type max_epochs="):
        jax.jit(lambda n: mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=n))(3)


def test_another_kind_of_optimizer_cannot_take_over_a_state():
    params, X, Y = net()
    state, _ = mlp_jax.fit(params, X, Y, optimizer=SGD, epochs=1)
    with pytest.raises(ValueError, match=r"another kind of optimizer.*hand state\.params"):
        mlp_jax.fit(state, X, Y, optimizer=optax.adam(0.1), epochs=1)


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
    before = descent.finite_leaves(optax.adam(0.1), state.optimizer_state)
    assert all(before)
    broken = jax.tree.map(
        lambda leaf: leaf + bad if leaf.dtype.kind == "f" else leaf, state.optimizer_state
    )
    length = jnp.ones(())
    assert descent.mark_divergence(state._replace(optimizer_state=broken), length, before).diverged
    assert not descent.mark_divergence(state, length, before).diverged


def test_an_optimizer_may_keep_a_key():
    params, X, Y = net()
    noisy = optax.noisy_sgd(0.01, key=jax.random.key(1))
    state, info = mlp_jax.fit(params, X, Y, optimizer=noisy, epochs=3)
    assert len(info.cost) == 3
    assert not state.diverged


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
