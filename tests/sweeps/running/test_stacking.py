"""Members side by side begin as each would alone."""

import itertools

import jax
import numpy as np
import pytest

import mlp_jax
from mlp_jax.parameters import SCHEMES, Scheme
from mlp_jax.sweeps.members import Member
from mlp_jax.sweeps.running import stacking
from mlp_jax.sweeps.running.stacking import InitialWeights
from mlp_jax.sweeps.task import as_task
from tests.sweeps.small_sweeps import X, Y, equal, swept

HIDDEN = [(3, 6), (7, 2), (1, 1)]
WIDE = (7, 6)


def stacked(dtype, as_fit):
    """(the task, its members, their padded layers)."""
    space = {"hidden": HIDDEN, "init": list(SCHEMES)}
    task = as_task(X.astype(dtype), Y, space, folds=2, seeds=2)._replace(as_fit=as_fit)
    members = [
        Member(number, seed, fold)
        for number, seed, fold in itertools.product(range(len(task.configurations)), (0, 1), (1,))
    ]
    return task, members, InitialWeights(task).stack(members, WIDE)


def begins_otherwise(task, members, layers):
    """The members that do not begin, to the last bit, as `mlp_jax.init` draws them, padded."""
    found = []
    for place, member in enumerate(members):
        configuration = task.configurations[member.configuration]
        drawn = np.float32 if task.as_fit else task.X.dtype
        sizes, key = task.sizes(configuration), task.key_of_weights(member.seed)
        alone = mlp_jax.init(key, sizes, scheme=configuration.init, dtype=drawn)
        for padded, own in zip(layers, alone, strict=True):
            for whole, part in zip(padded, own, strict=True):
                expected = np.zeros_like(whole[place])
                expected[tuple(map(slice, part.shape))] = part
                if not np.array_equal(whole[place], expected):
                    found.append(member)
    return found


@pytest.mark.parametrize(
    ("dtype", "as_fit"), [(np.float64, False), (np.float64, True), (np.float32, False)]
)
def test_a_member_begins_to_the_last_bit_as_init_alone_and_what_is_padded_is_zero(dtype, as_fit):
    assert begins_otherwise(*stacked(dtype, as_fit)) == []


class BiasesAtTheEnd(Scheme):
    """Biases from the end of whatever was drawn, which is another for every shape."""

    def layers(self, drawn, sizes):
        for W, b in super().layers(drawn, sizes):
            yield W, None if b is None else b * 0 + drawn[..., -1:, None]


def test_biases_from_elsewhere_in_the_draw_would_be_seen(monkeypatch):
    others = {name: BiasesAtTheEnd(*scheme) for name, scheme in SCHEMES.items()}
    monkeypatch.setattr(stacking, "SCHEMES", others)
    task, members, layers = stacked(np.float64, False)
    found = begins_otherwise(task, members, layers)
    assert {task.configurations[member.configuration].init for member in found} == {
        "glorot",
        "glorot_sigmoid",
    }


def test_schemes_share_a_program_and_are_trained_and_trained_again_by_their_own():
    still = {"hidden": (3,), "learning_rate": 1e-300, "init": ["he", "glorot", "lecun"]}
    result = swept(still, folds=2, epochs=1)
    assert len(result.plan.buckets) == result.compilations == 1
    for member in result.members:
        equal(member)
    for number, configuration in enumerate(result.task.configurations):
        (row,) = (row for row in result.ranking if row.configuration == configuration.named)
        key, sizes = result.task.key_of_weights(0), result.task.sizes(configuration)
        alone = [mlp_jax.init(key, sizes, scheme=one, dtype=np.float64) for one in still["init"]]
        again = jax.tree.leaves(result.refit(row.configuration).params)
        same = [
            all(np.allclose(a, b) for a, b in zip(again, jax.tree.leaves(params), strict=True))
            for params in alone
        ]
        assert same == [other == number for other in range(3)]
