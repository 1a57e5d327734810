"""A choice is told from another by its name and by what it was made with, in every process."""

import jax
import numpy as np
import optax
import pytest

from mlp_jax.storage.fingerprints import content_of, differing, digest_of, fingerprint

ADAMS = {
    "plain": optax.adam,
    "chained": lambda rate: optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate)),
    "of an array": lambda rate: optax.sgd(np.full(3, rate)),
    "of a list": lambda rate: optax.sgd(optax.piecewise_constant_schedule(0.1, {9: rate})),
    "of a method": lambda rate: optax.MultiSteps(optax.sgd(rate), 2).gradient_transformation(),
}


@pytest.mark.parametrize("made", ADAMS.values(), ids=list(ADAMS))
def test_an_optimizer_of_optax_is_told_by_its_numbers(made):
    assert fingerprint(made(0.01)) == fingerprint(made(0.01)) != fingerprint(made(0.1))


def test_what_holds_itself_and_what_has_an_address_are_told_too():
    def again(count):
        return again(count - 1) if count else held

    held = [again, object(), jax.random.key(3)]
    assert fingerprint(again).count("again") == 1
    assert "0x" not in fingerprint(again)
    assert "[0 3]" in fingerprint(again)


def test_a_digest_is_of_the_dtype_shape_and_entries_of_an_array():
    arrays = [np.zeros(6), np.zeros(6, np.float32), np.zeros((2, 3)), np.ones(6)]
    assert len({digest_of(content_of(array)) for array in arrays}) == 4
    turned = np.arange(6).reshape(2, 3).T
    assert content_of(turned) == content_of(np.ascontiguousarray(turned))


def test_names_differ_whose_digests_are_others_or_missing():
    ours = {"table": "a", "folds": "b", "key": "c"}
    assert differing(ours, {"table": "a", "folds": "x", "more": "d"}) == ["folds", "key"]
    assert differing(ours, ours | {"more": "d"}) == []
