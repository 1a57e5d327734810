"""What an answer rests on: residuals of the same networks that predict, and rows held out."""

import json
from functools import cache

import numpy as np
import pytest

import mlp_jax
from mlp_jax.models.encoding import numbers
from mlp_jax.models.networks import as_model
from mlp_jax.models.permutation import importance, importance_in
from mlp_jax.sweeps.results.answer import explained
from mlp_jax.sweeps.results.report_answer import (
    about_ensemble,
    losses_out_of_fold,
    members_of,
    pictures_of_answer,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
NUMBERS = X[:, 0] * X[:, 1] + 0.1 * RNG.normal(size=90)
NEW = RNG.normal(size=(40, 3))
OF_NEW = NEW[:, 0] * NEW[:, 1] + 0.1 * RNG.normal(size=40)
MEAN, SCALE = 50.0, 10.0
SPACE = {"width": [4, 8], "learning_rate": [0.03, 0.1], "batch_size": 16}


@cache
def swept(kind):
    y = {"numbers": NUMBERS, "classes": X[:, 0] > 0, "both": np.stack([NUMBERS, X[:, 2]]).T}[kind]
    return mlp_jax.sweep(X, y, SPACE, folds=3, epochs=12, progress=False)


@cache
def together(kind):
    return swept(kind).ensemble(3)


def model_of(fitted, **about):
    encoding = numbers(["a", "b", "c"])
    about = {"targets": ["y"], "encoding": encoding, "mean": MEAN, "scale": SCALE} | about
    return as_model(fitted.networks, fitted.weights, **about)


@cache
def answer(kind, *, single=False):
    about = {"classes": ("no", "yes"), "mean": 0.0, "scale": 1.0} if kind == "classes" else {}
    about |= {"targets": ["y", "z"]} if kind == "both" else {}
    ensemble = None if single else together(kind)
    model = model_of(swept(kind).refit() if single else ensemble, **about)
    new = {"numbers": OF_NEW, "classes": (NEW[:, 0] > 0).astype(int)}
    y = new.get(kind, np.stack([OF_NEW, NEW[:, 2]]).T)
    return explained(model, swept(kind), ensemble, NEW, y)


def out_of_fold(result, ranks, *, from_fold=0):
    """The average of the configurations, each row by the networks of one fold."""
    found = np.empty(len(X))
    for fold, (_, rows) in enumerate(result.task.splits):
        members = [result.ranking[rank - 1].members[(fold + from_fold) % 3] for rank in ranks]
        outputs = [mlp_jax.forward(m.params, X[rows].T, network=m.network)[0] for m in members]
        found[rows] = np.mean(outputs, axis=0)
    return found


def test_residuals_are_of_the_average_of_the_networks_that_have_not_seen_the_row():
    chosen = together("numbers").chosen
    own = np.sort(SCALE * abs(NUMBERS - out_of_fold(swept("numbers"), chosen)))
    np.testing.assert_allclose(answer("numbers").model.residuals[:, 0], own, rtol=1e-4)


def test_residuals_of_networks_that_have_seen_the_row_would_be_seen():
    seen = out_of_fold(swept("numbers"), together("numbers").chosen, from_fold=1)
    in_fold = np.sort(SCALE * abs(NUMBERS - seen))
    assert in_fold.mean() < 0.95 * answer("numbers").model.residuals.mean()


def test_residuals_of_a_network_trained_again_are_of_its_configuration():
    own = np.sort(SCALE * abs(NUMBERS - out_of_fold(swept("numbers"), [1])))
    found = answer("numbers", single=True)
    np.testing.assert_allclose(found.model.residuals[:, 0], own, rtol=1e-4)
    assert found.ensemble is None


def test_every_target_has_its_residuals():
    found = answer("both")
    assert found.model.residuals.shape == (90, 2)
    assert found.true.shape == found.predicted.shape == (40, 2)
    low, high = found.model.interval(NEW, 0.8)
    np.testing.assert_allclose((high - low) / 2, np.tile(found.model.half_widths(0.8), (40, 1)))
    assert len(found.model.notes["interval"]["half_width"]) == 2
    assert len(pictures_of_answer(found)) == 3


def test_notes_say_how_wide_intervals_are_and_how_many_rows_they_have():
    found = answer("numbers")
    note = found.model.notes["interval"]
    low, high = found.model.interval(NEW)
    np.testing.assert_allclose(high - low, 2 * note["half_width"])
    truth = OF_NEW * SCALE + MEAN
    assert note["share_of_rows_held_out"] == np.mean((low <= truth) & (truth <= high))
    assert note["level"] == 0.9
    np.testing.assert_allclose(found.true[:, 0], truth)
    np.testing.assert_allclose(found.predicted[:, 0], found.model.predict(NEW))


def test_importance_is_of_the_rows_held_out_and_in_the_notes():
    found = answer("numbers")
    expected = importance(found.model, NEW, OF_NEW * SCALE + MEAN)
    assert found.importance.read() == expected.read()
    assert importance_in(json.loads(json.dumps(found.model.notes))).read() == expected.read()


def test_classes_have_importance_and_no_residuals():
    found = answer("classes")
    expected = importance(found.model, NEW, np.where(NEW[:, 0] > 0, "yes", "no"))
    assert found.importance.read() == expected.read()
    assert expected.read()[0][0] == "a"
    assert found.model.residuals is None
    assert found.true is None
    assert "interval" not in found.model.notes


def test_notes_of_before_are_kept():
    model = model_of(together("numbers"), notes={"samples": 90})
    found = explained(model, swept("numbers"), together("numbers"))
    assert found.model.notes["samples"] == 90
    assert found.importance is None  # without rows held out
    assert found.true is None
    assert set(found.model.notes["interval"]) == {"level", "half_width"}
    assert pictures_of_answer(found) == []


def test_quantiles_have_no_residuals():
    result = mlp_jax.sweep(
        X, NUMBERS, [{"loss": "pinball(0.1, 0.9)"}], folds=2, epochs=2, progress=False
    )
    found = explained(model_of(result.refit()), result, None, NEW, OF_NEW)
    assert found.model.residuals is None
    assert found.importance.measure == "pinball loss"


def test_losses_out_of_fold_are_of_the_best_alone_and_of_the_average():
    result, ensemble = swept("numbers"), together("numbers")
    found = losses_out_of_fold(result, ensemble, SCALE)
    assert found.name == "root mean squared error"
    of = {"best": [1], "ensemble": ensemble.chosen}
    for whose, ranks in of.items():
        by_hand = SCALE * np.sqrt(np.mean((NUMBERS - out_of_fold(result, ranks)) ** 2))
        assert getattr(found, whose) == pytest.approx(by_hand, rel=1e-4)
    assert losses_out_of_fold(swept("classes"), together("classes")).name == "log loss"
    said = about_ensemble(result, ensemble, SCALE)
    networks, configurations = len(ensemble.networks), len(set(ensemble.chosen))
    assert f"the average of {networks} networks of {configurations} configuration" in said
    assert f"best configuration alone {found.best:.4g}." in said


def test_members_have_their_weight_and_their_sizes():
    result, ensemble = swept("numbers"), together("numbers")
    head, *lines = members_of(result, ensemble)
    assert head[:5] == ("weight", "rank", "r2", "networks", "hidden layers")
    assert len(lines) == len(set(ensemble.chosen))
    for line in lines:
        row = result.ranking[int(line[1]) - 1]
        share = ensemble.chosen.count(row.rank) / len(ensemble.chosen)
        assert line[:5] == (
            *(f"{share:.0%}", str(row.rank), f"{row.score:.4f}", "3"),
            *(str(row.configuration["hidden"][0]),),
        )
