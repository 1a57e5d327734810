"""A sweep's door: mistakes, classes, weights, seeds, and what a user is given."""

import jax
import numpy as np
import pytest

import mlp_jax
from mlp_jax.sweeps.running import program_cache
from mlp_jax.sweeps.task import as_task
from tests.sweeps.small_sweeps import X, Y, swept


def test_of_16_bits_a_table_is_trained_in_float32():
    table, labels = X.astype(np.float16), Y
    result = mlp_jax.sweep(table, labels, {"width": [3]}, folds=2, epochs=1, progress=False)
    assert {leaf.dtype for leaf in jax.tree.leaves(result.members[0].params)} == {
        np.dtype(np.float32)
    }


def test_float64_is_the_callers_choice_in_all_threads():
    assert swept({"width": [3]}).members[0].params[0].W.dtype == np.float64
    with jax.enable_x64(False):
        assert swept({"width": [3]}).members[0].params[0].W.dtype == np.float32


def test_progress_counts_every_member():
    seen = []
    result = swept({"width": [3, 4]}, progress=lambda *said: seen.append(said))
    assert seen[-1][:2] == (6, 6)
    assert seen[-1][2] == max(member.score for member in result.members)


def test_seeds_differ_in_their_weights_and_share_the_batches():
    result = swept({"width": [5]}, seeds=2)
    one, other = result.members[0], result.members[3]
    assert (one.fold, other.fold) == (0, 0)
    assert not np.allclose(one.params[0].W, other.params[0].W)
    keys = [jax.random.key_data(m.arguments_of_fit()["key"]) for m in (one, other)]
    np.testing.assert_array_equal(*keys)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.where(Y, "yes", "no"), ["no", "yes"]),
        (np.where(X[:, 2] > 0.5, 5, Y * 1), [0, 1, 5]),
        (Y, [False, True]),
    ],
    ids=["words", "three numbers", "bools"],
)
def test_classes_are_named_as_they_came(labels, classes):
    result = mlp_jax.sweep(
        X, labels, {"width": [30], "learning_rate": 0.02}, folds=2, epochs=150, progress=False
    )
    assert result.task.classes.tolist() == classes
    predicted = result.refit().predict(X)
    assert set(predicted) <= set(classes)
    assert np.mean(predicted == labels) > 0.8


@pytest.mark.parametrize(
    ("labels", "given"),
    [
        (np.where(Y, "yes", "no"), {"yes": 3, "no": 1.0}),
        (np.where(Y, 2, 1), {1: 1.0, 2: 3.0}),
        (np.where(Y, 2, 1), {"1": 1.0, "2": 3.0}),
        (Y.astype(float), {"0": 1.0, "1": 3.0}),
        (np.where(Y, 2, 1), {0: 1.0, 1: 3.0}),
        (np.where(Y, "yes", "no"), {"0": 1.0, "1": 3.0}),
        (np.stack([Y == 0, Y], axis=1), {np.int64(0): 1.0, 1: np.float32(3.0)}),
    ],
    ids=["words", "numbers", "as texts", "floats as texts", *("number", "text", "several columns")],
)
def test_class_weights_are_by_label_or_else_by_class_number(labels, given):
    task = as_task(X, labels, {"class_weight": given, "loss": "softmax_cross_entropy"})
    assert repr(task.configurations[0].class_weight) == "{0: 1.0, 1: 3.0}"


def test_of_the_labels_1_and_2_the_key_1_is_the_label():
    with pytest.raises(ValueError, match="class_weight has none for the class 2"):
        as_task(X, np.where(Y, 2, 1), {"class_weight": {1: 3.0}})


def test_numbers_are_fitted_by_squared_error_and_judged_by_r2():
    y = X @ np.array([1.0, -2.0, 0.5, 0.0])
    space = {"hidden": [()], "learning_rate": 0.1}
    result = mlp_jax.sweep(X, y, space, validation=0.2, epochs=100, progress=False)
    assert result.task.scoring == "r2"
    assert result.best.score > 0.99
    np.testing.assert_allclose(result.refit().predict(X), y, atol=0.2)


def test_an_own_validation_set_and_an_own_score():
    def worst(A, Y, weights):
        return -jax.numpy.max(abs(A - Y))

    result = swept({"width": [4]}, folds=None, validation=(X[:10], Y[:10]), scoring=worst)
    (member,) = result.members
    A = mlp_jax.forward(member.params, X[:10].T, network=member.network)
    assert member.score == pytest.approx(-np.abs(A - Y[None, :10]).max())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": X.T}, r"X has 4 samples and y 50"),
        ({"y": Y[:49]}, "X has 50 samples and y 49"),
        ({"X": np.where(X > 2, np.nan, X)}, r"expected finite numbers"),
        ({"X": X.astype(str)[:, :1] + "a"}, "something else than numbers"),
        ({"y": np.ones(50, int)}, "one class"),
        ({"folds": 51}, "folds is 51 for 50 examples"),
        ({"folds": [([0], [50])]}, "indices from 0 to 49"),
        ({"folds": "five"}, "splitter"),
        ({"validation": 0.2}, "leave one out"),
        ({"seeds": 0}, "seeds is 0"),
        ({"epochs": 0}, "epochs is 0"),
        ({"patience": 0}, "patience is 0"),
        ({"scoring": "auc"}, "scoring is 'auc'"),
        ({"space": {"loss": ["squared_error", "binary_cross_entropy"]}}, "some of classes"),
        ({"space": {"loss": ["squared_error", "huber"]}, "scoring": "loss"}, "cannot be compared"),
        ({"space": {"learning_rat": [1]}}, "did you mean 'learning_rate'"),
        ({"space": {"optimizer": "lbfgs", "batch_size": 4}}, "lbfgs compares costs"),
        ({"space": {"loss": "huber", "label_smoothing": 0.1}}, "label_smoothing is for the cross-"),
        ({"space": {"loss": "huber", "class_weight": "balanced"}}, "class_weight is for the"),
        ({"space": {"class_weight": "balance"}}, "expected 'balanced' or"),
        ({"space": {"class_weight": {True: 2.0}}}, "class_weight has none for the class False"),
        ({"space": {"class_weight": {"maybe": 2.0}}}, r"'maybe'; the classes are \[False, True\]"),
        ({"space": {"class_weight": {0: -1, 1: 1}}}, "class_weight of 0 is -1; expected a number"),
        ({"space": {"class_weight": {0: 0, 1: 0}}}, "class_weight is 0 for all that fold 0 trains"),
        ({"space": {"epochs": [None]}}, "epochs is None; expected a whole number"),
        ({"chunk": 64, "memory": 200_000}, "memory=200000 does not suffice"),
        ({"halving": 1}, "halving is 1"),
        ({"memory": 0}, "memory is 0"),
        ({"memory": 1000}, "memory=1000 does not suffice"),
        ({"chunk": 1.5}, "chunk is 1.5"),
        ({"devices": []}, "devices is empty"),
        ({"seconds": 0}, "seconds is 0; expected a number above 0"),
        ({"seconds": True}, "seconds is True; expected a number above 0"),
        ({"seconds": float("nan")}, "seconds is nan; expected a number above 0"),
        ({"seconds": "60"}, "seconds is '60'; expected a number above 0"),
        ({"seconds": 60, "checkpoint": "folder"}, "seconds and checkpoint are both given"),
        ({"seconds": 60, "shard": (0, 2)}, "a sweep with seconds trains in one process"),
        ({"seconds": 60, "halving": 1}, "halving is 1"),
        ({"seconds": 60, "cancel": 3}, "cancel is 3"),
        ({"seconds": 60, "memory": 1000}, "memory=1000 does not suffice"),
        ({"seconds": 60, "n": 0}, "n is 0; expected an integer from 1 up"),
        ({"seconds": 60, "space": {"learning_rat": [1]}}, "did you mean 'learning_rate'"),
        ({"progress": 3}, "progress is 3"),
        ({"key": "a"}, "expected a key or a seed"),
    ],
)
def test_mistakes_are_named_before_anything_compiles(change, message):
    compiled = len(program_cache._kept)
    arguments = {"X": X, "y": Y, "space": {"width": [3]}, "folds": 3} | change
    with pytest.raises(ValueError, match=message):
        mlp_jax.sweep(**arguments)
    assert len(program_cache._kept) == compiled


def test_a_seed_that_is_searched_is_shown_and_refitted():
    result = swept({"width": [5], "seed": [0, 1, 2]})
    assert result.varied() == ("seed",)
    assert sorted(row["seed"] for row in result.table()) == [0, 1, 2]
    last = next(row.configuration for row in result.ranking if row.configuration["seed"] == 2)
    own, same, other = (
        result.refit(last, **seed).params[0].W for seed in ({}, {"seed": 2}, {"seed": 0})
    )
    np.testing.assert_array_equal(own, same)
    assert not np.allclose(own, other)


def test_where_nothing_finished_the_cure_is_said():
    ill = swept({"optimizer": "sgd", "learning_rate": [1e300]})
    with pytest.raises(ValueError, match="smaller learning rates"):
        _ = ill.best
    assert np.isnan(ill.scores).all()


def arrays_of(found, seen=None):
    """All arrays that a user can get out of an object, by public names."""
    seen = [] if seen is None else seen
    if any(found is one for one in seen) or isinstance(found, type):
        return
    seen.append(found)
    if isinstance(found, np.ndarray | jax.Array):
        yield found
    elif isinstance(found, dict):
        for value in found.values():
            yield from arrays_of(value, seen)
    elif isinstance(found, tuple | list):
        for value in found:
            yield from arrays_of(value, seen)
    else:
        for name, value in getattr(found, "__dict__", {}).items():
            if not name.startswith("_") and name != "task":  # whose keys are JAX's
                yield from arrays_of(value, seen)


def test_what_a_sweep_gives_is_the_users_own(tmp_path):
    result = swept({"width": [3, 9]})
    mlp_jax.save_sweep(result, tmp_path / "sweep")
    loaded = mlp_jax.load_sweep(tmp_path / "sweep")
    for kept in (result, loaded):
        given = [kept.refit(), kept.ensemble(2), kept.held_out_outputs(), kept.scores]
        given += [fitted.predict(X) for fitted in given[:2]]
        made = [(m.params, m.curves) for m in kept.members]
        arrays = list(arrays_of([made, *given]))
        assert len(arrays) > 30
        assert all(isinstance(one, np.ndarray) and one.flags.writeable for one in arrays)
        before = [member.params[0].W.copy() for member in kept.members]
        again = kept.refit().predict(X)
        for one in arrays_of(given):
            one[...] = 0
        for member, W in zip(kept.members, before, strict=True):
            np.testing.assert_array_equal(member.params[0].W, W)
        np.testing.assert_array_equal(kept.refit().predict(X), again)
