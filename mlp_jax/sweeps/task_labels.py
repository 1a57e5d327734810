"""The labels of a sweep: classes or numbers, and what each loss compares its outputs with."""

from typing import Any

import numpy as np

from mlp_jax.encoding import is_missing
from mlp_jax.forward_propagation import Network
from mlp_jax.labels import one_hot
from mlp_jax.losses import Loss
from mlp_jax.sweeps.space import Configuration


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


def kind_of_labels(configs: list[Configuration], labels: np.ndarray) -> str:
    """Classes or numbers: as the losses say, or else as the labels look."""
    losses = {Network(loss=c["loss"]).loss for c in configs if "loss" in c}
    said = {"classes" if loss.classes else "numbers" for loss in losses}
    if len(losses) and any("loss" not in c for c in configs):
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
            raise ValueError(f"y has the one class {classes[0]!r}; expected two or more")
        return classes, numbers
    if labels.dtype.kind not in "fiub":
        raise ValueError(f"y has dtype {labels.dtype}, and the loss is of numbers")
    return None, labels


def default_loss(kind: str, labels: np.ndarray, classes: np.ndarray | None) -> str:
    """The loss of configurations that name none."""
    if kind == "numbers":
        return "squared_error"
    if classes is None or len(classes) == 2:
        return "binary_cross_entropy"
    return "softmax_cross_entropy"


def as_Y(loss: Loss, labels: np.ndarray, classes: np.ndarray | None, dtype: Any) -> np.ndarray:
    """The labels as this loss compares them with its outputs, (K, m)."""
    if classes is None:
        Y = np.atleast_2d(labels.astype(dtype).T)
    elif loss.name == "binary_cross_entropy" and len(classes) == 2:
        Y = labels[None].astype(dtype)
    elif loss.name == "binary_cross_entropy":
        raise ValueError(
            f"binary_cross_entropy is for two classes and y has {len(classes)}; type "
            "'loss': 'softmax_cross_entropy'"
        )
    else:
        Y = np.asarray(one_hot(labels, len(classes)), dtype)
    lowest, highest = loss.labels
    if Y.min() < lowest or Y.max() > highest:
        raise ValueError(
            f"y has labels from {Y.min():g} to {Y.max():g}; {loss.name} expects {lowest:g} to "
            f"{highest:g}"
        )
    if loss.outputs_of_label > 1 and len(Y) > 1:
        raise ValueError(f"{loss.name} is for y of one column; it has {len(Y)}")
    return np.ascontiguousarray(Y)
