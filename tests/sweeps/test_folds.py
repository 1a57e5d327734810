"""Folds: every example validated by once, classes shared out, all of one length for the program."""

import numpy as np
import pytest

from mlp_jax.sweeps.folds import as_folds, held_out, k_folds


@pytest.mark.parametrize(("m", "k"), [(10, 3), (12, 4), (7, 7), (101, 2)])
def test_every_example_is_validated_by_once(m, k):
    splits = k_folds(m, k)
    assert sorted(np.concatenate([held for _, held in splits])) == list(range(m))
    for train, held in splits:
        assert sorted([*train, *held]) == list(range(m))
    assert max(len(h) for _, h in splits) - min(len(h) for _, h in splits) <= 1


def test_every_class_is_shared_out_evenly():
    classes = np.repeat(["a", "b", "c"], [70, 23, 7])
    for _, held in k_folds(100, 5, classes=classes):
        counts = [np.sum(classes[held] == c) for c in "abc"]
        assert np.abs(np.array(counts) - np.array([14, 4.6, 1.4])).max() < 1
    # Without regard to classes it is otherwise, or the test would say nothing.
    by_chance = [np.sum(classes[held] == "a") for _, held in k_folds(100, 5)]
    assert set(by_chance) != {14}


def test_a_share_is_held_out_of_every_class():
    classes = np.repeat([0, 1], [80, 20])
    [(train, held)] = held_out(100, 0.2, classes=classes)
    assert [np.sum(classes[held] == c) for c in (0, 1)] == [16, 4]
    assert sorted([*train, *held]) == list(range(100))


def test_another_seed_is_another_split():
    same, other = k_folds(50, 5, seed=1), k_folds(50, 5, seed=2)
    assert all((a[1] == b[1]).all() for a, b in zip(same, k_folds(50, 5, seed=1), strict=True))
    assert any(set(a[1]) != set(b[1]) for a, b in zip(same, other, strict=True))


def test_folds_are_filled_up_to_the_longest():
    splits = k_folds(10, 3)
    folds, lengths = as_folds(splits)
    assert lengths == ((6, 7), False)
    for (train, held), fold in zip(splits, folds, strict=True):
        assert fold.train.shape == (7,)
        assert fold.validation.shape == (4,)
        assert fold.train[: fold.sizes[0]].tolist() == train.tolist()
        assert fold.validation[: fold.sizes[1]].tolist() == held.tolist()
        assert lengths.train[int(fold.which)] == len(train)
    assert as_folds(k_folds(12, 3))[1] == ((8,), True)


@pytest.mark.parametrize("k", [1, 11, 2.0, True])
def test_a_number_of_folds_that_cannot_be(k):
    with pytest.raises(ValueError, match="expected an integer from 2 to 10"):
        k_folds(10, k)


@pytest.mark.parametrize(("m", "share"), [(10, 0.0), (10, 1.0), (10, 3), (1, 0.5)])
def test_a_share_that_cannot_be(m, share):
    with pytest.raises(ValueError, match="expected a share between 0 and 1"):
        held_out(m, share)


def test_classes_of_another_length():
    with pytest.raises(ValueError, match=r"classes has shape \(9,\); expected \(10,\)"):
        k_folds(10, 2, classes=np.zeros(9))
