"""Optimizers by name are optax's, with numbers that can change without compiling."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import mlp_jax
from mlp_jax.training.optimizers import (
    OPTIMIZERS,
    SCHEDULES,
    learning_rate,
    optimizer,
    transformation,
)
from tests.nets import random_net

PAIRS = {
    "sgd": (optimizer("sgd", learning_rate=0.2), optax.sgd(0.2)),
    "momentum": (optimizer("sgd", momentum=0.8), optax.sgd(0.1, 0.8)),
    "nesterov": (optimizer("sgd", momentum=0.8, nesterov=True), optax.sgd(0.1, 0.8, True)),
    "adam": (optimizer("adam", learning_rate=0.01, b1=0.8), optax.adam(0.01, 0.8)),
    "adamw": (
        optimizer("adamw", weight_decay=0.1),
        optax.adamw(1e-3, weight_decay=0.1, mask=[(True, False)] * 2),
    ),
    "rmsprop": (optimizer("rmsprop"), optax.rmsprop(1e-3)),
    "rmsprop with momentum": (
        optimizer("rmsprop", momentum=0.5),
        optax.chain(
            optax.scale_by_rms(0.9, 1e-8), optax.trace(0.5), optax.scale_by_learning_rate(1e-3)
        ),
    ),
    "adagrad": (optimizer("adagrad"), optax.adagrad(0.1)),
    "lion": (
        optimizer("lion", weight_decay=0.02),
        optax.lion(1e-4, weight_decay=0.02, mask=[(True, False)] * 2),
    ),
    "clipped": (
        optimizer("sgd", clip_norm=0.01),
        optax.chain(optax.clip_by_global_norm(0.01), optax.sgd(0.1)),
    ),
    "cosine": (
        optimizer("sgd", schedule="cosine", decay_epochs=5, final=0.1),
        optax.sgd(optax.cosine_decay_schedule(0.1, 5, 0.1)),
    ),
    "exponential": (
        optimizer("adam", schedule="exponential", rate=0.9),
        optax.adam(optax.exponential_decay(1e-3, 1, 0.9)),
    ),
    "warm-up": (
        optimizer("sgd", warm_up_epochs=4),
        optax.sgd(optax.linear_schedule(0.025, 0.1, 3)),
    ),
    "L-BFGS": (optimizer("lbfgs"), optax.lbfgs()),
}


@pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=list(PAIRS))
def test_it_trains_as_that_of_optax_does(ours, theirs):
    params, X, Y = random_net(0, (4, 5, 1), 12)
    a, _ = mlp_jax.fit(params, X, Y, optimizer=ours, epochs=8)
    b, _ = mlp_jax.fit(params, X, Y, optimizer=theirs, epochs=8)
    moved = jax.tree.map(lambda new, old: abs(new - old).max(), a.params, params)
    assert min(jax.tree.leaves(moved)) > 0
    # optax computes its schedules in float32, and hands the rate on rounded.
    rtol = 1e-9 if ours.schedule == "constant" and "warm_up_epochs" not in ours.numbers else 1e-5
    chex.assert_trees_all_close(a.params, b.params, rtol=rtol)


def rates(choice, batches, steps):
    return [float(learning_rate(choice, batches, step)) for step in range(steps)]


def test_schedules_count_epochs_not_steps():
    choice = optimizer("sgd", learning_rate=2.0, schedule="cosine", decay_epochs=2)
    np.testing.assert_allclose(rates(choice, 3, 7), 1 + np.cos(np.pi * np.arange(7) / 6))
    assert rates(choice, 3, 30)[-1] == 0


def test_one_cycle_rises_and_falls():
    choice = optimizer("sgd", learning_rate=1.0, schedule="one_cycle", decay_epochs=10)
    rate = np.array(rates(choice, 10, 101))
    assert rate[0] == pytest.approx(1 / 25)
    assert rate[30] == pytest.approx(1)
    assert rate[100] == pytest.approx(1e-4)
    assert (np.diff(rate[:31]) > 0).all()
    assert (np.diff(rate[30:]) < 0).all()


def test_log_cosine_has_four_cycles_each_twice_as_long():
    """RealMLP's coslog4, by hand: of 15 epochs, 1 + 15 t is 1 + epochs, a power of 2."""
    choice = optimizer("sgd", learning_rate=1.0, schedule="log_cosine", decay_epochs=15)
    at_powers = {0: 0, 1 / 4: 1 / 2, 1 / 2: 1, 2 / 3: 3 / 4}  # 1/2 - 1/2 cos(2π power)
    for cycle in range(4):
        for part, expected in at_powers.items():
            epochs = 2 ** (cycle + part) - 1
            assert float(learning_rate(choice, 1, epochs)) == pytest.approx(expected, abs=1e-9)
            assert float(learning_rate(choice, 8, 8 * epochs)) == pytest.approx(expected, abs=1e-9)
    for epochs in (15, 16, 1000):
        assert float(learning_rate(choice, 1, epochs)) == pytest.approx(0, abs=1e-9)


def test_log_cosine_takes_another_number_of_cycles():
    """Of 2: zeros where 1 + 3 t is 1, 2 and 4, and the height between them at its roots of 2."""
    choice = optimizer("sgd", learning_rate=2.0, schedule="log_cosine", decay_epochs=3, cycles=2)
    at = [0, np.sqrt(2) - 1, 1, 2 * np.sqrt(2) - 1, 3]
    found = [float(learning_rate(choice, 1, epochs)) for epochs in at]
    np.testing.assert_allclose(found, [0, 2, 0, 2, 0], atol=1e-9)


def test_a_training_by_log_cosine_begins_at_a_rate_of_0_and_goes_on():
    params, X, Y = random_net(0, (4, 5, 1), 12)
    choice = optimizer("adam", learning_rate=0.05, schedule="log_cosine", decay_epochs=40)
    first, _ = mlp_jax.fit(params, X, Y, optimizer=choice, epochs=1)
    chex.assert_trees_all_equal(first.params, jax.tree.map(jnp.asarray, params))
    _, info = mlp_jax.fit(params, X, Y, optimizer=choice, epochs=40)
    assert info.cost[-1] < info.cost[0] - 0.1


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_warm_up_multiplies_every_schedule(schedule):
    needed = {name: 3.0 for name, value in SCHEDULES[schedule].numbers.items() if np.isnan(value)}
    plain = optimizer("adam", learning_rate=2.0, schedule=schedule, **needed)
    warm = optimizer("adam", learning_rate=2.0, schedule=schedule, warm_up_epochs=1.5, **needed)
    share = np.minimum((1 + np.arange(8)) / (1.5 * 4), 1)  # of four batches an epoch
    np.testing.assert_allclose(rates(warm, 4, 8), share * rates(plain, 4, 8), rtol=1e-12)


def test_inverse_scaling_is_that_of_scikit_learn():
    """learning_rate_init / pow(t + 1, power_t) after every epoch, of t samples seen."""
    choice = optimizer("sgd", learning_rate=2.0, schedule="inverse_scaling", samples=8, power=0.25)
    expected = [2 / (8 * epoch + 1) ** 0.25 for epoch in (0, 0, 0, 1, 1, 1, 2)]
    np.testing.assert_allclose(rates(choice, 3, 7), expected, rtol=1e-6)


@pytest.mark.parametrize("batches", [41, 55])
def test_inverse_scaling_changes_at_the_first_step_of_every_epoch(batches):
    """XLA multiplies by 1 / batches, and 41 of them are then less than an epoch."""
    rate, numbers = np.float32(1), {"samples": 1, "power": 1}
    choice = optimizer("sgd", learning_rate=rate, schedule="inverse_scaling", **numbers)
    steps = np.arange(300 * batches, dtype=np.int32)
    inside = jax.jit(jax.vmap(lambda step: learning_rate(choice, batches, step)))(steps)
    np.testing.assert_allclose(inside, 1 / (1 + steps // batches), rtol=1e-6)


def test_warm_up_rises_by_the_step():
    choice = optimizer("sgd", learning_rate=1.0, warm_up_epochs=2)
    np.testing.assert_allclose(rates(choice, 2, 6), [0.25, 0.5, 0.75, 1, 1, 1])


def test_weight_decay_leaves_biases_alone():
    params = [(jnp.ones((2, 1)), jnp.ones((1, 1)))]
    optax_optimizer = transformation(optimizer("sgd", weight_decay=0.5), params)
    zeros = jax.tree.map(jnp.zeros_like, params)
    updates, _ = optax_optimizer.update(zeros, optax_optimizer.init(params), params)
    np.testing.assert_allclose(updates[0][0], -0.05 * np.ones((2, 1)))
    assert not updates[0][1].any()


def updates_of(name, **numbers):
    """What an optimizer adds to (W, b), of gradients of ones and the learning rate 0.5."""
    params = [(2 * jnp.ones((2, 3)), 2 * jnp.ones((3, 1))), (jnp.ones((3, 1)), jnp.ones((1, 1)))]
    chosen = transformation(optimizer(name, learning_rate=0.5, **numbers), params)
    ones = jax.tree.map(jnp.ones_like, params)
    return chosen.update(ones, chosen.init(params), params)[0]


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "lbfgs"])
def test_biases_learn_at_their_multiple_of_the_rate(name):
    plain = updates_of(name, weight_decay=0.1)
    slower = updates_of(name, weight_decay=0.1, bias_rate=0.25)
    expected = [(W, 0.25 * b) for W, b in plain]
    chex.assert_trees_all_equal(slower, expected)
    assert abs(plain[0][1]).min() > 0  # so that a quarter is another number
    assert jax.tree.structure(slower) == jax.tree.structure(plain)


def test_the_rate_of_biases_comes_after_the_gradient_is_clipped():
    # By hand: 13 entries of 1, of which the norm is √13, cut down to 1; W, W, b and b.
    found = updates_of("sgd", clip_norm=1.0, bias_rate=0.1)
    for W, b in found:
        np.testing.assert_allclose(W, -0.5 / np.sqrt(13), rtol=1e-12)
        np.testing.assert_allclose(b, -0.05 / np.sqrt(13), rtol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_lowers_the_cost(name):
    params, X, Y = random_net(1, (4, 8, 1), 30)
    _, info = mlp_jax.fit(params, X, Y, optimizer=name, epochs=30)
    assert info.cost[-1] < info.cost[0]


def with_a_feature_of_zeros(dtype=np.float64):
    params, X, Y = random_net(0, (3, 1), 6)
    X[0] = 0
    params = [(W, b) for W, b in params]
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), (params, X, Y))


def after(number, value, name, dtype=np.float64, **others):
    """The parameters after four epochs, and the gradients' norms, of one number of an optimizer."""
    params, X, Y = with_a_feature_of_zeros(dtype)
    choice = optimizer(name, **{number: value}, **others)
    state, info = mlp_jax.fit(params, X, Y, optimizer=choice, epochs=4)
    return state.params, info.gradient_norm


LOG_COSINE = {"schedule": "log_cosine", "learning_rate": 0.01}
DIFFERENTIATED = {
    "adam": ("learning_rate", 0.01, "adam", {}),
    "its b2": ("b2", 0.9, "adam", {}),
    "its eps_root": ("eps_root", 1e-3, "adam", {}),
    "adamw": ("weight_decay", 0.01, "adamw", {}),
    "the rate of biases": ("bias_rate", 0.1, "adam", {"learning_rate": 0.01}),
    "the rate of scales": ("input_scale_rate", 6.0, "adam", {"learning_rate": 0.01}),
    "epochs of log_cosine": ("decay_epochs", 7.0, "adam", LOG_COSINE),
    "cycles of log_cosine": ("cycles", 4.0, "adam", LOG_COSINE | {"decay_epochs": 7.0}),
}


@pytest.mark.parametrize("case", DIFFERENTIATED)
def test_a_training_is_differentiated_though_an_entry_of_the_gradient_is_always_0(case):
    number, value, name, others = DIFFERENTIATED[case]
    tangent = jax.jvp(lambda x: after(number, x, name, **others), (value,), (1.0,))[1]
    h = 1e-4 * value
    above, below = (after(number, value + d, name, **others) for d in (h, -h))
    difference = jax.tree.map(lambda a, b: (a - b) / (2 * h), above, below)
    chex.assert_trees_all_close(tangent, difference, rtol=1e-5, atol=1e-9)
    assert max(float(abs(leaf).max()) for leaf in jax.tree.leaves(tangent[0])) > 1e-6


def test_in_float32_too_a_training_by_adam_is_differentiated():
    def tangent(dtype):
        def by_rate(rate):
            return after("learning_rate", rate, "adam", dtype)

        return jax.jvp(by_rate, (dtype(0.01),), (dtype(1.0),))[1]

    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tangent(np.float32)))
    chex.assert_trees_all_close(tangent(np.float32), tangent(np.float64), rtol=1e-4)


def test_what_stands_in_adams_root_is_not_to_be_seen():
    params, X, Y = with_a_feature_of_zeros(np.float32)
    ours, _ = mlp_jax.fit(params, X, Y, optimizer="adam", epochs=8)
    nothing = optimizer("adam", eps_root=0.0)
    theirs, _ = mlp_jax.fit(params, X, Y, optimizer=nothing, epochs=8)
    chex.assert_trees_all_equal(ours.params, theirs.params)


@pytest.mark.parametrize("read", ["parameters", "norm"])
@pytest.mark.parametrize("choice", ["adam", "clipped"])
def test_a_step_is_differentiated_backwards_though_the_whole_gradient_is_0(choice, read):
    # Of a regression that is exact; Y moves it off. The norm's derivative is taken as 0 there.
    params = [(jnp.zeros((2, 1)), jnp.zeros((1, 1)))]
    chosen = optimizer("sgd", clip_norm=1.0) if choice == "clipped" else optimizer(choice)
    network = mlp_jax.Network(loss="squared_error")

    def after_a_step(Y):
        state = mlp_jax.start(params, chosen)
        state, info = mlp_jax.step(state, jnp.ones((2, 3)), Y, optimizer=chosen, network=network)
        return state.params[0][1][0, 0] if read == "parameters" else info.gradient_norm

    rate = {"clipped": 0.1, "adam": 1e-3 / 1e-8}[choice] * (read == "parameters")  # of Adam's eps
    by_Y = jax.grad(after_a_step)(jnp.zeros((1, 3)))
    np.testing.assert_allclose(by_Y, np.full((1, 3), rate / 3), rtol=1e-9)


def test_lbfgs_finds_the_minimum_of_a_convex_cost():
    params, X, Y = random_net(1, (3, 1), 40)
    state, info = mlp_jax.fit(params, X, Y, optimizer="lbfgs", epochs=60, l2=0.01)
    assert info.gradient_norm[-1] < 1e-7
    assert not state.diverged


def test_lbfgs_searches_its_line_by_the_gradient_by_hand():
    params, X, Y = random_net(1, (3, 4, 1), 20)
    calls = []

    def counted(params, X, Y, **choices):
        calls.append(1)
        return mlp_jax.cost_and_gradient(params, X, Y, **choices)

    jax.make_jaxpr(lambda p: mlp_jax.fit(p, X, Y, optimizer="lbfgs", epochs=3, gradient=counted))(
        jax.tree.map(jnp.asarray, params)
    )
    assert len(calls) >= 2  # of the step, and of the line search


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "adan"}, "optimizer is 'adan'.*did you mean 'adam'"),
        ({"name": "adam", "schedule": "cosin"}, "did you mean 'cosine'"),
        ({"name": "adam", "schedule": "cosine"}, "needs decay_epochs: type decay_epochs="),
        ({"name": "adam", "schedule": "cosine", "decay_epochs": 0}, "is 0; expected more than 0"),
        ({"name": "adam", "schedule": "one_cycle", "decay_epochs": 0.0}, "decay_epochs is 0.0"),
        ({"name": "adam", "schedule": "log_cosine"}, "log_cosine needs decay_epochs: type decay"),
        (
            {"name": "sgd", "schedule": "log_cosine", "decay_epochs": 9, "cycles": 0},
            "cycles is 0; expected more than 0",
        ),
        ({"name": "sgd", "bias_rate": -0.1}, "bias_rate is -0.1; expected a finite number, 0 or"),
        ({"name": "lbfgs", "bias_rate": 0.1}, "lbfgs .*has no number bias_rate; it has none"),
        ({"name": "adam", "input_scale_rate": -6}, "input_scale_rate is -6; expected a finite"),
        ({"name": "lbfgs", "input_scale_rate": 6.0}, "lbfgs .*has no number input_scale_rate"),
        (
            {"name": "sgd", "learning_rat": 1.0},
            "no number learning_rat.*did you mean .learning_rate",
        ),
        ({"name": "sgd", "learning_rate": -1.0}, "learning_rate is -1.0; expected a finite number"),
        ({"name": "sgd", "learning_rate": float("nan")}, "expected a finite number"),
        ({"name": "sgd", "momentum": 1.0}, "momentum is 1.0; expected less than 1"),
        ({"name": "sgd", "nesterov": True}, "nesterov needs momentum"),
        ({"name": "lbfgs", "schedule": "cosine"}, "takes no schedule"),
        ({"name": "lbfgs", "clip_norm": 1.0}, "lbfgs .*has no number clip_norm; it has none"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        optimizer(**arguments)
