"""A result: its ranking, what is held out, and what is left after Ctrl-C."""

import dataclasses

import numpy as np
import pytest

import mlp_jax
from mlp_jax.sweeps.outcomes import CODES
from mlp_jax.sweeps.results.columns import ConfigurationColumns, ranked
from tests.sweeps.small_sweeps import BASE, X, swept


def test_the_ranking_is_by_mean_score():
    result = swept({"width": [1, 30], "learning_rate": [1e-6, 0.05]}, epochs=40, seeds=2)
    scores = [row.score for row in result.ranking]
    assert scores == sorted(scores, reverse=True)
    best = result.best
    assert best.configuration["learning_rate"] == 0.05
    assert len(best.members) == 6
    assert best.score == pytest.approx(np.mean([member.score for member in best.members]))
    assert result.to_pandas()["rank"].tolist() == [1, 2, 3, 4]


def numbers(ranking, result):
    """Of the configurations in this order."""
    named = [configuration.named for configuration in result.task.configurations]
    return [named.index(row.configuration) for row in ranking]


def after_ctrl_c(result, statuses):
    """The result with other statuses, by configuration; None for one that never began."""
    outcomes = []
    for part in result.outcomes:
        codes = part.statuses.copy()
        for number, status in statuses.items():
            codes[part.members[:, 0] == number] = CODES.get(status, -1)
        outcomes.append(dataclasses.replace(part, statuses=codes).take(codes >= 0))
    return dataclasses.replace(result, outcomes=outcomes, interrupted=True)


def test_after_ctrl_c_the_best_is_one_that_halving_went_on_with():
    space = {"width": [2, 4, 6], "learning_rate": [1e-5, 0.003, 0.05], "batch_size": 8}
    whole = swept(space, epochs=18, halving=3)
    winner = numbers(whole.ranking, whole)[0]
    result = after_ctrl_c(whole, {winner: "interrupted"})
    assert [row.status for row in result.ranking] == ["interrupted"] + 8 * ["halved away"]
    assert result.best.configuration == whole.best.configuration
    assert set(result.ensemble(3).chosen) == {1}
    np.testing.assert_array_equal(result.held_out_outputs()[1], whole.held_out_outputs()[1])
    np.testing.assert_array_equal(result.refit().params[0].W, whole.refit().params[0].W)
    lost = after_ctrl_c(whole, {winner: "diverged"})
    assert lost.best.status == "halved away"
    with pytest.raises(ValueError, match=r"nothing to average: take result\.refit"):
        lost.ensemble()


def test_after_ctrl_c_one_that_stopped_and_lost_is_not_before_one_that_goes_on():
    whole = swept({"width": [2, 4, 6]}, epochs=18, halving=3)
    winner, second, third = numbers(whole.ranking, whole)
    statuses = {winner: "interrupted", second: "stopped", third: "halved away"}
    assert whole.ranking[0].score >= whole.ranking[1].score
    assert numbers(after_ctrl_c(whole, statuses).ranking, whole) == [winner, second, third]


def test_whom_no_choice_of_its_bracket_has_met_ranks_below_what_finished():
    statuses = ["finished", "halved away", "interrupted", "halved away", "interrupted", "finished"]
    scores = np.array([0.5, 0.9, 0.7, 0.1, 0.8, 0.6])
    codes = np.array([CODES[status] for status in statuses])
    found = ConfigurationColumns(scores, *np.zeros((3, 6)), codes)
    assert ranked(found).tolist() == [4, 2, 5, 0, 1, 3]
    # In the bracket of the last two nobody was halved away: no choice was made there.
    assert ranked(found, (4, 2)).tolist() == [2, 5, 0, 4, 1, 3]


def test_after_ctrl_c_what_finished_comes_first_and_what_has_no_score_last():
    whole = swept({"width": [1, 9, 30]}, epochs=30)
    first, second, third = numbers(whole.ranking, whole)
    result = after_ctrl_c(whole, {first: "interrupted", second: None})
    assert numbers(result.ranking, whole) == [third, first, second]
    assert after_ctrl_c(result, {third: None}).best.status == "interrupted"
    assert np.isnan(result.scores[[first, second]]).all()
    with pytest.raises(ValueError, match="of rank 3 is 'interrupted': it has no epochs to train"):
        result.refit(result.ranking[2].configuration)
    with pytest.raises(ValueError, match="a score on all its folds: let the sweep go on"):
        _ = after_ctrl_c(whole, {first: None, second: None, third: None}).best


def test_scores_are_in_the_order_of_the_space():
    space = [BASE | {"width": 1, "learning_rate": 1e-6}, BASE | {"width": 30}]
    result = swept(space, epochs=40)
    assert result.scores.tolist() == [
        next(row.score for row in result.ranking if row.configuration["hidden"] == hidden)
        for hidden in ((1,), (30,))
    ]


def test_held_out_outputs_are_of_networks_that_have_not_seen_the_row():
    result = swept({"width": [3, 4]}, seeds=2)
    row = result.ranking[1]
    rows, A = result.held_out_outputs(row)
    assert sorted(rows.tolist()) == list(range(50))
    at = 0
    for fold, (train, held) in enumerate(result.task.splits):
        first = [m for m in row.members if m.fold == fold and m.seed == 0]
        params, network = first[0].trained
        alone = mlp_jax.forward(params, X[held].T, network=network)
        np.testing.assert_array_equal(rows[at : at + len(held)], held)
        np.testing.assert_allclose(A[at : at + len(held)], alone.T, rtol=1e-12)
        assert not set(rows[at : at + len(held)]) & set(train)
        at += len(held)


def test_held_out_outputs_are_of_the_best_by_default():
    result = swept({"width": [3, 4], "learning_rate": [0.001, 0.1]})
    _, A = result.held_out_outputs()
    np.testing.assert_array_equal(A, result.held_out_outputs(result.ranking[0])[1])
    assert not np.array_equal(A, result.held_out_outputs(result.ranking[-1])[1])


def test_what_diverged_has_no_held_out_outputs():
    space = [{"width": 3}, {"width": 3, "optimizer": "sgd", "learning_rate": 1e300}]
    last = swept(space).ranking[-1]
    assert last.status == "diverged"
    with pytest.raises(ValueError, match="of rank 2 is 'diverged': it has no outputs"):
        swept(space).held_out_outputs(last)
