"""From what is fitted to a `Model` and its file: what it has learned, and no code."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from mlp_jax.estimators.fitted_transformers import encoding_of_steps
from mlp_jax.estimators.mlp import MLP
from mlp_jax.models.encoding import Encoding, numbers
from mlp_jax.models.model import Model
from mlp_jax.models.model_file import write_model
from mlp_jax.models.networks import Trained, as_model
from mlp_jax.parameters import Layer
from mlp_jax.sweeps.results.ensemble import Ensemble, Fitted
from mlp_jax.wording import as_typed


def save_model(
    fitted: Any,
    path: Any,
    *,
    target: str | Sequence[str] = "target",
    columns: Sequence[str] | None = None,
    encoding: Encoding | None = None,
) -> None:
    """Writes a fitted model to one file that runs no code when it is read.

    A file already there is replaced once the new one is whole. `mlp_jax.load_model` predicts from
    it by NumPy alone, on tables as the first step of the pipeline takes them.

    Args:
      fitted: an MLPClassifier or MLPRegressor; a Pipeline that ends in one, after imputers, scalers
        and one-hot encoders, also within a ColumnTransformer; a SweepCV or another search of
        scikit-learn, for its best estimator; what `result.refit()` or `result.ensemble()` of a
        sweep returns; or a `Model`.
      path: of the file.
      target: what is predicted, by name; of several, the names.
      columns: of what a sweep returns, the names of the features; x0, x1, ... by default.
      encoding: instead of columns, how rows of a table became the features of the sweep.

    Raises:
      ValueError: it is not fitted, or has a step or a function that no file without code can hold.

    Example:
      >>> import tempfile, numpy as np, mlp_jax
      >>> X = np.random.default_rng(0).normal(size=(200, 2))
      >>> mlp = mlp_jax.MLPClassifier((8,), max_iter=9, random_state=0)
      >>> mlp = mlp.set_params(tol=0.1, n_iter_no_change=1).fit(X, X[:, 0] > 0)
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     mlp_jax.save_model(mlp, f"{folder}/model.safetensors")
      ...     model = mlp_jax.load_model(f"{folder}/model.safetensors")
      >>> bool((model.predict(X) == mlp.predict(X)).all())
      True
    """
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"path is {path!r}; expected the name of a file")
    write_model(path, model_of(fitted, target=target, columns=columns, encoding=encoding))


def model_of(
    fitted: Any,
    *,
    target: str | Sequence[str] = "target",
    columns: Sequence[str] | None = None,
    encoding: Encoding | None = None,
) -> Model:
    """The `Model` of what `save_model` takes; for `mlp_jax.export_model`, or to look at.

    Raises:
      ValueError: as for `save_model`.
    """
    if isinstance(fitted, Fitted | Ensemble):
        own = _encoding_of_features(len(fitted.networks[0][0][0].W), columns, encoding)
        return _model(fitted.networks, fitted.weights, own, target, fitted.classes)
    if columns is not None or encoding is not None:
        raise ValueError(
            f"columns and encoding are for what a sweep returns; {type(fitted).__name__} knows its "
            "own: leave them out"
        )
    if isinstance(fitted, Model):
        return fitted
    best = getattr(fitted, "best_estimator_", fitted)
    try:
        check_is_fitted(best)
    except (NotFittedError, TypeError):
        raise ValueError(
            f"{type(fitted).__name__} is not fitted, or no estimator; expected a fitted "
            "MLPClassifier, MLPRegressor, Pipeline or SweepCV, result.refit() or result.ensemble()"
        ) from None
    steps = [step for _, step in best.steps] if isinstance(best, Pipeline) else [best]
    mlp = steps.pop()
    if not isinstance(mlp, MLP):
        raise ValueError(
            f"a {type(mlp).__name__} cannot be written to a model file; expected MLPClassifier or "
            "MLPRegressor of mlp_jax as the last step (of an ensemble, keep it with pickle)"
        )
    named = getattr(best, "feature_names_in_", None)
    places = [f"x{place}" for place in range(best.n_features_in_)]
    learned = encoding_of_steps(steps, places if named is None else list(named))
    classes = None
    if is_classifier(mlp) and not mlp._is_of_labels:
        classes = mlp.classes_
        if len(classes) < 2:
            raise ValueError(
                f"{type(mlp).__name__} was fitted to the one class {classes[0]}, and a model file "
                "tells two or more apart; fit it to rows of another class too"
            )
    return _model([(mlp._layers(), mlp._network())], None, learned, target, classes)


def _encoding_of_features(
    count: int, columns: Sequence[str] | None, encoding: Encoding | None
) -> Encoding:
    """How rows become the features of a sweep, of which there are so many."""
    if encoding is not None:
        if columns is not None:
            raise ValueError("columns and encoding are given: type one of them")
        if not isinstance(encoding, Encoding) or len(encoding.source) != count:
            given = f"of type {type(encoding).__name__}"
            if isinstance(encoding, Encoding):
                given = f"of {len(encoding.source)} inputs"
            raise ValueError(f"encoding is {given}; expected an Encoding of {count} inputs")
        return encoding
    if columns is None:
        return numbers([f"x{place}" for place in range(count)])
    names = list(map(str, columns))
    if isinstance(columns, str) or len(names) != count or len(set(names)) < count:
        raise ValueError(f"columns are {as_typed(columns)}; expected {count} different names")
    return numbers(names)


def _model(
    networks: Sequence[Trained],
    weights: np.ndarray | None,
    encoding: Encoding,
    target: str | Sequence[str],
    classes: Any,
) -> Model:
    params, network = networks[0]
    count = 1
    if classes is None:
        count = params[-1][0].shape[1] // network.loss.outputs_of_label
    listed = not isinstance(target, str) and isinstance(target, Sequence)
    if not isinstance(target, str) and not (listed and all(isinstance(t, str) for t in target)):
        raise ValueError(f"target is {target!r}; expected a name, or one for each target")
    names = [target] if isinstance(target, str) else list(target)
    if isinstance(target, str) and count > 1:
        names = [f"{target} {place}" for place in range(count)]
    if len(names) != count or len(set(names)) < count:
        raise ValueError(f"target has {len(names)} names, {names}; expected {count} different ones")
    dtype = np.asarray(params[0][0]).dtype
    of_one_dtype = [
        ([Layer(np.asarray(W, dtype), np.asarray(b, dtype)) for W, b in params], network)
        for params, network in networks
    ]
    return as_model(of_one_dtype, weights, encoding=encoding, targets=names, classes=classes)
