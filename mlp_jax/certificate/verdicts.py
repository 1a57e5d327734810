"""Verdicts: what the evidence on one W[l] or b[l] amounts to, and which layer is to be mended."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlp_jax.certificate.evidence import Evidence
from mlp_jax.certificate.remarks import TOO_SMALL, remark


class Leaf(NamedTuple):
    """What the certificate says of one W[l] or b[l].

    name: such as "W[2]".
    shape: of the parameter.
    error_autodiff, error_differences: the largest difference to `jax.grad` over all entries, and to
      central differences over the probed entries, each relative to its own entry (the larger of
      the two values, or the size below which rounding is all there is); infinite if there is
      nothing to compare.
    worst: (row, column) of the entry furthest off, with its values by_hand, by_autodiff and
      by_differences (None where not probed or left out).
    probed: entries compared with central differences.
    left_out: probed entries at which a unit's z changes sign within the step, or the cost bends too
      fast for the step.
    verdict: "right"; "kink": right, with another value of f' at z = 0, or of dL/dz at a = y;
      "too small": so near 0 that rounding could make it, which speaks neither for nor against;
      "untold": `jax.grad` is not finite at entries that nothing else was compared with; "wrong".
    remark: what the error looks like, or why nothing can be told, or "".
    """

    name: str
    shape: tuple[int, int]
    error_autodiff: float
    error_differences: float
    worst: tuple[int, int]
    by_hand: float
    by_autodiff: float
    by_differences: float | None
    probed: int
    left_out: int
    verdict: str
    remark: str


def judge(evidence: Evidence, beside: Evidence, m: int) -> Leaf:
    """The verdict on one leaf.

    Args:
      evidence: on the leaf.
      beside: on the other one of its layer, made from the same dJ/dZ.
      m: the number of examples, which tells a missing 1/m.
    """
    e = evidence
    rows, columns = e.truth.shape
    if not e.comparable:
        row, column = 0, 0
        if e.hand.shape == e.truth.shape:
            row, column = (int(i) for i in np.argwhere(~np.isfinite(e.hand))[0])
        nowhere = (row, column)
        return Leaf(
            name=e.name,
            shape=(rows, columns),
            error_autodiff=np.inf,
            error_differences=np.inf,
            worst=nowhere,
            by_hand=np.nan,
            by_autodiff=float(e.truth[nowhere]),
            by_differences=None,
            probed=0,
            left_out=0,
            verdict="wrong",
            remark=_misfit(e, nowhere),
        )
    wrong = e.wrong_entries
    off = e.error_autodiff.ravel()
    off_differences = e.error_differences(e.hand)
    candidates = wrong if wrong.size else np.arange(off.size)
    worst = int(candidates[np.argmax(off[candidates])])
    probe = np.flatnonzero(e.probed == worst)
    slope = float(e.slope[probe[0]]) if probe.size and not e.left_out[probe[0]] else None
    verdict = _verdict(e)
    return Leaf(
        name=e.name,
        shape=(rows, columns),
        error_autodiff=float(off.max()),
        error_differences=float(off_differences.max(initial=0.0)),
        worst=(worst // columns, worst % columns),
        by_hand=float(e.hand.ravel()[worst]),
        by_autodiff=float(e.truth.ravel()[worst]),
        by_differences=slope,
        probed=len(e.probed),
        left_out=int(e.left_out.sum()),
        verdict=verdict,
        remark=remark(e, beside, verdict, m),
    )


def _verdict(e: Evidence) -> str:
    if e.at_kinks:
        return "kink"
    if e.wrong_entries.size:
        return "wrong"
    if e.unjudged.size:
        return "untold"
    return "too small" if e.too_small else "right"


def diagnosis(leaves: Sequence[Leaf]) -> tuple[int | None, str]:
    """The first wrong layer on the way back from the output, and where to look.

    An error in dJ/dZ[l] spoils everything below, so the highest wrong layer is to be mended.
    """
    wrong = [index for index, leaf in enumerate(leaves) if leaf.verdict == "wrong"]
    if not wrong:
        return None, _nothing_wrong(leaves)
    top, layer, last = wrong[-1] // 2, wrong[-1] // 2 + 1, len(leaves) // 2
    W, b = leaves[2 * top], leaves[2 * top + 1]
    of_both = f"dJ/dZ[{layer}], from which both are made: "
    if layer == last:
        of_both += "3.1.1 to 3.1.3."
    else:
        above = layer + 1
        of_both += (
            f"f'(Z[{layer}]), 3.1.5, and "
            f"dJ/dA[{layer}] = dJ/dZ[{above}] W[{above}]ᵀ at the W before its update, 3.1.6."
        )
    if W.verdict == b.verdict:
        if W.remark and W.remark == b.remark:
            what = f"{W.name} and {b.name}: {W.remark}."
        else:
            what = " ".join(
                f"{leaf.name}: {leaf.remark or 'off'} at {list(leaf.worst)}." for leaf in (W, b)
            )
        where = of_both
    else:
        bad, good = (W, b) if W.verdict == "wrong" else (b, W)
        formula = f"(dJ/dZ[{layer}])ᵀ A[{layer - 1}]ᵀ" if bad is W else f"1 dJ/dZ[{layer}]"
        what = f"{bad.name}: {bad.remark or 'off'} at {list(bad.worst)}, while {_stands(good)}."
        where = f"dJ/d{bad.name} = {formula}: 3.1.6 and 3.2."
        if not _speaks(good):
            where = f"{where[:-1]}; or {of_both}"
    silent = [
        leaf.name
        for pair in zip(leaves[2 * top + 2 :: 2], leaves[2 * top + 3 :: 2], strict=True)
        for leaf in pair
        if not any(map(_speaks, pair))
    ]
    if silent:
        where += f"\n{', '.join(silent)} cannot be told: the error may begin there."
    return layer, f"Wrong from layer {layer} down. {what}\nLook at {where}"


def _nothing_wrong(leaves: Sequence[Leaf]) -> str:
    untold = [f"{leaf.name}: {leaf.remark}." for leaf in leaves if leaf.verdict == "untold"]
    small = [leaf.name for leaf in leaves if leaf.verdict == "too small"]
    taken = (
        " Where z is exactly 0, or y, it takes another slope."
        if any(leaf.verdict == "kink" for leaf in leaves)
        else ""
    )
    too_small = f" {', '.join(small)}: {TOO_SMALL}." if small else ""
    if untold:
        return (
            f"Nothing wrong was found, but not all was judged.{taken}{too_small} {' '.join(untold)}"
        )
    if len(small) == len(leaves):
        return f"Nothing can be told.{too_small}"
    found = "Right wherever it can be told." if small else "Right in every layer."
    return f"{found}{taken}{too_small}"


def _speaks(leaf: Leaf) -> bool:
    """Whether the leaf is evidence for or against the dJ/dZ[l] that it is made from."""
    return leaf.verdict not in ("too small", "untold")


def _stands(leaf: Leaf) -> str:
    if leaf.verdict == "too small":
        return f"{leaf.name} is {TOO_SMALL}"
    return f"{leaf.name} is {'right' if _speaks(leaf) else 'not judged'}"


def _misfit(e: Evidence, where: tuple[int, ...]) -> str:
    if e.hand.shape == e.truth.shape:
        return f"{e.hand[where]} at {list(where)}"
    if e.hand.shape == e.truth.T.shape:
        return f"shape {e.hand.shape}, the Jacobian in numerator layout: transpose it (3.2)"
    return f"shape {e.hand.shape}"
