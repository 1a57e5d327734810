"""A call that does not fit gets a ValueError that says what to type."""

import traceback

import numpy as np
import pandas
import pytest

import mlp_jax

X = np.random.default_rng(0).normal(size=(20, 2))
Y = np.where(X[:, 0] > 0, "yes", "no")
SPACE = {"hidden_layer_sizes": [(2,), (3,)]}


def classifier(**parameters):
    return mlp_jax.MLPClassifier(**{"max_iter": 1, "random_state": 0} | parameters)


def spoilt(place, value):
    table = X.copy()
    table[place] = value
    return table


CALLS = {
    "a frame of words": (
        lambda: classifier().fit(pandas.DataFrame({"a": list("xy") * 10}), Y),
        "x",
    ),
    "a frame with a gap": (lambda: classifier().fit(spoilt((3, 1), np.nan), Y), "contains NaN"),
    "an infinite cell": (lambda: classifier().fit(spoilt((3, 1), np.inf), Y), "infinity"),
    "a single column as a row": (lambda: classifier().fit(X[:, 0], Y), "1D array"),
    "labels of another length": (lambda: classifier().fit(X, Y[:7]), r"\[20, 7\]"),
    "missing labels": (lambda: classifier().fit(X, np.full(20, np.nan)), "NaN"),
    "numbers as classes": (lambda: classifier().fit(X, X[:, 0]), "continuous"),
    "words as numbers": (lambda: mlp_jax.MLPRegressor().fit(X, Y), "could not convert|no"),
    "no units": (lambda: classifier(hidden_layer_sizes=(0,)).fit(X, Y), "hidden_layer_sizes"),
    "a misspelt activation": (lambda: classifier(activation="rleu").fit(X, Y), "rleu"),
    "a misspelt solver": (lambda: classifier(solver="adma").fit(X, Y), "solver is 'adma'"),
    "a negative penalty": (lambda: classifier(alpha=-1).fit(X, Y), "alpha is -1; expected"),
    "all of it dropped": (lambda: classifier(dropout=1.0).fit(X, Y), "dropout is 1.0; expected"),
    "weights below zero": (lambda: classifier().fit(X, Y, -np.ones(20)), "[Nn]egative"),
    "half a validation set": (lambda: classifier().fit(X, Y, X_val=X), "belong together"),
    "another width": (lambda: classifier().fit(X, Y).predict(X[:, :1]), "1 features"),
    "a search over an empty list": (
        lambda: mlp_jax.SweepCV(classifier(), {"alpha": []}).fit(X, Y),
        "alpha",
    ),
    "a search of no candidates": (
        lambda: mlp_jax.SweepCV(classifier(), SPACE, n_iter=0).fit(X, Y),
        "n_iter",
    ),
    "units beyond all bounds": (
        lambda: classifier(hidden_layer_sizes=(10**20,)).fit(X, Y),
        "hidden_layer_sizes",
    ),
    "a model file that is a folder": (
        lambda: mlp_jax.save_model(classifier().fit(X, Y), "/tmp"),
        "is no folder to write tmp to",
    ),
    "an export of an estimator": (
        lambda: mlp_jax.export_model(classifier(), "m"),
        "model is of type MLPClassifier; expected a Model: type mlp_jax.model_of",
    ),
    "a search over a misspelt name": (
        lambda: mlp_jax.SweepCV(classifier(), {"hiden_layer_sizes": [3, 4]}, n_iter=2).fit(X, Y),
        "hidden_layer_sizes",
    ),
    "more folds than samples": (
        lambda: mlp_jax.SweepCV(classifier(), SPACE, n_iter=None, cv=30).fit(X, Y),
        "n_splits=30",
    ),
    "a sweep of words": (
        lambda: mlp_jax.sweep([["a"], ["b"]], [0, 1], {"width": [2]}, epochs=1),
        "encode words as numbers",
    ),
    "a sweep of a table on its side": (
        lambda: mlp_jax.sweep(X.T, Y, {"width": [2]}, epochs=1),
        "rows are samples here: type X.T",
    ),
    "a sweep over a misspelt name": (
        lambda: mlp_jax.sweep(X, Y, {"widht": [2]}, epochs=1),
        "did you mean 'width'",
    ),
    "a rate of zero and less": (
        lambda: mlp_jax.sweep(X, Y, {"width": [2], "learning_rate": [-0.1]}, epochs=1),
        "learning_rate",
    ),
    "too little memory": (
        lambda: mlp_jax.sweep(X, Y, {"width": [2]}, epochs=1, memory=10),
        "memory",
    ),
    "rows for columns": (
        lambda: mlp_jax.fit(
            mlp_jax.init(0, (2, 1)), X, (Y == "yes")[None], optimizer="sgd", epochs=1
        ),
        "columns are examples|X.T",
    ),
    "labels beyond the loss": (
        lambda: mlp_jax.fit(
            mlp_jax.init(0, (2, 1)), X.T, np.full((1, 20), 3.0), optimizer="sgd", epochs=1
        ),
        "0 to 1|0 and 1",
    ),
    "a misspelt optimizer": (
        lambda: mlp_jax.fit(
            mlp_jax.init(0, (2, 1)), X.T, (Y == "yes")[None], optimizer="sdg", epochs=1
        ),
        "sgd",
    ),
    "a misspelt loss": (lambda: mlp_jax.Network(loss="mse"), "squared_error"),
}


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("case", CALLS)
def test_a_call_that_does_not_fit(case):
    call, said = CALLS[case]
    with pytest.raises(ValueError, match=said) as error:
        call()
    deepest = traceback.extract_tb(error.value.__traceback__)[-1].filename
    assert "/jax/" not in deepest
    assert "/jaxlib/" not in deepest


X32, ONE, BELOW = X.astype(np.float32), np.int64(1), np.float64(-1.0)
GRID = {"folds": 2, "epochs": 2, "progress": False}
SCALARS = {  # a call that does not fit, and what it says of a NumPy number in it
    "one class": (
        lambda: mlp_jax.sweep(X, [ONE] * 20, {"width": 2}, **GRID),
        "y has the one class 1;",
    ),
    "a class_weight of a class that is none": (
        lambda: mlp_jax.sweep(X, np.arange(20) % 2, {"class_weight": {np.int64(7): 1.0}}, **GRID),
        r"class_weight names 7; the classes are \[0, 1\]",
    ),
    "a class_weight below 0": (
        lambda: mlp_jax.sweep(X, np.arange(20) % 2, {"class_weight": {ONE: BELOW}}, **GRID),
        "class_weight of 1 is -1.0;",
    ),
    "class weights": (
        lambda: mlp_jax.class_weights(np.array([[0, 1]]), {ONE: np.float32(2)}),
        r"class weights \{1: 2.0\} have none for class 0",
    ),
    "a class_weight in a search": (
        lambda: mlp_jax.SweepCV(
            mlp_jax.MLPClassifier((2,)), {"class_weight": [{np.int64(7): 1.0}]}, n_iter=None, cv=2
        ).fit(X, np.arange(20) % 2),
        r"class_weight names 7; the classes are \[0, 1\]",
    ),
    "classes of partial_fit": (
        lambda: (
            mlp_jax.MLPClassifier((2,))
            .partial_fit(X, np.arange(20) % 2, classes=[0, 1])
            .partial_fit(X, np.arange(20) % 2, classes=[ONE, np.int64(2)])
        ),
        r"`classes=\[1, 2\]` is not the same as",
    ),
    "alpha": (lambda: mlp_jax.MLPClassifier(alpha=BELOW).fit(X, Y), "alpha is -1.0;"),
    "hidden_layer_sizes": (
        lambda: mlp_jax.MLPClassifier((np.int64(0), 4)).fit(X, Y),
        r"hidden_layer_sizes must be > 0, got \(0, 4\);",
    ),
    "warm_start": (lambda: mlp_jax.MLPClassifier(warm_start=ONE).fit(X, Y), "warm_start is 1;"),
    "sizes": (lambda: mlp_jax.init(0, (np.int64(0), 1)), r"sizes is \(0, 1\);"),
    "a learning rate": (
        lambda: mlp_jax.optimizer("sgd", learning_rate=np.float32(-0.1)),
        "learning_rate is -0.1;",
    ),
    "l2": (
        lambda: mlp_jax.fit(
            mlp_jax.init(0, (2, 1)), X32.T, np.ones((1, 20)), optimizer="sgd", epochs=1, l2=BELOW
        ),
        "l2 is -1.0;",
    ),
    "a share": (
        lambda: mlp_jax.sweep(X, np.arange(20) % 2, {"width": 2}, validation=np.float64(1.5)),
        "validation is 1.5 of 20 examples",
    ),
    "folds": (
        lambda: mlp_jax.sweep(X, np.arange(20) % 2, {"width": 2}, folds=ONE),
        "folds is 1 for 20",
    ),
    "a uniform": (lambda: mlp_jax.uniform(ONE, BELOW), r"uniform\(1, -1.0\)"),
    "n": (lambda: mlp_jax.sweep(X, np.arange(20) % 2, {"width": 2}, n=np.int64(0)), "n is 0;"),
    "a shard": (
        lambda: mlp_jax.sweep(X, np.arange(20) % 2, {"width": 2}, shard=(np.int64(4), np.int64(4))),
        r"shard is \(4, 4\);",
    ),
    "a quantile": (lambda: mlp_jax.pinball(np.float32(1.5)), r"quantiles are \(1.5,\);"),
}


@pytest.mark.parametrize("case", SCALARS)
def test_a_numpy_number_is_said_as_it_is_typed(case):
    call, said = SCALARS[case]
    with pytest.raises(ValueError, match=said) as error:
        call()
    assert "np." not in str(error.value)


def test_a_candidate_that_diverged_is_said_as_it_is_typed():
    mlp = mlp_jax.MLPRegressor(hidden_layer_sizes=(), solver="sgd", n_iter_no_change=np.inf)
    space = {"learning_rate_init": np.array([1e9])}
    search = mlp_jax.SweepCV(mlp, space, n_iter=None, cv=2, error_score="raise")
    with pytest.raises(
        ValueError, match=r"candidate 0 diverged in fold 0: .*: 1000000000.0\}; type"
    ) as error:
        search.fit(X, X[:, 0])
    assert "np." not in str(error.value)


def test_numbers_of_numpy_are_taken_where_pythons_are(tmp_path):
    y = np.arange(20) % 2
    choices = {"epochs": np.int64(1), "progress": False, "checkpoint": tmp_path / "sweep"}
    share, seconds = np.float32(0.5), np.int64(9)
    result = mlp_jax.sweep(
        X, y, {"width": 2}, validation=share, checkpoint_seconds=seconds, **choices
    )
    assert len(result.task.splits[0][1]) == 10
    params, labels = mlp_jax.init(0, (2, 1)), y[None] * 1.0
    _, info = mlp_jax.fit(
        params, X32.T, labels, optimizer="sgd", epochs=1, validation=np.float32(0.5), key=0
    )
    assert np.isfinite(info.validation_loss).all()
