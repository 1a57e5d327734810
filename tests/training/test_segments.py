"""A training in segments is the same training, and says where it stands."""

from functools import partial

import chex

import mlp_jax
from mlp_jax.training import training
from tests.training.small import SGD, net


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
