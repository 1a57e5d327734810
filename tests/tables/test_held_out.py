"""Rows are held out as scikit-learn's train_test_split does it."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from mlp_jax.tables.held_out import parts_of


@pytest.mark.parametrize("counts", [(7, 5), (5, 5, 5, 5, 5), (2, 40, 9), (212, 357)])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_the_rows_of_classes_are_scikit_learns(counts, share):
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    of_test = int(np.ceil(share * len(y)))
    for seed in range(5):
        theirs = train_test_split(
            np.arange(len(y)), test_size=of_test, random_state=seed, stratify=y
        )
        try:
            ours = parts_of(y, tuple("abcde"[: len(counts)]), share, seed)
        except ValueError:  # scikit-learn leaves a class out on one side
            assert set(y[theirs[0]]) & set(y[theirs[1]]) != set(y)
            continue
        for mine, other in zip(ours[:2], theirs, strict=True):
            np.testing.assert_array_equal(mine, other)


def test_the_rows_of_numbers_are_scikit_learns():
    ours = parts_of(np.linspace(0, 1, 41), None, 0.2, 3)
    theirs = train_test_split(np.arange(41), test_size=9, random_state=3)
    for mine, other in zip(ours[:2], theirs, strict=True):
        np.testing.assert_array_equal(mine, other)
