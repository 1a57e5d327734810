"""A configuration is parsed once: its fields are what its names say, whatever is changed later."""

import dataclasses

import pytest

import mlp_jax
from mlp_jax.sweeps import configuration
from mlp_jax.sweeps.configuration import Configuration

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


def test_every_choice_is_a_field_of_its_own_type():
    found = Configuration.of(NAMED)
    assert found.hidden == (8, 4)
    assert found.network == mlp_jax.Network("tanh", "huber(0.5)")
    assert (found.optimizer.name, float(found.optimizer.numbers["learning_rate"])) == ("sgd", 0.1)
    assert (found.batch_size, found.l2, found.patience, found.seed) == (16, 1e-3, None, 3)
    assert repr(found.named["batch_size"]) == "16"  # the checked value, as results tell it
    assert NAMED["batch_size"] == 16.0  # the caller's own dict stays as it was


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Configuration.of(NAMED).l2 = 1.0


def test_other_choices_are_checked_and_change_names_and_fields_alike():
    found = Configuration.of(NAMED).with_choices(l2=0.5, class_weight={0: 1.0, 1: 2.0})
    assert (found.l2, found.named["l2"]) == (0.5, 0.5)
    assert found.class_weight == found.named["class_weight"] == {0: 1.0, 1: 2.0}
    assert found.optimizer.name == "sgd"
    with pytest.raises(ValueError, match="l2 is -1"):
        found.with_choices(l2=-1)


@pytest.mark.parametrize(("optimizer", "batch_size"), [("adam", 64), ("lbfgs", None)])
def test_what_it_does_not_name_is_completed_and_what_it_names_stays(optimizer, batch_size):
    short = Configuration.of({"hidden": (3,), "optimizer": optimizer, "epochs": 7})
    about = {"loss": "squared_error", "epochs": 100, "patience": 5, "batch_size": 64}
    found = short.completed(**about)
    assert (found.epochs, found.patience, found.batch_size) == (7, 5, batch_size)
    assert found.network.loss.name == found.named["loss"] == "squared_error"
    assert found == Configuration.of(found.named)  # parsed again it is the same
    own = Configuration.of(NAMED | {"epochs": 7}).completed(**about)
    assert own.network.loss.name == "huber(0.5)"
    assert own.patience is None  # which it names


ABOUT = {"loss": "squared_error", "epochs": 100, "patience": None, "batch_size": 64}


def test_who_names_no_initial_weights_has_those_of_before_and_a_sweep_may_have_a_default(
    monkeypatch,
):
    short = Configuration.of({"hidden": (3,)})
    assert short.init == "he"  # as in a file that was written before there was a choice
    monkeypatch.setattr(configuration, "DEFAULT_SCHEME", "he")
    assert "init" not in short.completed(**ABOUT).named  # so that a checkpoint goes on
    monkeypatch.setattr(configuration, "DEFAULT_SCHEME", "glorot")
    assert Configuration.of({"hidden": (3,)}).init == "he"
    found = short.completed(**ABOUT)
    assert found.init == found.named["init"] == "glorot"
    assert found == Configuration.of(found.named)
    assert Configuration.of({"hidden": (3,), "init": "lecun"}).completed(**ABOUT).init == "lecun"


def test_misspelt_initial_weights_are_named():
    with pytest.raises(ValueError, match=r"init is 'glorrot'; .*did you mean 'glorot'"):
        Configuration.of({"hidden": (3,), "init": "glorrot"})
