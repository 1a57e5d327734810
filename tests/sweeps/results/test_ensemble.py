"""Networks of a sweep that are averaged: which, with what weights, and how well."""

import dataclasses

import numpy as np
import pytest

import mlp_jax
from mlp_jax.sweeps.outcomes import CODES, FlatParams, Outcomes
from mlp_jax.sweeps.results import ensemble_selection
from tests.sweeps.results.kept import of_words, untrained
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

    assert len(together.losses) == len(together.chosen) > 1
    for count in range(1, len(together.chosen) + 1):
        mine = loss_of(together.chosen[:count])
        assert together.losses[count - 1] == pytest.approx(mine)
        others = [loss_of((*together.chosen[: count - 1], rank)) for rank in range(1, 9)]
        assert mine == pytest.approx(min(others))
    assert together.losses[-1] == min(together.losses)


LOSSES = ["binary_cross_entropy", "softmax_cross_entropy", "squared_error", "absolute_error"]


def random_outputs(loss, soft=False, candidates=12, rows=40):
    """(outputs, Y): each candidate right in some rows, of three outputs."""
    rng = np.random.default_rng(0)
    Y = np.eye(3)[rng.integers(0, 3, rows)]
    A = rng.dirichlet(np.ones(3), (candidates, rows)) + 0.3 * Y
    A /= A.sum(axis=2, keepdims=True)
    return A, (0.9 * Y + 0.1 / 3 if soft else Y)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("soft", [False, True])
def test_the_average_is_never_worse_than_the_best_alone(loss, soft):
    outputs, Y = random_outputs(loss, soft)
    picks, losses = ensemble_selection.chosen_greedily(outputs, Y, 8, loss)
    alone = [ensemble_selection.loss_of_outputs(A, Y, loss) for A in outputs]
    assert picks[0] == np.argmin(alone)
    assert losses[0] == pytest.approx(min(alone))
    average = outputs[picks].mean(axis=0)
    assert losses[-1] == pytest.approx(ensemble_selection.loss_of_outputs(average, Y, loss))
    assert losses[-1] == min(losses) <= min(alone)


def test_choices_after_the_best_average_are_left_out():
    y = np.zeros((4, 1))
    two = np.array([[1.0, -1, 1, -1], [-1.1, 1.1, -1.1, 1.1], [9, 9, 9, 9]])[..., None]
    picks, losses = ensemble_selection.chosen_greedily(two, y, 8, "squared_error")
    assert picks == [0, 1]  # a third choice is further from zero again
    assert losses == pytest.approx([1.0, 0.05**2])
    exact = np.concatenate([two, y[None]])
    assert ensemble_selection.chosen_greedily(exact, y, 8, "squared_error") == ([3], [0.0])


def test_candidates_are_those_of_the_lowest_loss_whatever_they_are_ranked_by(monkeypatch):
    """By accuracy the sure and wrong rank with the others; their loss is high."""
    result = of_losses([0.5, 0.9, 0.2, 0.1, 0.3])
    assert [row.score for row in result] == [0.9, 0.9, 0.8, 0.7, 0.6]
    monkeypatch.setattr(ensemble_selection, "CANDIDATES", 3)
    assert ensemble_selection._of_the_lowest_loss(result) == [0, 2, 3]


def of_losses(losses, scores=(0.9, 0.9, 0.8, 0.7, 0.6)):
    """Rows of a ranking whose networks have these validation losses in their best epochs."""
    found = untrained(space={"width": [2, 3, 4, 5, 6]}, folds=2)
    members = np.array([(number, 0, fold) for number in range(5) for fold in (0, 1)])
    histories = np.full((10, 2, 4), 9.0)
    histories[:, 1, 2] = np.repeat(losses, 2)
    outcomes = Outcomes(
        members=members,
        statuses=np.full(10, CODES["finished"]),
        best_epochs=np.full(10, 2),
        scores=np.repeat(scores, 2),
        params=FlatParams(np.empty(0), np.zeros(10, int)),
        histories=histories,
        lengths=np.full(10, 2),
    )
    return dataclasses.replace(found, outcomes=[outcomes]).ranking


def test_what_was_halved_away_is_not_averaged():
    result = of_words()
    assert any(row.status == "halved away" for row in result.ranking)
    together = result.ensemble(8)
    assert {result.ranking[rank - 1].status for rank in together.chosen} == {"finished"}


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
