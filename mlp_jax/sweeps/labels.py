"""The labels of a sweep: classes or numbers, what each loss compares with, and class weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlp_jax.labels import class_weights, one_hot
from mlp_jax.loss_rules import default_loss
from mlp_jax.losses import Loss
from mlp_jax.models.cells import is_missing
from mlp_jax.sweeps.columns import Column, distinct
from mlp_jax.sweeps.configurations import Configurations
from mlp_jax.training.checks import check_range
from mlp_jax.wording import as_typed


def checked_labels(y: Any, name: str) -> np.ndarray:
    """`y`, that the user knows by this name: (samples,) or (samples, K), words as they are.

    Raises:
      ValueError: another shape, or a number that is not finite.
    """
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim not in (1, 2) or labels.size == 0:
        raise ValueError(f"{name} has shape {labels.shape}; expected (samples,) or (samples, K)")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        at = [int(i) for i in np.argwhere(~np.isfinite(labels))[0]]
        raise ValueError(f"{name}{at} is {labels[tuple(at)]}; expected finite labels")
    return _of_objects(labels, name) if labels.dtype == object else labels


def _of_objects(labels: np.ndarray, name: str) -> np.ndarray:
    """Numbers if all of them are, else words. A part of a frame of mixed columns has objects."""
    for at, label in np.ndenumerate(labels):
        if is_missing(label):
            raise ValueError(f"{name}{list(at)} is {label}; expected a label in every row")
    if all(isinstance(label, bool | int | float | np.number | np.bool_) for label in labels.flat):
        return np.array(labels.tolist())
    return labels.astype(str)


def kind_of_labels(configs: Configurations, labels: np.ndarray) -> str:
    """Classes or numbers: as the losses say, or else as the labels look."""
    named = configs.named("loss")
    losses = {configs.networks[code].loss for code in np.unique(configs.network_codes[named])}
    said = {"classes" if loss.classes else "numbers" for loss in losses}
    if named.any() and not named.all():
        raise ValueError("some configurations name a loss and some do not: name it in all")
    if len(said) == 2:
        names = ", ".join(sorted(loss.name for loss in losses))
        raise ValueError(f"the losses {names} are some of classes and some of numbers")
    if said:
        return said.pop()
    two = labels.dtype.kind == "f" and np.isin(labels, (0.0, 1.0)).all()
    return "classes" if labels.dtype.kind in "biuUS" or two else "numbers"


def classes_of(kind: str, labels: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
    """(the classes, or None; labels as numbers)."""
    if kind == "classes" and labels.ndim == 1:
        classes, numbers = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"y has the one class {as_typed(classes[0])}; expected two or more")
        return classes, numbers
    if labels.dtype.kind not in "fiub":
        raise ValueError(f"y has dtype {labels.dtype}, and the loss is of numbers")
    return None, labels


def as_Y(loss: Loss, labels: np.ndarray, classes: np.ndarray | None, dtype: Any) -> np.ndarray:
    """The labels as this loss compares them with its outputs, (m, K)."""
    if classes is None:
        Y = np.atleast_2d(labels.astype(dtype).T).T
    elif loss.exclusive is not False:
        Y = np.asarray(one_hot(labels, len(classes)), dtype).T
    elif len(classes) == 2:
        Y = labels[:, None].astype(dtype)
    else:
        raise ValueError(
            f"{loss.name} is for two classes and y has {len(classes)}; type "
            f"'loss': {default_loss(len(classes))!r}"
        )
    lowest, highest = loss.labels
    if Y.min() < lowest or Y.max() > highest:
        raise ValueError(
            f"y has labels from {Y.min():g} to {Y.max():g}; {loss.name} expects {lowest:g} to "
            f"{highest:g}"
        )
    if loss.outputs_of_label > 1 and Y.shape[1] > 1:
        raise ValueError(f"{loss.name} is for y of one column; it has {Y.shape[1]}")
    return np.ascontiguousarray(Y)


def with_class_weights(
    configs: Configurations,
    labels: dict[Loss, np.ndarray],
    classes: np.ndarray | None,
    splits: list[tuple[np.ndarray, np.ndarray]],
) -> Configurations:
    """The configurations with their class weights by class number.

    Args:
      configs: each with its loss.
      labels: Y of every loss, (m, K).
      classes: what y was made of, or None.
      splits: of the examples, to train on and to validate by.

    Raises:
      ValueError: class weights or label smoothing where there are no classes; a class without a
        weight, or a fold without an example that has one.
    """
    n = len(configs)
    column = configs.columns.get("class_weight", Column((), np.full(n, -1)))
    weighted = configs.is_given("class_weight")
    smoothed = configs.numbers("label_smoothing") != 0
    first, codes = distinct(n, column.codes, configs.network_codes, smoothed)
    found = [None] * len(first)
    for code, row in enumerate(first):
        if not weighted[row] and not smoothed[row]:
            continue
        loss = configs.networks[configs.network_codes[row]].loss
        if not loss.classes:
            which = "class_weight" if weighted[row] else "label_smoothing"
            raise ValueError(f"{which} is for the cross-entropies; the loss is {loss}")
        if weighted[row]:
            given = column.option(int(column.codes[row]))
            found[code] = _class_weight(given, labels[loss], classes, splits)
    if not weighted.any():
        return configs
    by_number = Column(tuple(found), np.where(column.named, codes, -1))
    return configs.with_column("class_weight", by_number)


def _class_weight(given: Any, Y: np.ndarray, classes: np.ndarray | None, splits: list[Any]) -> Any:
    """`given` checked: "balanced", or a weight of every class, by its number."""
    if isinstance(given, Mapping):
        given = _by_number(given, classes, Y.shape[1])
    weights = np.asarray(class_weights(Y.T, given))[0]
    for fold, (train, _) in enumerate(splits):
        if not weights[train].any():
            raise ValueError(
                f"class_weight is 0 for all that fold {fold} trains on; type a weight above 0 for "
                "a class that it has, or other folds"
            )
    return given


def _by_number(
    given: Mapping[Any, Any], classes: np.ndarray | None, outputs: int
) -> dict[int, float]:
    """By class number what is by label, by class number, or by one of them written as a text.

    The first of these that knows all keys counts: labels before numbers, so that of the labels 1
    and 2 the key 1 is the label. JSON and TOML have no keys but texts.
    """
    numbers = list(range(outputs if classes is None else len(classes)))
    names: list[Any] = numbers if classes is None else classes.tolist()
    texts = [str(name).removesuffix(".0") for name in names]
    for way in (names, texts, numbers, list(map(str, numbers))):
        number_of = {name: number for number, name in enumerate(way)}
        if all(key in number_of for key in given):
            break
    else:
        unknown = next(key for key in given if key not in names)
        raise ValueError(f"class_weight names {as_typed(unknown)}; the classes are {names}")
    for key, weight in given.items():
        check_range(f"class_weight of {as_typed(key)}", weight, 0, np.inf)
    found = {number_of[key]: float(weight) for key, weight in given.items()}
    missing = [name for number, name in enumerate(names) if number not in found]
    if missing and classes is not None:  # else not all of them may occur
        raise ValueError(
            f"class_weight has none for the class {as_typed(missing[0])}; expected a weight of "
            "every class"
        )
    return dict(sorted(found.items()))
