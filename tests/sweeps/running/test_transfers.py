"""From the first segment to the last no state leaves the device: the host sees flags and histories.

A CPU's memory is the process's, so here it is taken for one that is not: then every transfer is one
that the sweep asks JAX for by name, and the others are errors.
"""

import jax
import numpy as np
import pytest

from mlp_jax.sweeps import transfers
from mlp_jax.sweeps.outcomes import CODES
from mlp_jax.sweeps.run import plan_of, run
from mlp_jax.sweeps.running import cohort, cohorts
from mlp_jax.sweeps.task import as_task
from tests.sweeps.small_sweeps import X, Y

CHUNK, SEGMENT = 3, 32
CASES = {
    "stopping": ({"patience": [2, 60], "learning_rate": [0.001, 0.05, 0.3]}, None),
    "halving": ({"learning_rate": [1e-4, 0.001, 0.01, 0.1]}, 2),
}
FLAGS = {(CHUNK,), (CHUNK, SEGMENT, 4)}


@pytest.fixture
def _apart(monkeypatch):
    """CPUs are taken for devices with memory of their own."""
    monkeypatch.setattr(transfers, "HERE", ())


def swept(case, guarded=False, **how):
    """(the result, shapes of all that came from the device but flags and histories).

    guarded: transfers that JAX is not asked for are errors.
    """
    space, halving = CASES[case]
    task = as_task(X, Y, space | {"width": [5, 7]}, folds=2, epochs=70)
    kind, came = type(jax.device_put(0.0)), []
    array_of = kind.__array__

    def noted(self, *arguments, **named):
        came.append(self.shape)
        return array_of(self, *arguments, **named)

    def guard(_):
        if guarded:  # from the first chunk on: before it, numbers are drawn that all begin with
            jax.config.update("jax_transfer_guard", "disallow")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(kind, "__array__", noted)
        try:
            result = run(task, plan_of(task, chunk=CHUNK, halving=halving), on_chunk=guard, **how)
        finally:
            jax.config.update("jax_transfer_guard", None)
    return result, [shape for shape in came if shape not in FLAGS]


def expected_of(result):
    """How many arrays of parameters come: those of all packs but where all were halved away."""
    done = [part for part in result.outcomes if (part.statuses != CODES["halved away"]).any()]
    return 4 * len({id(part.params.stack) for part in done})  # W and b of two layers


@pytest.fixture(scope="module")
def here():
    """The results of all cases where nothing is transferred."""
    with jax.enable_x64(True):
        return {case: swept(case)[0] for case in CASES}


@pytest.mark.usefixtures("_apart")
@pytest.mark.parametrize("case", CASES)
def test_states_stay_on_the_device_and_best_parameters_come_once(case, here):
    result, came = swept(case, guarded=True)
    assert len(came) == expected_of(result) > 0
    for mine, theirs in zip(result.members, here[case].members, strict=True):
        assert (mine.status, mine.best_epoch) == (theirs.status, theirs.best_epoch)
        pairs = zip(jax.tree.leaves(mine.params), jax.tree.leaves(theirs.params), strict=True)
        for a, b in pairs:
            np.testing.assert_array_equal(a, b)


@pytest.mark.usefixtures("_apart")
def test_states_that_come_for_a_checkpoint_are_seen(tmp_path):
    result, came = swept("stopping", checkpoint=tmp_path)
    assert len(came) > 2 * expected_of(result)


@pytest.mark.usefixtures("_apart")
def test_where_there_is_no_room_states_wait_here_and_nothing_else_changes(monkeypatch, here):
    monkeypatch.setattr(cohorts, "room_of", lambda devices: 10_000)
    result, came = swept("halving")
    assert len(came) > 2 * expected_of(result)
    for mine, theirs in zip(result.members, here["halving"].members, strict=True):
        assert (mine.status, mine.score) == (theirs.status, theirs.score)


@pytest.mark.usefixtures("_apart")
def test_a_transfer_that_nobody_asked_for_is_an_error(monkeypatch):
    monkeypatch.setattr(cohort, "sent", lambda arrays, device: arrays)
    with pytest.raises(jax.errors.JaxRuntimeError, match="Disallowed host-to-device transfer"):
        swept("halving", guarded=True)
