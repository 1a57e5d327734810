"""The space of a sweep: grids, random samples, lists, and complaints before anything compiles."""

import numpy as np
import pytest
import scipy.stats

import mlp_jax
from mlp_jax.sweeps.distributions import choice, int_uniform, log_uniform, uniform
from mlp_jax.sweeps.space import configurations


def named(*arguments, **more):
    """The configurations as dicts of choices by name."""
    return [configuration.named for configuration in configurations(*arguments, **more)]


def test_lists_are_a_grid_in_order():
    configs = named({"width": [4, 8], "learning_rate": [0.1, 0.01], "activation": "tanh"})
    assert [(c["hidden"], c["learning_rate"]) for c in configs] == [
        ((4,), 0.1),
        ((4,), 0.01),
        ((8,), 0.1),
        ((8,), 0.01),
    ]
    assert {c["activation"] for c in configs} == {"tanh"}


def test_n_of_a_grid_has_none_twice():
    space = {"width": list(range(1, 101)), "l2": [float(i) for i in range(100)]}
    configs = named(space, 500)
    assert len({(c["hidden"], c["l2"]) for c in configs}) == 500


def test_a_grid_too_large_to_write_down_is_sampled():
    space = {name: list(range(1, 1001)) for name in ("width", "epochs", "patience", "seed")}
    assert len(configurations(space, 5)) == 5


def test_every_part_of_a_range_is_drawn_as_often_also_of_few_configurations():
    space = {
        "learning_rate": log_uniform(1e-4, 1.0),
        "momentum": uniform(0.2, 0.3),
        "width": int_uniform(3, 5),
        "activation": choice("relu", "tanh"),
        "batch_size": [16, 32, 64, 128],
        "l2": scipy.stats.loguniform(1e-6, 1e-2),
        "patience": scipy.stats.randint(1, 13),
        "optimizer": "sgd",
    }
    configs = named(space, 12, seed=3)

    def drawn(name):
        return np.array([c[name] for c in configs])

    logs = np.log10(drawn("learning_rate"))
    assert np.histogram(logs, 12, (-4, 0))[0].tolist() == [1] * 12
    assert np.histogram(drawn("momentum"), 12, (0.2, 0.3))[0].tolist() == [1] * 12
    assert np.histogram(np.log10(drawn("l2")), 12, (-6, -2))[0].tolist() == [1] * 12
    assert sorted(c["hidden"] for c in configs) == [(3,)] * 4 + [(4,)] * 4 + [(5,)] * 4
    assert sorted(drawn("activation")) == ["relu"] * 6 + ["tanh"] * 6
    assert sorted(drawn("batch_size")) == [16] * 3 + [32] * 3 + [64] * 3 + [128] * 3
    assert sorted(drawn("patience")) == list(range(1, 13))
    # Each in an order of its own: no two choices go together.
    orders = {tuple(np.argsort(drawn(name))) for name in ("learning_rate", "momentum", "l2")}
    assert len(orders) == 3


@pytest.mark.parametrize("n", [1, 2, 7, 13])
@pytest.mark.parametrize("of_options", [list, lambda options: choice(*options)])
def test_no_option_is_drawn_twice_more_than_another(of_options, n):
    options = [16, 32, 64, 128, 256]
    space = {"batch_size": of_options(options), "learning_rate": uniform(0.1, 0.2)}
    found = set()
    for seed in range(40):
        drawn = [c["batch_size"] for c in named(space, n, seed=seed)]
        counts = [drawn.count(option) for option in options]
        assert max(counts) - min(counts) <= 1
        found.add(tuple(counts))
    assert len(found) > 1 or n % 5 == 0  # of which there is one more, is chance


def test_no_seed_draws_what_is_outside_of_the_range():
    space = {
        "learning_rate": log_uniform(1e-4, 1.0),
        "width": int_uniform(3, 5),
        "patience": scipy.stats.randint(1, 3),
        "l2": scipy.stats.expon(),
    }
    configs = [c for seed in range(20) for c in named(space, 100, seed=seed)]
    assert {c["hidden"] for c in configs} == {(3,), (4,), (5,)}
    assert {c["patience"] for c in configs} == {1, 2}
    assert all(1e-4 <= c["learning_rate"] <= 1 and 0 < c["l2"] < np.inf for c in configs)
    ends = np.array([0.0, 1.0])  # 1 where a share was rounded
    assert int_uniform(3, 5).quantiles(ends).tolist() == [3, 5]


def test_widths_are_drawn_for_each_layer():
    configs = named({"depth": [3], "widths": int_uniform(8, 128)}, 50)
    assert all(len(c["hidden"]) == 3 for c in configs)
    assert sum(len(set(c["hidden"])) == 3 for c in configs) > 30
    assert {c["hidden"] for c in named({"depth": [1, 3], "width": [7]})} == {
        (7,),
        (7,) * 3,
    }


def test_scipy_distributions_are_drawn_from():
    configs = named({"l2": scipy.stats.loguniform(1e-6, 1e-2)}, 20)
    assert all(isinstance(c["l2"], float) and 1e-6 <= c["l2"] <= 1e-2 for c in configs)
    assert len({c["l2"] for c in configs}) == 20


def test_a_seed_draws_the_same_and_another_does_not():
    space = {"learning_rate": log_uniform(1e-4, 1.0)}
    assert configurations(space, 5, seed=1) == configurations(space, 5, seed=1)
    assert configurations(space, 5, seed=1) != configurations(space, 5, seed=2)


def test_a_number_its_optimizer_has_not_is_left_out():
    adam, sgd = configurations({"optimizer": ["adam", "sgd"], "momentum": [0.9], "b1": [0.8]})
    assert "momentum" not in adam.named
    assert "b1" not in sgd.named
    assert sgd.optimizer.numbers["momentum"] == 0.9


def test_a_list_of_configurations_is_taken_as_it_is():
    configs = named([{"width": 4}, {"hidden": [8, 2], "optimizer": "sgd"}])
    assert [c["hidden"] for c in configs] == [(4,), (8, 2)]


@pytest.mark.parametrize(
    ("space", "n", "says"),
    [
        ({"learning_rat": [0.1]}, None, "'learning_rat'.*did you mean 'learning_rate'"),
        ([{"actvation": "relu"}], None, "did you mean 'activation'"),
        ({}, None, "space is empty"),
        ([], None, "space is empty"),
        ({"width": []}, None, "empty list for 'width'"),
        ("relu", None, "expected a dict"),
        ([3], None, "something else than dicts"),
        ({"width": [0]}, None, "a hidden width is 0"),
        ({"width": [2.5]}, None, "a hidden width is 2.5"),
        ({"depth": [-1]}, None, "depth is -1"),
        ({"dropout": [1.0]}, None, "dropout is 1.0; expected a number, 0 or more and less than 1"),
        ({"dropout_epochs": [0.5]}, None, "dropout_epochs is 0.5; expected a number, 1 or more"),
        ({"l2": [-1e-3]}, None, "l2 is -0.001"),
        ({"l2": ["much"]}, None, "l2 is 'much'"),
        ({"learning_rate": [-0.1]}, None, "learning_rate is -0.1"),
        ({"momentum": [0.9]}, None, "names momentum, which none of its optimizers .adam."),
        ({"optimizer": ["adam", "sdg"]}, None, "did you mean 'sgd'"),
        ({"schedule": ["cosine"]}, None, "needs decay_epochs"),
        ({"activation": ["rleu"]}, None, "did you mean 'relu'"),
        ({"hidden": [(4, 4)], "activation": [("relu",)]}, None, "names 1 hidden layers"),
        ({"loss": ["hubr"]}, None, "did you mean 'huber'"),
        ({"epochs": [float("inf")]}, None, "epochs is inf; expected a whole number"),
        ({"epochs": [None]}, None, "epochs is None; expected a whole number"),
        ({"batch_size": [0]}, None, "batch_size is 0"),
        ({"seed": [2**32]}, None, "less than 2"),
        ({"l2": log_uniform(1e-5, 1)}, None, "draws l2 at random, and n is None; type n=100"),
        ({"width": [4]}, 0, "n is 0"),
        ([{"width": 4}], 3, "leave n out"),
        ({"hidden": [(4,)], "depth": [2]}, None, "'hidden' says all of it"),
        ({"width": [4], "widths": [5]}, 2, "both 'width'"),
    ],
)
def test_what_is_wrong_is_named_before_anything_compiles(space, n, says):
    with pytest.raises(ValueError, match=says):
        configurations(space, n)


@pytest.mark.parametrize(
    ("sampler", "ends"),
    [(uniform, (1, 0)), (log_uniform, (0, 1)), (int_uniform, (0.5, 2)), (uniform, ("a", 1))],
)
def test_ends_of_a_distribution_are_checked(sampler, ends):
    with pytest.raises(ValueError, match="expected"):
        sampler(*ends)


def test_losses_and_activations_may_be_objects():
    huber, square = mlp_jax.huber(0.123456789), mlp_jax.own_activation(abs, abs)
    [configuration] = configurations([{"loss": huber, "activation": square}])
    assert configuration.named["loss"] is configuration.network.loss is huber
    assert configuration.named["activation"] is configuration.network.activation is square


def test_a_choice_that_cannot_be_a_key_has_the_same_error():
    with pytest.raises(ValueError, match=r"activation is \{'relu': 1\}; expected one of"):
        configurations([{"activation": {"relu": 1}}])
