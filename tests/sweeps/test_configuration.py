"""A configuration is parsed once: its fields are what its names say, whatever is changed later."""

import dataclasses

import numpy as np
import pytest

import mlp_jax
from mlp_jax.sweeps import configurations
from mlp_jax.sweeps.configurations import Configurations

NAMED = {
    "hidden": (8, 4),
    "activation": "tanh",
    "loss": "huber(0.5)",
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "batch_size": 16.0,
    "l2": 1e-3,
    "patience": None,
    "seed": 3,
}
OTHER = {"hidden": (3,), "learning_rate": 1, "weight_decay": 0.5, "epochs": 7, "dropout": 0.25}


def of(named):
    [one] = Configurations.of([named])
    return one


def test_every_choice_is_a_field_of_its_own_type():
    found = of(NAMED)
    assert found.hidden == (8, 4)
    assert found.network == mlp_jax.Network("tanh", "huber(0.5)")
    assert (found.optimizer.name, float(found.optimizer.numbers["learning_rate"])) == ("sgd", 0.1)
    assert (found.batch_size, found.l2, found.patience, found.seed) == (16, 1e-3, None, 3)
    assert repr(found.named["batch_size"]) == "16"  # the checked value, as results tell it
    assert NAMED["batch_size"] == 16.0  # the caller's own dict stays as it was


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        of(NAMED).l2 = 1.0


def test_views_have_the_names_of_their_own_in_order_and_the_types_that_were_typed():
    found = Configurations.of([OTHER, NAMED])
    assert [list(one.named) for one in found] == [list(OTHER), list(NAMED)]
    assert [found[0], found[-1]] == list(found) == list(found[:2])
    assert repr(found[0].named["learning_rate"]) == "1"
    assert found[1].optimizer.numbers == {"learning_rate": 0.1}
    assert found[0].optimizer == mlp_jax.optimizer("adam", learning_rate=1, weight_decay=0.5)
    with pytest.raises(IndexError):
        found[2]


def test_columns_have_what_the_views_have():
    found = Configurations.of([OTHER, NAMED, OTHER | {"patience": 5}])
    assert found.widths.tolist() == [[3, 0], [8, 4], [3, 0]]
    assert found.depths.tolist() == [1, 2, 1]
    assert found.numbers("patience").tolist() == [np.inf, np.inf, 5]
    assert found.numbers("l2").tolist() == [0, 1e-3, 0]
    assert found.numbers("mean_over").tolist() == [1, 1, 1]
    assert found.named("l2").tolist() == [False, True, False]
    assert [found.networks[code] for code in found.network_codes] == [one.network for one in found]
    assert found.optimizer_codes.tolist() == [0, 1, 0]
    numbers = found.optimizer(np.array([0, 2])).numbers
    assert {name: one.tolist() for name, one in numbers.items()} == {
        name: [number] * 2 for name, number in found[0].optimizer.numbers.items()
    }


def test_other_choices_are_checked_and_change_names_and_fields_alike():
    before = Configurations.of([NAMED, OTHER])
    [found, other] = before.with_choices([{"l2": 0.5, "class_weight": {0: 1.0, 1: 2.0}}, {}])
    assert (found.l2, found.named["l2"]) == (0.5, 0.5)
    assert found.class_weight == found.named["class_weight"] == {0: 1.0, 1: 2.0}
    assert found.optimizer.name == "sgd"
    assert other == before[1]
    with pytest.raises(ValueError, match="l2 is -1"):
        before.with_choices([{}, {"l2": -1}])


ABOUT = {"loss": "squared_error", "epochs": 100, "patience": None, "batch_size": 64}


@pytest.mark.parametrize(("optimizer", "batch_size"), [("adam", 64), ("lbfgs", None)])
def test_what_it_does_not_name_is_completed_and_what_it_names_stays(optimizer, batch_size):
    short = {"hidden": (3,), "optimizer": optimizer, "epochs": 7}
    found, own = Configurations.of([short, NAMED]).completed(**ABOUT | {"patience": 5})
    assert (found.epochs, found.patience, found.batch_size) == (7, 5, batch_size)
    assert found.network.loss.name == found.named["loss"] == "squared_error"
    assert found == of(found.named)  # parsed again it is the same
    assert (own.epochs, own.batch_size, own.optimizer.name) == (100, 16, "sgd")
    assert own.network.loss.name == "huber(0.5)"
    assert own.patience is None  # which it names


def test_who_names_no_initial_weights_has_those_of_before_and_a_sweep_may_have_a_default(
    monkeypatch,
):
    short = Configurations.of([{"hidden": (3,)}])
    assert short[0].init == "he"  # as in a file that was written before there was a choice
    monkeypatch.setattr(configurations, "DEFAULT_SCHEME", "he")
    assert "init" not in short.completed(**ABOUT)[0].named  # so that a checkpoint goes on
    monkeypatch.setattr(configurations, "DEFAULT_SCHEME", "glorot")
    assert of({"hidden": (3,)}).init == "he"
    [found] = short.completed(**ABOUT)
    assert found.init == found.named["init"] == "glorot"
    assert found == of(found.named)
    lecun = Configurations.of([{"hidden": (3,), "init": "lecun"}])
    assert lecun.completed(**ABOUT)[0].init == "lecun"


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"init": "glorrot"}, r"init is 'glorrot'; .*did you mean 'glorot'"),
        ({"ties": 1}, "ties is 1; expected True or False"),
        ({"momentum": 0.5}, "adam with the schedule constant has no number momentum"),
        ({"b1": (0.5,)}, r"b1 is \(0.5,\); expected a number"),
        ({"weight_decay": True}, "weight_decay is True; expected a finite number"),
    ],
)
def test_what_is_wrong_is_named(named, says):
    with pytest.raises(ValueError, match=says):
        Configurations.of([{"hidden": (3,)}, {"hidden": (3,), **named}])


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("l2", [0.1, -0.5, -1.0], "l2 is -0.5;"),
        ("dropout", [0.1, 0.2, 1.5], "dropout is 1.5;"),
        ("learning_rate", [0.1, float("nan"), -1.0], "learning_rate is nan;"),
        ("b2", [0.1, 1.5, 2.0], "b2 is 1.5; expected less than 1"),
        ("epochs", [1, 0, -1], "epochs is 0;"),
    ],
)
def test_of_a_column_the_first_value_out_of_range_is_named(name, values, says):
    with pytest.raises(ValueError, match=says):
        Configurations.of([{"hidden": (3,), name: value} for value in values])
