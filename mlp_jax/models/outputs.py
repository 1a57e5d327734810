"""From the outputs of a network to what they stand for: classes, probabilities, numbers.

A is A[L] with rows as samples, (samples, K). NumPy alone.
"""

import numpy as np

EVEN = 0.5  # odds; above this probability a sigmoid says yes


def class_numbers(A: np.ndarray) -> np.ndarray:
    """The number of every row's class, (samples,). A may be labels Y as well.

    A single output is the probability of the second of two classes.
    """
    return labels(A)[:, 0] if A.shape[1] == 1 else np.asarray(A.argmax(axis=1))


def labels(A: np.ndarray) -> np.ndarray:
    """1 where an output says yes to its label and else 0, (samples, K)."""
    return np.asarray((A > EVEN).astype(int))


def probabilities(A: np.ndarray) -> np.ndarray:
    """The probability of every class, (samples, classes)."""
    return np.hstack([1 - A, A]) if A.shape[1] == 1 else A


def chances(A: np.ndarray, *, of_labels: bool) -> np.ndarray:
    """What `predict_proba` of a model returns, in float64: (samples, classes), or of labels each.

    of_labels: whether every output is of a label of its own, and not of a class among others.
    """
    A = A.astype(np.float64)
    return A if of_labels else probabilities(A)


def flat_if_one(A: np.ndarray) -> np.ndarray:
    """The numbers of every row; (samples,) of one output."""
    return A[:, 0] if A.shape[1] == 1 else A


def predicted(A: np.ndarray, classes: np.ndarray | None, *, of_labels: bool) -> np.ndarray:
    """What a network predicts: (samples,), of several labels or numbers (samples, K).

    Args:
      A: the outputs.
      classes: of one target, in the order of the outputs; None for labels and for numbers. A single
        class is what every row is of.
      of_labels: without classes, whether the outputs are probabilities of labels, or numbers.
    """
    if classes is not None:
        return np.asarray(classes.take(class_numbers(A), mode="clip"))
    return labels(A) if of_labels else flat_if_one(A)
