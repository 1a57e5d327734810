"""Networks of a sweep that are averaged: which, with what weights, and how well."""

import dataclasses

import numpy as np
import pytest

import mlp_jax
from mlp_jax.sweeps.results import ensemble_selection
from tests.sweeps.small_sweeps import X, Y, swept


def test_an_ensemble_is_the_average_of_its_networks():
    space = {"width": [3, 9], "depth": [1, 2], "activation": ["relu", "sigmoid"], "batch_size": 8}
    result = swept(space | {"learning_rate": 0.03}, epochs=20)
    together = result.ensemble(4)
    ranks = dict(zip((row.rank for row in result.ranking), result.ranking, strict=True))
    outputs = [
        mlp_jax.forward(member.params, X.T, network=member.network).T
        for rank in together.chosen
        for member in ranks[rank].members
    ]
    np.testing.assert_allclose(together.outputs(X), np.mean(outputs, axis=0), rtol=1e-9)
    np.testing.assert_array_equal(together.predict(X), together.outputs(X)[:, 0] > 0.5)
    best = result.ensemble(3, greedy=False)
    assert best.chosen == (1, 2, 3)
    assert best.losses == ()


def test_the_outputs_held_out_of_an_ensemble_are_of_networks_that_have_not_seen_the_row():
    result = swept({"width": [3, 9], "learning_rate": [0.01, 0.1]}, seeds=2, epochs=5)
    together = dataclasses.replace(result.ensemble(1), chosen=(2, 1, 2))
    rows, A = result.held_out_outputs(together)
    assert sorted(rows.tolist()) == list(range(len(X)))
    expected = np.empty((len(X), 1))
    for fold, (_, held) in enumerate(result.task.splits):
        total = 0.0
        for rank in together.chosen:
            members = [m for m in result.ranking[rank - 1].members if m.fold == fold]
            assert len(members) == 2
            every = [mlp_jax.forward(m.params, X[held].T, network=m.network).T for m in members]
            total = total + np.mean(every, axis=0)
        expected[held] = total / 3
    np.testing.assert_allclose(A, expected[rows], rtol=1e-9)


def test_a_configuration_of_more_seeds_weighs_no_more():
    result = swept([{"width": 8, "seed": 0}, {"width": 16}], seeds=3)
    together = result.ensemble(2, greedy=False)
    widths = np.array([params[0].W.shape[1] for params, _ in together.networks])
    assert [np.sum(widths == width) for width in (8, 16)] == [3, 9]
    assert together.weights[widths == 8].sum() == pytest.approx(0.5)


def test_who_is_chosen_makes_the_average_better():
    space = {"width": [2, 12], "learning_rate": list(np.geomspace(1e-3, 0.1, 4)), "batch_size": 8}
    result = swept(space, epochs=30)
    together = result.ensemble(6)
    held = np.concatenate([rows for _, rows in result.task.splits])
    labels = Y[held]

    def loss_of(ranks):
        """The cross-entropy of an average, each network on the rows it has not seen."""
        total = 0.0
        for rank in ranks:
            parts = []
            for fold, (_, rows) in enumerate(result.task.splits):
                member = result.ranking[rank - 1].members[fold]
                parts.append(mlp_jax.forward(member.params, X[rows].T, network=member.network)[0])
            total = total + np.concatenate(parts)
        p = np.asarray(total) / len(ranks)
        return -np.mean(np.where(labels, np.log(p), np.log(1 - p)))

    for count in range(1, 7):
        mine = loss_of(together.chosen[:count])
        assert together.losses[count - 1] == pytest.approx(mine)
        others = [loss_of((*together.chosen[: count - 1], rank)) for rank in range(1, 9)]
        assert mine == pytest.approx(min(others))


@pytest.mark.parametrize(
    ("loss", "by_hand"),
    [
        ("pinball(0.9)", lambda a, y: np.where(y > a, 0.9 * (y - a), 0.1 * (a - y))),
        ("absolute_error", lambda a, y: abs(a - y)),
        ("huber(9)", lambda a, y: (a - y) ** 2 / 2),  # nothing is further away
        ("poisson", lambda a, y: a - y * np.log(a)),
    ],
)
def test_who_is_averaged_is_chosen_by_the_loss_itself(loss, by_hand):
    y = np.random.default_rng(1).exponential(size=(400, 1))
    candidates = np.stack([np.full_like(y, a) for a in np.linspace(0.3, 3, 10)])
    picks, losses = ensemble_selection.chosen_greedily(candidates, y, 1, loss)
    expected = [by_hand(A, y).mean() for A in candidates]
    assert picks == [np.argmin(expected)]
    assert losses == pytest.approx([min(expected)])


def test_an_ensemble_of_what_cannot_be_averaged_is_refused():
    with pytest.raises(ValueError, match="size is 0; expected an integer from 1 up"):
        swept({"width": [2]}).ensemble(0)
    quantiles = mlp_jax.sweep(
        X, X[:, 0], {"loss": ["pinball(0.1, 0.9)"]}, folds=2, epochs=2, progress=False
    )
    with pytest.raises(ValueError, match="mean nothing when averaged"):
        quantiles.ensemble()
