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


@pytest.mark.parametrize(
    ("counts", "share", "said"),
    [
        ([4] * 40 + [1] * 20, 0.2, "the class 40 has 1 sample, too few to hold out"),
        ([4] * 50, 0.2, "200 samples are too few to hold out a share of 0.2"),
        ([98, 2], 0.2, "the class 1 has 2 samples, too few to hold out a share of 0.2"),
    ],
)
def test_classes_of_too_few_rows_are_held_out_by_chance(counts, share, said):
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    classes = tuple(range(len(counts)))
    with pytest.raises(ValueError, match=said):
        parts_of(y, classes, share, 0)
    for seed in range(5):
        parts = parts_of(y, classes, share, seed, strict=False)
        assert sorted([*parts.train, *parts.test]) == list(range(len(y)))
        assert len(parts.test) == np.ceil(share * len(y))
        assert set(y[parts.train]) == set(classes)  # each, also one of a single row
        assert parts.note.startswith(f"held out {len(parts.test)} of {len(y)} rows by chance, not")
        assert said in parts.note
    other = parts_of(y, classes, share, 9, strict=False)
    assert set(other.test) != set(parts.test)


def test_there_may_be_fewer_rows_that_can_be_held_out():
    y = np.array([0, 1, 2, 3, 3])
    parts = parts_of(y, tuple("abcd"), 0.4, 0, strict=False)
    assert len(parts.test) == 1
    assert y[parts.test] == 3
    with pytest.raises(ValueError, match="the class 'a' has 1 sample, too few to hold out"):
        parts_of(np.arange(5), tuple("abcde"), 0.2, 0, strict=False)


def test_where_each_class_can_have_its_share_it_has():
    y = np.arange(40) % 3
    strict, other = (parts_of(y, tuple("abc"), 0.2, 1, strict=one) for one in (True, False))
    for mine, theirs in zip(strict[:2], other[:2], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert other.note == ""
