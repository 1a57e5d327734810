"""What is known of a gradient on trial: beside it `jax.grad`, differences, and what rounds."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mlp_jax.activations import Activation
from mlp_jax.back_propagation import errors, gradient
from mlp_jax.cost_function import cost
from mlp_jax.finite_differences import central_differences
from mlp_jax.forward_propagation import Network, forward_trace
from mlp_jax.kinks import with_other_values
from mlp_jax.parameters import Layer, describe
from mlp_jax.verdicts import Evidence, scale_of


def leaves_of(returned: Any, layers: tuple[Layer, ...]) -> list[np.ndarray]:
    """[W[1], b[1], W[2], ...] of what the function on trial returned, whatever their shapes."""
    pairs = list(returned) if isinstance(returned, list | tuple) else []
    if len(pairs) != len(layers) or not all(
        isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs
    ):
        raise ValueError(
            f"gradient returned {describe(returned)}; expected {len(layers)} pairs (dW, db), one a "
            "layer, first layer first"
        )
    leaves = [np.asarray(leaf) for pair in pairs for leaf in pair]
    for leaf in leaves:
        if leaf.dtype.kind not in "fiu" and str(leaf.dtype) != "bfloat16":
            raise ValueError(f"gradient returned an array of {leaf.dtype}; expected real numbers")
    return [leaf.astype(np.float64) if leaf.dtype.kind in "iu" else leaf for leaf in leaves]


def gathered(
    hand: list[np.ndarray],
    layers: tuple[Layer, ...],
    X: Array,
    Y: Array,
    choices: dict[str, Any],
    entries: int,
) -> list[Evidence]:
    """What there is on every leaf; `entries` of each are compared with central differences.

    Raises:
      ValueError: the cost is not finite.
    """
    J, grads = _autodiff(layers, X, Y, **choices)
    if not np.isfinite(J):
        raise ValueError(f"the cost is {J} at these params; no gradient can be judged there")
    truth = [np.asarray(leaf) for leaf in jax.tree.leaves(grads)]
    sizes = [np.asarray(leaf) for leaf in jax.tree.leaves(_uncancelled(layers, X, Y, **choices))]
    rng = np.random.default_rng(0)  # which entries are probed: the same in every call
    probed = [_to_probe(h, t, entries, rng) for h, t in zip(hand, truth, strict=True)]
    starts = np.concatenate([[0], np.cumsum([leaf.size for leaf in truth])])
    positions = np.concatenate([p + start for p, start in zip(probed, starts, strict=False)])
    differences = central_differences(layers, X, Y, positions, **choices)
    cuts = np.cumsum([len(p) for p in probed])[:-1]
    slopes, resolutions, kinks, bends = (np.split(np.asarray(part), cuts) for part in differences)
    return [
        Evidence(
            name=f"{'Wb'[index % 2]}[{index // 2 + 1}]",
            hand=hand[index],
            truth=truth[index],
            scale=scale_of(truth[index], slopes[index], sizes[index], hand[index].dtype),
            probed=probed[index],
            slope=slopes[index],
            resolution=resolutions[index],
            kink=kinks[index],
            bend=bends[index],
            l2_term=choices["l2"] * np.asarray(layers[index // 2].W) * (index % 2 == 0),
        )
        for index in range(len(truth))
    ]


@partial(jax.jit, static_argnames="network")
def _autodiff(
    layers: tuple[Layer, ...], X: Array, Y: Array, **choices: Any
) -> tuple[Array, tuple[Layer, ...]]:
    return jax.value_and_grad(cost)(layers, X, Y, **choices)


@partial(jax.jit, static_argnames="network")
def _uncancelled(
    layers: tuple[Layer, ...],
    X: Array,
    Y: Array,
    *,
    network: Network,
    weights: Any,
    l2: Any,
    masks: Any,
) -> list[Layer]:
    """What every entry of the gradient would be if nothing cancelled.

    Not the sum over the examples; nor f', which autodiff may take as a difference of numbers near
    1, such as 1 - a² (errata 35), and so knows to eps only: it is not let fall below 1/100; nor
    a - y, of which the paper's own form knows no more than that (errata 32).
    """

    def floored(activation: Activation) -> Activation:
        return activation._replace(
            derivative=lambda Z, A: jnp.maximum(abs(activation.derivative(Z, A)), 0.01)
        )

    loss = network.loss
    if loss.classes:
        loss = loss._replace(dL_dZ=lambda Z, Y: network.loss.output(Z) + Y)
    trace = forward_trace(layers, X, network, masks, weights)
    floored_network = Network([floored(one) for one in network.hidden(layers)], loss)
    grad_Z = errors(layers, trace, Y, network=floored_network, weights=weights)
    return [
        Layer(abs(A) @ abs(grad).T + abs(l2 * W), abs(grad).sum(1, keepdims=True))
        for A, grad, (W, _) in zip(trace.inputs(), grad_Z, layers, strict=True)
    ]


def _to_probe(
    hand: np.ndarray, truth: np.ndarray, entries: int, rng: np.random.Generator
) -> np.ndarray:
    """Flat positions to compare with differences: half furthest from `jax.grad`, half at random."""
    order = rng.permutation(truth.size)
    if hand.shape == truth.shape:
        off = np.nan_to_num(np.abs(hand - truth), nan=np.inf).ravel()
        order = order[np.argsort(-off[order], kind="stable")]
    count = min(entries, truth.size)
    furthest, rest = order[: (count + 1) // 2], order[(count + 1) // 2 :]
    return np.concatenate([furthest, rng.permutation(rest)[: count - len(furthest)]])


def at_other_values(
    evidence: list[Evidence],
    layers: tuple[Layer, ...],
    X: Array,
    Y: Array,
    choices: dict[str, Any],
) -> list[Evidence]:
    """The evidence with those values at kinks with which it is right furthest down from the output.

    At a kink each is as good as another; a mixture of them within one gradient is not. An error
    further down is then judged with the same values.
    """
    furthest, chosen = _right_down_to(evidence), evidence
    masks = choices["masks"]
    for network in with_other_values(choices["network"], layers, X, Y, masks):
        other = gradient(layers, X, Y, **{**choices, "network": network})
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(other)]
        retried = [e._replace(truth=leaf) for e, leaf in zip(evidence, leaves, strict=True)]
        if _right_down_to(retried) > furthest:
            furthest = _right_down_to(retried)
            chosen = [
                e._replace(at_kinks=not e.agrees) if again.agrees else again
                for e, again in zip(evidence, retried, strict=True)
            ]
    return chosen


def _right_down_to(evidence: list[Evidence]) -> tuple[int, int]:
    """(layers that are right, counted from the output, right leaves of the next one)."""
    layers = list(zip(evidence[-2::-2], evidence[-1::-2], strict=True))
    for count, (W, b) in enumerate(layers):
        if not (W.agrees and b.agrees):
            return count, W.agrees + b.agrees
    return len(layers), 0
