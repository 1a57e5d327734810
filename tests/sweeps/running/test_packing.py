"""Members go on in other chunks, beside others."""

import jax
import numpy as np
import pytest

from mlp_jax.sweeps.running import packing


def state_of(chunk, first):
    """A tree in the place of a state, every entry of which says whose it is."""
    members = np.arange(first, first + chunk, dtype=np.float32)
    return {"W": np.tile(members[:, None, None], (1, 2, 3)), "epoch": members.astype(np.int32)}


@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize(
    ("owners", "rows"), [([0, 2, 2, 0], [3, 0, 1, 1]), ([2, 2, 2, 2], [3, 0, 0, 0])]
)
def test_members_are_gathered_from_chunks_that_have_some(monkeypatch, here, owners, rows):
    monkeypatch.setattr(packing, "lies_here", lambda device: here)
    states = [state_of(4, 0), None, state_of(4, 8)]  # the one between is not looked at
    found = packing.gathered(states, np.array(owners), np.array(rows), jax.devices()[0])
    members = 4 * np.array(owners) + rows
    np.testing.assert_array_equal(found["epoch"], members)
    np.testing.assert_array_equal(found["W"], np.tile(members[:, None, None], (1, 2, 3)))


@pytest.mark.parametrize("chunk", [1, 4])
def test_a_chunk_that_stays_as_it_is_is_not_copied(chunk):
    states = [state_of(chunk, 0), state_of(chunk, chunk)]
    owners, rows = np.ones(chunk, int), np.arange(chunk)
    assert packing.gathered(states, owners, rows, jax.devices()[0]) is states[1]
