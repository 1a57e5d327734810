"""Who belongs to an ensemble, by predictions of rows that were held out.

The networks of a fold have not seen the rows held out from it, so a configuration's predictions of
them are as of new rows, and a sweep has them already. Caruana et al. (2004): choose the one that
makes the average of those chosen the best, again and again.
"""

import numpy as np

SMALLEST = 1e-7  # probability that a logarithm is taken of


def chosen_greedily(
    outputs: np.ndarray, Y: np.ndarray, size: int, loss: str
) -> tuple[list[int], list[float]]:
    """Which of the outputs to average, and the loss of the average after every choice.

    Args:
      outputs: A[L] of every candidate, (candidates, samples, K).
      Y: labels, (samples, K).
      size: how many choices, with replacement.
      loss: its name. Classes are judged by their cross-entropy, numbers by their squared error:
        both are smoother than accuracy, so that few samples choose well.
    """
    total = np.zeros(outputs.shape[1:])
    picks: list[int] = []
    losses: list[float] = []
    for count in range(1, size + 1):
        of_all = [loss_of_outputs((total + one) / count, Y, loss) for one in outputs]
        picks.append(int(np.argmin(of_all)))
        losses.append(of_all[picks[-1]])
        total += outputs[picks[-1]]
    return picks, losses


def loss_of_outputs(A: np.ndarray, Y: np.ndarray, loss: str) -> float:
    """The mean loss of averaged outputs, (samples, K)."""
    if loss == "binary_cross_entropy":
        A = np.clip(A, SMALLEST, 1 - SMALLEST)
        of_each = -(Y * np.log(A) + (1 - Y) * np.log1p(-A)).sum(axis=1)
    elif loss == "softmax_cross_entropy":
        of_each = -(Y * np.log(np.maximum(A, SMALLEST))).sum(axis=1)
    else:
        of_each = ((A - Y) ** 2).sum(axis=1)
    return float(of_each.mean())
