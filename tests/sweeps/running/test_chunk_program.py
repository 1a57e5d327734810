"""A member of a chunk is trained as `fit` trains it alone, whatever its padding, mask or fold."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mlp_jax
from mlp_jax import back_propagation
from mlp_jax.sweeps.folds import as_folds, k_folds
from mlp_jax.sweeps.planning import ladder
from mlp_jax.sweeps.running.chunk_program import Members, on_platform, train_chunk
from mlp_jax.sweeps.running.epoch_draws import draw_epochs
from mlp_jax.sweeps.running.start import start_members
from mlp_jax.training.batches import Examples
from mlp_jax.training.recipe import Numbers, Recipe
from tests.nets import STEEP

FEATURES, M = 5, 31
RNG = np.random.default_rng(0)
X = RNG.normal(size=(FEATURES, M))
Y = (X[:1] * X[1:2] > 0) * 1.0
HIDDEN = ((1, 7), (6, 3), (1, 7))  # two shapes, so that `fit` compiles no third
EPOCHS = (9, 4, 7)


SPLITS = k_folds(M, 3, seed=1)  # 11, 10 and 10 to validate by
FOLDS, LENGTHS = as_folds(SPLITS)


def padded(params, hidden):
    sizes = (FEATURES, *hidden, 1)
    return tuple(
        mlp_jax.Layer(
            np.pad(W, ((0, n_prev - W.shape[0]), (0, n - W.shape[1]))),
            np.pad(b, ((0, n - b.shape[0]), (0, 0))),
        )
        for (W, b), n_prev, n in zip(params, sizes[:-1], sizes[1:], strict=True)
    )


def stacked(trees):
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *trees)


SMALL = (0.003, 0.001, 0.002)  # where f' has no bound, larger steps make large errors of rounding
CASES = {
    "sgd": {},
    "adam": {"name": "adam"},
    "adagrad, which starts from a number": {"name": "adagrad"},
    "masked": {"activation": "sigmoid", "name": "adam"},
    "scales of inputs, masked": {"activation": "sigmoid", "name": "adam", "input_scale_rate": 6.0},
    "masked, weights": {"activation": ("softplus", "tanh"), "weighted": True, "l2": 0.01},
    "dropout": {"dropout": 0.4, "name": "adam", "activation": "gelu"},
    "dropout, masked": {"dropout": 0.4, "activation": "sigmoid"},
    "early stop": {"patience": 2, "tolerance": 0.05, "l2": 0.1},
    "full batches": {"batch_size": None, "name": "adam"},
    "full batches, weights": {"batch_size": None, "weighted": True},
    "a batch more in some folds": {"batch_size": 5, "name": "adam", "schedule": "cosine"},
    "not finite at 0, masked": {"activation": STEEP["logarithm"], "rates": SMALL},
    "steep at 0": {"activation": STEEP["root"], "rates": SMALL},
    "steep at 0, masked": {"activation": STEEP["root and 1"], "rates": SMALL},
    "steep at 0, among others": {"activation": STEEP["root"], "among": ("relu",), "rates": SMALL},
    "among other activations": {"activation": "gelu", "among": ("relu", "tanh"), "name": "adam"},
    "among others of each layer": {"activation": ("tanh", "relu"), "among": ("sigmoid",)},
    "smoothing": {"label_smoothing": 0.2, "weighted": True},
}


def trained(case, number, *, width=3, rates=(0.3, 0.05, 0.1), only=(0, 1, 2), stops=()):
    """(solo runs, state of the chunk, history) of members that differ in every number."""
    case = {"name": "sgd", "schedule": "constant", "activation": "relu", "batch_size": 6} | case
    network = mlp_jax.Network(case["activation"])
    rates = case.get("rates", rates)
    (train, held), fold = SPLITS[number], FOLDS[number]
    key = jax.random.key(7)
    schedule = {"decay_epochs": 6.0} if case["schedule"] == "cosine" else {}
    scale = {name: case[name] for name in ("input_scale_rate",) if name in case}
    make = partial(mlp_jax.optimizer, case["name"], schedule=case["schedule"], **schedule, **scale)
    names = ("l2", "dropout", "label_smoothing", "patience", "tolerance")
    numbers = {name: case[name] for name in names if name in case}
    solos, members, initial = [], [], []
    for i in only:
        params = mlp_jax.init(i, (FEATURES, *HIDDEN[i], 1), dtype=jnp.float64)
        optimizer = make(learning_rate=rates[i])
        weights = np.where(Y > 0, i + 1.0, 0.5) if "weighted" in case else None
        solos.append(
            lambda params=params, optimizer=optimizer, weights=weights, i=i: mlp_jax.fit(
                params,
                X[:, train],
                Y[:, train],
                validation=(X[:, held], Y[:, held]),
                optimizer=optimizer,
                epochs=EPOCHS[i],
                batch_size=case["batch_size"],
                key=key,
                network=network,
                weights=None if weights is None else weights[:, train],
                **numbers,
            )
        )
        on = {"tolerance": 0.0} | numbers
        as_numbers = Numbers(
            optimizer, *(on.get(name) for name in names), widths=np.array(HIDDEN[i], np.int32)
        )
        wide = tuple(max(h) for h in zip(*HIDDEN, strict=True))
        as_float = jax.tree.map(
            lambda v: v if np.asarray(v).dtype == np.int32 else np.float64(v), as_numbers
        )
        initial.append(padded(params, wide))
        members.append(Members(as_float, np.int32(EPOCHS[i]), weights))
    idle = members[0]._replace(epochs=np.int32(0))
    members += [idle] * (width - len(members))
    initial += initial[:1] * (width - len(initial))
    members = stacked(members)
    recipe = Recipe(
        *(network, back_propagation.one_pass, None, case["batch_size"], network.loss.metric, 9),
        best_by="validation_loss",
        shuffle=True,
    )
    program = jax.jit(train_chunk, static_argnames=("recipe", "lengths", "networks"))
    others = tuple(mlp_jax.Network(name) for name in case.get("among", ()))
    by_entry = case["batch_size"] is not None and optimizer.by_entry
    networks = on_platform((*others, network), "cpu", by_entry=by_entry, narrow="narrow" in case)
    state = start_members(stacked(initial), members.numbers.optimizer)
    history = []
    for done, until in pairwise((0, *stops, 9)):
        draws = draw_epochs(
            *(key, done, fold),
            epochs=9,
            batch_size=case["batch_size"],
            lengths=LENGTHS,
            dropout="dropout" in case,
        )
        state, lines = program(
            *(
                Examples(jnp.asarray(X.T), jnp.asarray(Y.T)),
                members,
                state,
                done,
                until,
                fold,
                draws,
            ),
            len(others),
            recipe=recipe,
            lengths=LENGTHS,
            networks=networks,
        )
        history.append(lines[:, : until - done])
    return solos, state, jnp.concatenate(history, axis=1)


# Fold 0 is shorter than fold 1, so these three differ in what fills them up.
SHORTER = ("adam", "full batches", "a batch more in some folds")


@pytest.mark.parametrize(
    ("case", "number"), [(case, 1) for case in CASES] + [(case, 0) for case in SHORTER]
)
def test_a_member_equals_fit(case, number):
    solos, chunk, history = trained(CASES[case], number, width=4, stops=(2, 3))
    assert_equal_to_fit(solos, chunk, history)
    assert chunk.epoch[3] == 0  # it only filled the chunk


NARROW = {
    "adam": (1,),
    "masked, weights": (0, 2),
    "dropout, masked": (0, 2),
    "full batches": (0, 2),
    "not finite at 0, masked": (0, 2),
    "among others of each layer": (0, 2),
}


@pytest.mark.parametrize(("case", "only"), NARROW.items())  # (6, 3), or (1, 7) units, of (6, 7)
def test_a_member_equals_fit_where_products_are_as_wide_as_it_needs(monkeypatch, case, only):
    monkeypatch.setattr(ladder, "NARROWEST", 2)
    solos, chunk, history = trained(
        CASES[case] | {"narrow": True}, 1, width=len(only), only=only, stops=(2, 3)
    )
    assert_equal_to_fit(solos, chunk, history)


def assert_equal_to_fit(solos, chunk, history):
    for i, solo in enumerate(solos):
        state, info = solo()
        assert int(chunk.epoch[i]) == int(state.epoch)
        assert int(chunk.best.epoch[i]) == int(state.best.epoch)
        for mine, theirs in ((chunk.params, state.params), (chunk.best.params, state.best.params)):
            for layer, (W, b) in zip(jax.tree.map(lambda a: a[i], mine), theirs, strict=True):  # noqa: B023
                n_prev, n = W.shape
                np.testing.assert_allclose(layer.W[:n_prev, :n], W, rtol=1e-10, atol=1e-13)
                np.testing.assert_allclose(layer.b[:n], b, rtol=1e-10, atol=1e-13)
                assert not np.asarray(layer.b[n:]).any()
        done = len(info.cost)
        np.testing.assert_allclose(history[i, :done], np.stack(info, axis=1), rtol=1e-9)
        assert np.isnan(history[i, done:]).all()


@pytest.mark.parametrize(("name", "knows"), [("adam", False), ("adagrad", True)])
def test_members_that_learn_scales_begin_as_alone_and_compile_what_they_know(
    name, knows, compilations
):
    def begun(features):
        alone = [mlp_jax.init(seed, (features, 3, 1), dtype=jnp.float64) for seed in (0, 1)]
        some = [
            mlp_jax.optimizer(name, learning_rate=rate, input_scale_rate=6.0) for rate in (0.1, 0.2)
        ]
        optimizer = jax.tree.map(lambda *numbers: np.array(numbers, np.float64), *some)
        params = jax.tree.map(lambda *leaves: np.stack(leaves), *alone)
        before = compilations()
        state = start_members(params, optimizer)
        return state, compilations() - before, [*map(mlp_jax.start, alone, some)]

    begun(4)
    state, compiled, alone = begun(5)
    assert (compiled > 0) == knows
    pairs = zip(
        *(jax.tree.leaves(one.optimizer_state) for one in (state, stacked(alone))), strict=True
    )
    assert all(np.array_equal(mine, theirs) for mine, theirs in pairs)


def test_without_masks_the_padding_of_a_sigmoid_would_learn(monkeypatch):
    monkeypatch.setattr("mlp_jax.training.epoch._masks", lambda *_: None)
    _, chunk, _ = trained(CASES["masked"], 1)
    assert np.asarray(chunk.params[1].W[0, HIDDEN[0][0] :]).any()


def test_a_diverged_member_harms_no_other_and_is_finite():
    case = {"name": "sgd"}
    _, well, _ = trained(case, 1)
    _, ill, _ = trained(case, 1, rates=(0.3, 1e300, 0.1))
    assert ill.diverged.tolist() == [False, True, False]
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(ill.params))
    for i in (0, 2):
        same = jax.tree.map(lambda a, b: bool((a[i] == b[i]).all()), well.params, ill.params)  # noqa: B023
        assert all(jax.tree.leaves(same))


def test_at_one_width_a_member_is_bit_for_bit_the_same_whatever_its_neighbours():
    _, three, _ = trained({"name": "adam"}, 0)
    _, alone, _ = trained({"name": "adam"}, 0, only=(1,))
    same = jax.tree.map(lambda a, b: bool((a[1] == b[0]).all()), three.params, alone.params)
    assert all(jax.tree.leaves(same))
