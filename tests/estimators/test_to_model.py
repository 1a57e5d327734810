"""Estimators, pipelines and searches go into a file and predict from it as they did."""

import numpy as np
import pandas
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import mlp_jax
from mlp_jax.models.encoding import encode, numbers
from mlp_jax.tables.encoder import fit_encoding, table_encoder

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def frame():
    rng = np.random.default_rng(0)
    colour = pandas.Series(rng.choice(["red", "blue", None], 80), dtype=object)
    return pandas.DataFrame({"age": rng.normal(40, 9, 80), "colour": colour})


X = frame()[["age"]].to_numpy() / 9
TARGETS = {
    "two": np.where(X[:, 0] > 4.4, "old", "young"),
    "three": np.digitize(X[:, 0], [4, 5]) * 10,
    "booleans": X[:, 0] > 4.4,
    "labels": np.stack([X[:, 0] > 4, X[:, 0] > 5], axis=1).astype(int),
}


def there_and_back(fitted, folder, **more):
    mlp_jax.save_model(fitted, folder / "m", **more)
    return mlp_jax.load_model(folder / "m")


@pytest.mark.parametrize("kind", TARGETS)
def test_a_classifier_of_any_target(kind, tmp_path):
    y = TARGETS[kind]
    mlp = mlp_jax.MLPClassifier((4,), max_iter=20, random_state=0).fit(X, y)
    model = there_and_back(mlp, tmp_path)
    predicted = model.predict(X)
    np.testing.assert_array_equal(predicted, mlp.predict(X))
    assert predicted.dtype.kind == mlp.predict(X).dtype.kind
    np.testing.assert_allclose(model.predict_proba(X), mlp.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "pinball(0.1, 0.9)"])
def test_a_regressor_of_any_loss(loss, tmp_path):
    mlp = mlp_jax.MLPRegressor(loss, (4,), max_iter=20, random_state=0).fit(X, X[:, 0] ** 2)
    model = there_and_back(mlp, tmp_path, target="area")
    assert model.targets == ("area",)
    np.testing.assert_allclose(model.predict(X), mlp.predict(X), rtol=1e-12)


def test_several_numbers(tmp_path):
    Y = np.hstack([X, -X])
    mlp = mlp_jax.MLPRegressor("squared_error", (4,), max_iter=9, random_state=0).fit(X, Y)
    assert there_and_back(mlp, tmp_path).targets == ("target 0", "target 1")
    model = there_and_back(mlp, tmp_path, target=["up", "down"])
    assert model.targets == ("up", "down")
    np.testing.assert_allclose(model.predict(X), mlp.predict(X), rtol=1e-12)


def test_a_pipeline_takes_the_table_as_it_was(tmp_path):
    table, y = frame(), TARGETS["two"]
    mlp = mlp_jax.MLPClassifier((4,), max_iter=20, random_state=0)
    pipeline = make_pipeline(table_encoder(["age"], ["colour"]), mlp).fit(table, y)
    model = there_and_back(pipeline, tmp_path)
    assert [column.name for column in model.encoding.columns] == ["age", "colour"]
    turned = table[["colour", "age"]]
    np.testing.assert_allclose(
        model.predict_proba(turned), pipeline.predict_proba(table), rtol=1e-12
    )


def test_a_pipeline_with_bins_and_limits_predicts_as_it_did(tmp_path):
    table, y = frame(), TARGETS["two"]
    table.loc[::9, "age"] = np.nan
    encoder = table_encoder(["age"], ["colour"], scaling="robust", bins=8, binary_as_one=True)
    mlp = mlp_jax.MLPClassifier((4,), max_iter=20, random_state=0)
    pipeline = make_pipeline(encoder, mlp).fit(table, y)
    model = there_and_back(pipeline, tmp_path)
    assert model.sizes[0] == 1 + 1 + 8 + 3
    rows = table.assign(age=table["age"] ** 3)
    np.testing.assert_allclose(model.predict_proba(rows), pipeline.predict_proba(rows), rtol=1e-12)


def test_the_best_of_a_search(tmp_path):
    mlp = mlp_jax.MLPClassifier(max_iter=9, random_state=0)
    space = {"mlpclassifier__hidden_layer_sizes": [(3,), (5,)]}
    pipeline = make_pipeline(StandardScaler(), mlp)
    search = mlp_jax.SweepCV(pipeline, space, n_iter=None, cv=2).fit(X, TARGETS["two"])
    model = there_and_back(search, tmp_path)
    np.testing.assert_allclose(model.predict_proba(X), search.predict_proba(X), rtol=1e-12)


def test_what_a_sweep_has_fitted(tmp_path):
    space = {"width": [3, 5]}
    result = mlp_jax.sweep(X, TARGETS["three"], space, folds=2, epochs=5, progress=False)
    fitted = result.refit()
    model = there_and_back(fitted, tmp_path, target="decade")
    np.testing.assert_array_equal(model.predict(X), fitted.predict(X))
    np.testing.assert_allclose(model.outputs(X), fitted.outputs(X), rtol=1e-12)


@pytest.mark.parametrize("kind", ["two", "three", "labels", "numbers"])
def test_an_ensemble_predicts_as_its_file_does(kind, tmp_path):
    """`Fitted`, `Ensemble` and `Model` have the same methods, of the same shapes."""
    y = TARGETS.get(kind, X[:, 0])
    space = {"width": [3, 5], "activation": ["relu", "tanh"], "learning_rate": 0.03}
    result = mlp_jax.sweep(X, y, space, folds=2, epochs=5, progress=False)
    for fitted in (result.ensemble(4, greedy=False), result.refit()):
        model = there_and_back(fitted, tmp_path, columns=["age"])
        assert len(model.networks) == len(fitted.networks)
        assert [column.name for column in model.encoding.columns] == ["age"]
        for rows in (X, {"age": X[:, 0]}):
            np.testing.assert_allclose(model.outputs(rows), fitted.outputs(X), rtol=1e-12)
            if kind == "numbers":  # summed in another order
                np.testing.assert_allclose(model.predict(rows), fitted.predict(X), rtol=1e-12)
            else:
                np.testing.assert_array_equal(model.predict(rows), fitted.predict(X))
        if kind == "numbers":
            for one in (model, fitted):
                with pytest.raises(ValueError, match=r"numbers.*; use predict"):
                    one.predict_proba(X)
            continue
        P = fitted.predict_proba(X)
        assert P.shape == (80, 3 if kind == "three" else 2)
        np.testing.assert_allclose(model.predict_proba(X), P, rtol=1e-12)
        if kind != "labels":
            np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-12)
            np.testing.assert_array_equal(fitted.classes[P.argmax(axis=1)], fitted.predict(X))
        for one in (model, fitted):
            with pytest.raises(ValueError, match=r"shape \(80, 2\); expected \(samples, 1\)"):
                one.predict_proba(np.hstack([X, X]))


def test_a_sweep_of_encoded_rows_is_written_with_their_encoding(tmp_path):
    table = frame()
    encoding = fit_encoding(dict(table.items()), ["age"], ["colour"])
    inputs = encode(encoding, table)
    result = mlp_jax.sweep(
        inputs, TARGETS["two"], {"width": [3]}, folds=2, epochs=5, progress=False
    )
    together = result.ensemble(1)
    model = there_and_back(together, tmp_path, encoding=encoding, target="age")
    np.testing.assert_allclose(
        model.predict_proba(table), together.predict_proba(inputs), rtol=1e-12
    )
    for more, said in {
        "columns are 'x'; expected 4 different names": {"columns": "x"},
        "columns are .*; expected 4 different names": {"columns": ["x"] * 5},
        "encoding is of 1 inputs; expected an Encoding of 4 inputs": {"encoding": numbers("x")},
        "encoding is of type dict; expected": {"encoding": {}},
        "columns and encoding are given": {"columns": "abcde", "encoding": encoding},
    }.items():
        with pytest.raises(ValueError, match=more):
            mlp_jax.model_of(together, **said)
    with pytest.raises(ValueError, match="Model knows its own: leave them out"):
        mlp_jax.model_of(model, columns=["a"])


def test_a_model_is_saved_again(tmp_path):
    mlp = mlp_jax.MLPClassifier((4,), max_iter=5, random_state=0).fit(X, TARGETS["two"])
    model = mlp_jax.model_of(mlp)
    np.testing.assert_array_equal(there_and_back(model, tmp_path).outputs(X), model.outputs(X))


REFUSED = {
    "not fitted": (lambda: mlp_jax.MLPClassifier(), {}, "MLPClassifier is not fitted"),
    "no estimator": (lambda: 3, {}, "int is not fitted, or no estimator"),
    "another network": (
        lambda: LogisticRegression().fit(X, TARGETS["two"]),
        {},
        "a LogisticRegression cannot be written to a model file; expected MLPClassifier",
    ),
    "a step of code": (
        lambda: make_pipeline(
            FunctionTransformer(np.log), mlp_jax.MLPClassifier((2,), max_iter=1)
        ).fit(X, TARGETS["two"]),
        {},
        "a FunctionTransformer cannot be written",
    ),
    "one class": (
        lambda: mlp_jax.MLPClassifier((2,), max_iter=1).fit(X, np.full(len(X), "a")),
        {},
        "MLPClassifier was fitted to the one class a, .*; fit it to rows of another class too",
    ),
    "too many names": (
        lambda: mlp_jax.MLPClassifier((2,), max_iter=1).fit(X, TARGETS["two"]),
        {"target": ["a", "b"]},
        "target has 2 names, .* expected 1 different ones",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_file_cannot_hold_is_refused(case, tmp_path):
    fitted, more, said = REFUSED[case]
    with pytest.raises(ValueError, match=said):
        mlp_jax.save_model(fitted(), tmp_path / "m", **more)
    assert not list(tmp_path.iterdir())


def test_a_model_keeps_what_it_was_made_of():
    mlp = mlp_jax.MLPClassifier((4,), max_iter=3, random_state=0).fit(X, TARGETS["two"])
    model = mlp_jax.model_of(mlp)
    before = model.predict_proba(X)
    mlp.coefs_[0][:] = 0
    np.testing.assert_array_equal(model.predict_proba(X), before)
    model.layers[1][0][:] = 0
    assert mlp.coefs_[1].any()
    assert np.ptp(model.predict_proba(X), axis=0).max() == 0
