"""The ways that accuracy.py lays side by side: each fits a table as it is and predicts another.

A way is a function (features, y, task, seed, threads) -> Fitted. Every library is imported where
its way begins: PyTorch and JAX need not be in one environment.
"""

import copy
import importlib
import warnings
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from tables import texts

MISSING = "(missing)"


class Fitted(NamedTuple):
    """predict(features) gives probabilities, rows x classes in sorted order, or numbers.

    single: the same by the single best network, where the way has an ensemble. interval(features):
    the lower and the upper ends of intervals of 90 %, where the way has such of numbers.
    """

    predict: object
    single: object = None
    interval: object = None


def of_scikit_learn(model, prepare=None):
    """A Fitted of a fitted estimator; prepare(features) makes its inputs."""
    prepare = prepare or (lambda features: features)
    method = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    return Fitted(lambda features: np.asarray(method(prepare(features))))


def numbers(features):
    named = set(texts(features))
    return [name for name in features if name not in named]


def as_columns(features):
    """One-hot texts, standardised numbers; a gap in numbers is the median, and a column says so."""
    gaps = SimpleImputer(strategy="constant", fill_value=MISSING)
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    scaled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    named = texts(features)
    return ColumnTransformer(
        [
            ("numbers", scaled, numbers(features)),
            ("texts", make_pipeline(gaps, one_hot), named),
        ]
    )


def plain(features):
    """The same frame with texts as Python's objects, whose gaps scikit-learn's imputer knows."""
    named = texts(features)
    objects = features[named].astype(object)
    changed = features.copy()  # assign takes no column of the name self
    changed[named] = objects.where(objects.notna(), np.nan)
    return changed


def pipeline(model, features, y):
    fitted = make_pipeline(as_columns(features), model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # by default it ends after 200 epochs
        warnings.filterwarnings("ignore", "Found unknown categories")
        fitted.fit(plain(features), y)

    def quiet(features):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Found unknown categories")
            return plain(features)

    return of_scikit_learn(fitted, quiet)


def linear(features, y, task, seed, threads):
    if task == "regression":
        return pipeline(Ridge(), features, y)
    return pipeline(LogisticRegression(max_iter=1000, random_state=seed), features, y)


def scikit_learns_mlp(features, y, task, seed, threads):
    """Its defaults; the target of a regression is standardised."""
    if task == "regression":
        network = MLPRegressor(random_state=seed)
        return pipeline(
            TransformedTargetRegressor(network, transformer=StandardScaler()), features, y
        )
    return pipeline(MLPClassifier(random_state=seed), features, y)


def random_forest(features, y, task, seed, threads):
    """Its defaults, texts as ordinal numbers."""
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1
    )
    inputs = ColumnTransformer([("texts", codes, texts(features))], remainder="passthrough")
    forest = RandomForestRegressor if task == "regression" else RandomForestClassifier
    model = make_pipeline(inputs, forest(random_state=seed, n_jobs=threads))
    return of_scikit_learn(model.fit(plain(features), y), plain)


class Categories:
    """Texts as categories of pandas, those of the table that was fitted; plain names of columns."""

    def __init__(self, features, gap=None):
        """gap: what stands for a missing text; None leaves it missing."""
        self.gap = gap
        self.types = {}
        for name in texts(features):
            known = sorted(features[name].dropna().unique())
            self.types[name] = pd.CategoricalDtype(known if gap is None else [*known, gap])

    def __call__(self, features):
        """The frame that a library takes."""
        columns = {}
        for name, column in features.items():
            if name in self.types:
                column = column.astype(object)
                if self.gap is not None:
                    column = column.where(column.isin(self.types[name].categories), self.gap)
                else:
                    column = column.where(column.isin(self.types[name].categories), None)
                column = column.astype(self.types[name])
            columns[f"x{len(columns)}"] = column
        return pd.DataFrame(columns)


def gradient_boosting(features, y, task, seed, threads):
    """HistGradientBoosting's defaults, texts as categories."""
    prepare = Categories(features)
    boosting = (
        HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    )
    model = boosting(categorical_features="from_dtype", random_state=seed)
    return of_scikit_learn(model.fit(prepare(features), y), prepare)


def light_gbm(features, y, task, seed, threads):
    """Its defaults, texts as categories."""
    import lightgbm

    prepare = Categories(features)
    boosting = lightgbm.LGBMRegressor if task == "regression" else lightgbm.LGBMClassifier
    model = boosting(random_state=seed, n_jobs=threads, verbose=-1)
    return of_scikit_learn(model.fit(prepare(features), y), prepare)


class Filled(Categories):
    """RealMLP takes no gaps in numbers: the median, and a column that says where."""

    def __init__(self, features):
        super().__init__(features, gap=MISSING)
        self.medians = features[numbers(features)].median()
        self.gaps = [name for name in self.medians.index if features[name].isna().any()]

    def __call__(self, features):
        """The frame without gaps."""
        filled = features.copy()  # assign takes no column of the name self
        filled[self.medians.index] = features[self.medians.index].fillna(self.medians)
        for name in self.gaps:
            filled[f"{name} is missing"] = features[name].isna().astype(float)
        return super().__call__(filled)


def real_mlp(size, **changes):
    """RealMLP of pytabkit (Holzmüller et al. 2024) with its tuned defaults."""

    def way(features, y, task, seed, threads):
        import torch
        from pytabkit.models.sklearn import sklearn_interfaces

        torch.set_num_threads(threads)
        kind = "Regressor" if task == "regression" else "Classifier"
        model = getattr(sklearn_interfaces, f"RealMLP_{size}_{kind}")(
            device="cpu", random_state=seed, n_threads=threads, **changes
        )
        prepare = Filled(features)
        return of_scikit_learn(model.fit(prepare(features), y), prepare)

    return way


def ours(space=None, **changes):
    """TableClassifier, TableRegressor with their defaults but for the changes.

    space: what stands in place of some choices of the default space, None for nothing. changes:
    parameters of the estimator, and in capitals numbers of `mlp_jax.sweeps.tables.default_space`.
    """
    numbers = {name: changes.pop(name) for name in list(changes) if name.isupper()}

    def way(features, y, task, seed, threads):
        import mlp_jax

        default_space = importlib.import_module("mlp_jax.sweeps.tables.default_space")
        networks = importlib.import_module("mlp_jax.models.networks")
        kind = mlp_jax.TableRegressor if task == "regression" else mlp_jax.TableClassifier
        usual = default_space.default_space

        def changed(m, epochs):
            choices = usual(m, epochs) | (space or {})
            return {name: value for name, value in choices.items() if value is not None}

        # All else follows from the table as it does by default.
        with patch.multiple(default_space, default_space=changed, **numbers):
            model = kind(random_state=seed, **changes).fit(features, y)

        def single(features):
            # What `mlp-jax sweep --single` writes: the best configuration, trained on all rows.
            best, whole = model.sweep_result_.refit(), model.model_
            alone = copy.copy(model)
            alone.model_ = networks.as_model(
                best.networks,
                best.weights,
                encoding=whole.encoding,
                targets=whole.targets,
                classes=whole.classes,
                mean=whole.mean,
                scale=whole.scale,
            )
            return of_scikit_learn(alone).predict(features)

        interval = model.model_.interval if task == "regression" else None
        return Fitted(of_scikit_learn(model).predict, single, interval)

    return way


# pytabkit's advice where probabilities count: the best epoch by cross-entropy, no label smoothing.
FOR_PROBABILITIES = {"val_metric_name": "cross_entropy", "use_ls": False}
PEERS = {  # in the order in which they are run: the cheap ones first
    "linear": linear,
    "gradient boosting": gradient_boosting,
    "LightGBM": light_gbm,
    "random forest": random_forest,
    "scikit-learn's MLP": scikit_learns_mlp,
    "RealMLP-TD-S": real_mlp("TD_S"),
    "RealMLP-TD": real_mlp("TD"),
    "RealMLP-TD, log loss": real_mlp("TD", **FOR_PROBABILITIES),
}
OURS = {"mlp_jax": ours()}
SMALL_SPACE = {"hidden": [(16,)], "activation": ["relu"], "dropout": [0.0]}
SMALL_OURS = ours(SMALL_SPACE, n_iter=4, cv=2, epochs=20, halving=None)
NETWORKS = [(128, 128), (256, 256), (128, 128, 128), (256, 256, 256)]  # of the default space
CHANGES = {  # ours with one ingredient taken out, or in the place of another
    f"mlp_jax, {name}": way
    for name, way in {
        "one configuration": ours(ensemble=1),
        "He's start": ours({"init": "he"}),
        "no bins": ours(bins=0),
        "standard scaling": ours(scaling="standard"),
        "no learned scale of inputs": ours({"input_scale_rate": None}),
        "half of the search": ours(BUDGET=2e12, LEAST=4, MOST=5),
        "twice the search": ours(BUDGET=8e12, LEAST=14, MOST=20),
        "no linear networks": ours({"hidden": NETWORKS}),
        "half the steps": ours(STEPS=2_000),
        # Among three times as many, for about as much arithmetic.
        "halving": ours(halving=3, LEAST=21, MOST=30),
        "ReLU alone": ours({"activation": "relu"}),
        "no dropout": ours({"dropout": 0.0}),
        "no weight decay": ours({"weight_decay": 0.0}),
        "beta_2 0.999": ours({"b2": 0.999}),
        "a constant rate": ours({"schedule": "constant", "decay_epochs": None}),
    }.items()
}
WAYS = PEERS | OURS | CHANGES
# What a way imports, before its clock runs.
IMPORTS = (
    {"LightGBM": "lightgbm"}
    | {way: "pytabkit.models.sklearn.sklearn_interfaces" for way in PEERS if "RealMLP" in way}
    | dict.fromkeys((*OURS, *CHANGES), "mlp_jax")
)
