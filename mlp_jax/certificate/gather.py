"""Evidence on a gradient on trial: `jax.grad`, central differences, and what rounding may do."""

from typing import Any

import jax
import numpy as np
from jax import Array

from mlp_jax.back_propagation import backward
from mlp_jax.certificate.differences import AT_ONCE, central_differences
from mlp_jax.certificate.evidence import UNIT, Evidence, precision_of, unit_of
from mlp_jax.certificate.kinks import Choice, at_kinks, choices_at, with_values
from mlp_jax.certificate.programs import quickly_compiled
from mlp_jax.certificate.rounding import noise
from mlp_jax.cost_function import cost
from mlp_jax.forward_propagation import forward_trace
from mlp_jax.network import Network
from mlp_jax.parameters import Layer
from mlp_jax.wording import describe


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
    # Whole numbers and longer floats are judged as float64, the finest there is a tolerance for.
    exact = [leaf.dtype.kind in "iu" or leaf.dtype == np.longdouble for leaf in leaves]
    return [
        leaf.astype(np.float64) if is_exact else leaf
        for leaf, is_exact in zip(leaves, exact, strict=True)
    ]


def gather_evidence(
    hand: list[np.ndarray],
    layers: tuple[Layer, ...],
    X: Array,
    Y: Array,
    choices: dict[str, Any],
    entries: int,
) -> list[Evidence]:
    """The evidence on every W[l] and b[l]; `entries` of each are compared with differences.

    Raises:
      ValueError: the cost is not finite.
    """
    J, grads = _autodiff(layers, X, Y, **choices)
    if not np.isfinite(J):
        raise ValueError(f"the cost is {J} at these params; no gradient can be judged there")
    truth = [np.asarray(leaf) for leaf in jax.tree.leaves(grads)]
    noises, noise_of_J = _noises(hand, layers, X, Y, choices)
    known = [
        Evidence(
            name=f"{'Wb'[index % 2]}[{index // 2 + 1}]",
            hand=hand[index],
            truth=truth[index],
            noise=noises[index],
            probed=np.arange(0),
            slope=np.zeros(0),
            resolution=np.zeros(0),
            kink=np.zeros(0, bool),
            bend=np.zeros(0),
            l2_term=choices["l2"] * np.asarray(layers[index // 2].W) * (index % 2 == 0),
        )
        for index in range(len(truth))
    ]
    rng = np.random.default_rng(0)  # which entries are probed: the same in every call
    probed = [_to_probe(e, entries, rng) for e in known]
    starts = np.concatenate([[0], np.cumsum([leaf.size for leaf in truth])])
    positions = np.concatenate([p + start for p, start in zip(probed, starts, strict=False)])
    whole = np.pad(positions, (0, -len(positions) % AT_ONCE), mode="edge")
    differences = central_differences(layers, X, Y, whole, noise_of_J, **choices)
    cuts = np.cumsum([len(p) for p in probed])
    # Behind the last cut are the entries that make the number whole.
    slopes, resolutions, kinks, bends = (
        np.split(np.asarray(part), cuts)[:-1] for part in differences
    )
    found = zip(known, probed, slopes, resolutions, kinks, bends, strict=True)
    return [
        e._replace(probed=p, slope=slope, resolution=resolution, kink=kink, bend=bend)
        for e, p, slope, resolution, kink, bend in found
    ]


@quickly_compiled
def _autodiff(
    layers: tuple[Layer, ...], X: Array, Y: Array, **choices: Any
) -> tuple[Array, tuple[Layer, ...]]:
    return jax.value_and_grad(cost)(layers, X, Y, **choices)


def _noises(
    hand: list[np.ndarray],
    layers: tuple[Layer, ...],
    X: Array,
    Y: Array,
    choices: dict[str, Any],
) -> tuple[list[np.ndarray], float]:
    """(what rounding may do to every entry of every leaf, and to J in float64)."""
    precisions = [precision_of(leaf) for leaf in hand]
    found = {}
    for precision in set(precisions):
        found[precision] = noise(layers, X, Y, *unit_of(precision), **choices)
    noises = {
        precision: [np.asarray(leaf) for leaf in jax.tree.leaves(n.layers)]
        for precision, n in found.items()
    }
    finest = min(found, key=lambda precision: UNIT[precision])
    of_J = float(found[finest].J) / UNIT[finest]
    return [noises[precision][i] for i, precision in enumerate(precisions)], of_J


def _to_probe(e: Evidence, entries: int, rng: np.random.Generator) -> np.ndarray:
    """Flat positions to compare with differences: half furthest from `jax.grad`, half at random."""
    order = rng.permutation(e.truth.size)
    if e.hand.shape == e.truth.shape:
        off = np.nan_to_num(e.error_autodiff, nan=np.inf).ravel()
        order = order[np.argsort(-off[order], kind="stable")]
    count = min(entries, e.truth.size)
    furthest, rest = order[: (count + 1) // 2], order[(count + 1) // 2 :]
    return np.concatenate([furthest, rng.permutation(rest)[: count - len(furthest)]])


def at_other_values(
    evidence: list[Evidence],
    layers: tuple[Layer, ...],
    X: Array,
    Y: Array,
    choices: dict[str, Any],
) -> list[Evidence]:
    """The evidence with the values at kinks by which the gradient is right furthest down.

    At a kink one value is as good as another; a mixture of values within one gradient is not. An
    error further down is then judged with the same values.
    """
    furthest, chosen = _right_down_to(evidence), evidence
    network, masks = choices["network"], choices["masks"]
    kinks = _at_kinks(network=network, layers=layers, X=X, Y=Y, masks=masks)
    kinks = jax.tree.map(np.asarray, kinks)
    for choice in choices_at(kinks, len(layers[-1].b)):
        other = _gradient_with(layers, X, Y, Choice(*map(np.asarray, choice)), **choices)
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(other)]
        retried = [e._replace(truth=leaf) for e, leaf in zip(evidence, leaves, strict=True)]
        if _right_down_to(retried) > furthest:
            furthest = _right_down_to(retried)
            chosen = [
                e._replace(at_kinks=not e.agrees) if again.agrees else again
                for e, again in zip(evidence, retried, strict=True)
            ]
    return chosen


@quickly_compiled
def _gradient_with(
    layers: tuple[Layer, ...],
    X: Array,
    Y: Array,
    choice: Choice,
    *,
    network: Network,
    weights: Array | None,
    l2: Any,
    masks: tuple[Array, ...] | None,
) -> tuple[Layer, ...]:
    """The gradient with these values at kinks, which are traced: one program for all of them."""
    trace = forward_trace(layers, X, network, masks, weights)
    chosen = with_values(network, choice)
    return backward(layers, trace, Y, network=chosen, weights=weights, l2=l2)


_at_kinks = quickly_compiled(at_kinks)


def _right_down_to(evidence: list[Evidence]) -> tuple[int, int]:
    """(layers that are right, counted from the output, right leaves of the next one)."""
    layers = list(zip(evidence[-2::-2], evidence[-1::-2], strict=True))
    for count, (W, b) in enumerate(layers):
        if not (W.agrees and b.agrees):
            return count, W.agrees + b.agrees
    return len(layers), 0
