"""How far rounding may move every entry of the gradient, found by moving all that it is made of.

A bound for a whole leaf forgives an error in its small entries, and a bound by the terms of the
last sum knows nothing of a - y, 1 - a² and what came before. So forward and backward propagation
run some times with every quantity moved by up to a unit of its size, at random. A unit is a
rounding error with a good margin, and finite: a ReLU whose z rounding may carry across 0 is carried
across.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mlp_jax.activations import Activation, is_named
from mlp_jax.certificate.kinks import at_kinks, output_error, slope
from mlp_jax.certificate.programs import quickly_compiled
from mlp_jax.cost_function import J_of_losses, dJ_dL
from mlp_jax.forward_propagation import forward_trace, where_kept
from mlp_jax.losses import Loss, is_named_loss
from mlp_jax.network import Network
from mlp_jax.parameters import Layer

SHAKEN = 16  # times; an entry then hardly has the luck of not being moved
LARGEST_MOVE, UNIT_MOVE = 125, 100  # moves are kept as small integers: one of 100 is one unit


class Noise(NamedTuple):
    """What rounding may do.

    layers: to every entry of the gradient, shaped like the parameters.
    J: to the cost, a scalar.
    """

    layers: tuple[Layer, ...]
    J: Array


def noise(
    layers: tuple[Layer, ...],
    X: Array,
    Y: Array,
    unit: float,
    smallest: float,
    **choices: Any,
) -> Noise:
    """The largest that SHAKEN runs show, and one unit of the absolute terms of the last sum.

    Units and examples that are exactly at a kink stay there: other values at a kink are another
    question, and would be the answer to every error. `unit` is a rounding error, relative;
    `smallest` an absolute one, of what underflows.
    """
    rng = np.random.default_rng(0)
    count = X.size + 2 * Y.size + 6 * sum(len(b) * X.shape[1] for _, b in layers)

    def run(moved_by: np.ndarray) -> Any:
        # Drawn here, since a generator within the program takes seconds to compile.
        # Not signs alone: two moves of one size would cancel in all runs, once in 65,536 times.
        moves = rng.integers(-LARGEST_MOVE, LARGEST_MOVE, count, np.int8, endpoint=True)
        return jax.tree.map(np.asarray, _shaken(layers, X, Y, moves, moved_by, **choices))

    at_rest = run(np.zeros(2))[0]
    largest: Noise = jax.tree.map(np.zeros_like, at_rest)
    for _ in range(SHAKEN):
        moved = jax.tree.map(partial(_moved, unit), *run(np.array([unit, smallest])), at_rest)
        largest = jax.tree.map(np.maximum, largest, moved)
    return largest


def _moved(unit: float, shaken: np.ndarray, terms: np.ndarray, at_rest: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        by = 2 * np.abs(shaken - at_rest) + unit * terms
    return np.where(np.isfinite(by), by, 0.0)  # a run that is not finite shows nothing


@quickly_compiled
def _shaken(
    layers: tuple[Layer, ...],
    X: Array,
    Y: Array,
    moves: Array,
    moved_by: Array,
    *,
    network: Network,
    weights: Array | None,
    l2: Any,
    masks: tuple[Array, ...] | None,
) -> tuple[Noise, Noise]:
    """(the gradient and J, shaken; the absolute terms of their last sums)."""
    network = _trusted(network, layers)
    kinks = at_kinks(network, layers, X, Y, masks)
    trace = forward_trace(layers, X, network, masks, weights)
    at_rest, counts = trace.Z, None if weights is None else weights > 0.0
    move, (unit, smallest) = _Moves(moves.astype(X.dtype) / UNIT_MOVE), moved_by
    hidden = network.hidden(layers)
    inputs, Z, f_primes = [X * (1 + unit * move.like(X))], [], []
    # Towards 0, where every label stays one that its loss allows.
    Y_shaken = Y * (1 - unit * (2 + move.like(Y)))
    for l, (W, b) in enumerate(layers):
        rounded = unit * (abs(W).T @ abs(inputs[-1]) + abs(b))
        rounded += smallest * (1 + abs(inputs[-1]).sum(0, keepdims=True))  # weights underflow too
        z = W.T @ inputs[-1] + b + rounded * move.like(rounded)
        if l == len(hidden):
            Z.append(z)
            break
        Z.append(jnp.where(kinks.hidden[l], at_rest[l], z))
        A = hidden[l].f(Z[-1])
        f_prime = hidden[l].derivative(Z[-1], A)
        # 1 - a² and a (1 - a) know a saturated f' to an eps of a (errata 35); an a beyond 1 is the
        # size of f' where it is that of z.
        steepness = abs(A) / jnp.maximum(abs(Z[-1]), 1.0)
        known_to = jnp.maximum(abs(f_prime), jnp.minimum(abs(A), jnp.maximum(steepness, 1.0)))
        f_primes.append(f_prime + unit * move.like(A) * known_to)
        A += (unit * abs(A) + smallest) * move.like(A)
        inputs.append(trace.masked(l, A))

    error = network.loss.dL_dZ(Z[-1], Y_shaken)
    error = jnp.where(kinks.examples, network.loss.dL_dZ(at_rest[-1], Y), error)
    error += unit * move.like(Y) * _minus_labels(network.loss, Y)
    grad = where_kept(counts, dJ_dL(X, weights) * error)
    grads, terms = [], []
    for l in reversed(range(len(layers))):
        W = layers[l].W
        grad = grad * (1 + unit * move.like(grad)) + smallest * move.like(grad)
        grads.append(Layer(inputs[l] @ grad.T + l2 * W, grad.sum(1, keepdims=True)))
        # What underflows does so in every example, and in the sum.
        underflow = smallest / jnp.maximum(unit, jnp.finfo(X.dtype).eps)
        size = abs(grad) + underflow
        of_W = abs(inputs[l]) @ size.T + abs(l2 * W) + underflow
        terms.append(Layer(of_W, size.sum(1, keepdims=True)))
        if l:
            rounded = unit * (abs(W) @ abs(grad)) + smallest * abs(grad).sum(0, keepdims=True)
            grad_A = W @ grad + rounded * move.like(rounded)
            grad_A = grad_A if masks is None else masks[l - 1] * grad_A
            grad = where_kept(trace.kept[l - 1], grad_A * f_primes[l - 1])
    J = J_of_losses(network.loss.L(Z[-1], Y_shaken), weights)
    return Noise(tuple(grads[::-1]), J), Noise(tuple(terms[::-1]), abs(J))


def _minus_labels(loss: Loss, Y: Array) -> Array:
    """What textbooks take away from outputs, a - y: little is left of it where a nears y."""
    return Y if loss.classes else jnp.zeros_like(Y)


def _trusted(network: Network, layers: tuple[Layer, ...]) -> Network:
    """`network` with autodiff's derivatives in place of a user's own, where they are finite."""

    def activation(own: Activation) -> Activation:
        def derivative(Z: Array, A: Array) -> Array:
            by_autodiff = slope(own.f)(Z)
            return jnp.where(jnp.isfinite(by_autodiff), by_autodiff, own.derivative(Z, A))

        return own if is_named(own) else own._replace(derivative=derivative)

    def loss(own: Loss) -> Loss:
        return own if is_named_loss(own) else own._replace(dL_dZ=output_error(own))

    return Network([activation(f) for f in network.hidden(layers)], loss(network.loss))


class _Moves:
    """Hands out one flat draw of random numbers, between -1.25 and 1.25."""

    def __init__(self, flat: Array) -> None:
        self._flat, self._start = flat, 0

    def like(self, A: Array) -> Array:
        start, self._start = self._start, self._start + A.size
        return self._flat[start : self._start].reshape(A.shape)
