"""What the evidence on one W[l] or b[l] amounts to: right, a matter of a kink, or wrong and how."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Largest error that is called rounding, relative to the leaf's scale. Right gradients in float64
# stay below 1e-11; a backward that works in float32 loses some 1e-6 in twelve layers.
TOLERANCE = {"float64": 1e-8, "float32": 1e-4}
# A leaf whose terms cancel is known no better than its terms are: the share of their size that its
# scale does not fall below. By the tolerance 1e-12 of them, and in float32 1e-6, which is 8 eps.
CANCELLED = {"float64": 1e-4, "float32": 1e-2}
DIFFERENCES_TOLERANCE = 1e-6
# A difference has settled if the slopes over the whole and over half the step are this close,
# relative to the slope: what Richardson's extrapolation leaves is then of the order of its square.
SETTLED = 1e-3
TOO_SMALL = "too small to tell from rounding"


class Evidence(NamedTuple):
    """Everything known of one leaf, in float64.

    name: such as "W[2]". hand: the gradient on trial, of whatever shape it came in. truth:
    `jax.grad`'s, (rows, columns). scale: the size against which errors are judged. probed: flat
    positions compared with central differences, with their slope, resolution, kink and bend.
    l2_term: the penalty's share of the truth. at_kinks: True if hand is right with another value
    of f' or dL/dz at a kink.
    """

    name: str
    hand: np.ndarray
    truth: np.ndarray
    scale: float
    probed: np.ndarray
    slope: np.ndarray
    resolution: np.ndarray
    kink: np.ndarray
    bend: np.ndarray
    l2_term: np.ndarray
    at_kinks: bool = False

    @property
    def comparable(self) -> bool:
        """`hand` has the right shape and finite numbers only."""
        return self.hand.shape == self.truth.shape and bool(np.isfinite(self.hand).all())

    @property
    def tolerance(self) -> float:
        """Error up to which `hand` is called right, by the dtype it was computed in."""
        return TOLERANCE.get(str(self.hand.dtype), TOLERANCE["float32"])

    @property
    def left_out(self) -> np.ndarray:
        """Which of the probed entries have a difference that means nothing.

        Those at a kink, declared or seen in the slopes to both sides, and those where the cost
        bends so fast that the difference has not settled: a deep saturated network may rise and be
        flat again well within the step.
        """
        resolvable = DIFFERENCES_TOLERANCE * self.scale
        enough = np.maximum(SETTLED * np.abs(self.slope), resolvable)
        return (
            self.kink
            | (self.bend > resolvable)
            | (self.resolution > enough)
            | ~np.isfinite(self.slope)
        )

    @property
    def error_autodiff(self) -> np.ndarray:
        """|hand - truth| relative to the scale, an entry each."""
        return _relative(np.abs(self.hand - self.truth), self.scale)

    def error_differences(self, values: np.ndarray) -> np.ndarray:
        """|values - slope| at the probed entries, relative to the scale; 0 where left out.

        Where the leaf is too small for the differences to resolve, relative to what they can.
        """
        difference = np.abs(values.ravel()[self.probed] - self.slope)
        resolvable = np.maximum(self.scale, 10 * self.resolution / DIFFERENCES_TOLERANCE)
        return np.where(self.left_out, 0.0, _relative(difference, resolvable))

    @property
    def wrong_entries(self) -> np.ndarray:
        """Flat positions at which `hand` stands condemned.

        By `jax.grad`, unless central differences side with `hand` against it or it is not finite;
        or by central differences, whatever `jax.grad` says.
        """
        known = np.isfinite(self.truth.ravel())
        condemned = known & (self.error_autodiff.ravel() > self.tolerance)
        limit = max(DIFFERENCES_TOLERANCE, self.tolerance)
        hand_fits = self.error_differences(self.hand) <= limit
        truth_fits = self.error_differences(self.truth) <= DIFFERENCES_TOLERANCE
        condemned[self.probed[hand_fits & ~truth_fits & ~self.left_out]] = False
        condemned[self.probed[~hand_fits]] = True
        return np.flatnonzero(condemned)

    @property
    def agrees(self) -> bool:
        """`hand` is right, with the values at kinks that this library takes."""
        return self.comparable and self.wrong_entries.size == 0

    @property
    def too_small(self) -> bool:
        """Whether it is not zero, and zeros would be called right just as well."""
        entries = np.concatenate([self.truth.ravel(), self.hand.ravel()])
        largest = np.abs(entries[np.isfinite(entries)]).max(initial=0.0)
        return bool(0 < largest <= self.tolerance * self.scale)


def scale_of(truth: np.ndarray, slope: np.ndarray, sizes: np.ndarray, dtype: np.dtype) -> float:
    """The size against which the errors of a leaf are judged.

    Its largest entry, by the differences where `jax.grad` is not finite; no less than what its
    terms, of these sizes, allow a sum of that dtype to be known to.
    """
    entries = (truth.ravel(), *((slope,) if not np.isfinite(truth).all() else ()))
    largest = max(np.abs(part[np.isfinite(part)]).max(initial=0.0) for part in entries)
    share = CANCELLED.get(str(dtype), CANCELLED["float32"])
    return float(max(largest, share * sizes[np.isfinite(sizes)].max(initial=0.0)))


class Leaf(NamedTuple):
    """What the certificate says of one W[l] or b[l].

    name: such as "W[2]". shape: of the parameter. error_autodiff, error_differences: the largest
    difference to `jax.grad` over all entries, and to central differences over the probed entries,
    both relative to the leaf's largest entry; infinite if there is nothing to compare. worst:
    (row, column) of the entry furthest off, with its values by_hand, by_autodiff and
    by_differences (None where not probed or left out). probed: entries compared with central
    differences, among them left_out: those where a unit's z changes sign within the step, or the
    cost bends too fast for it.
    verdict: "right", "kink" (right, with another value of f' at z = 0, or of dL/dz at a = y) or
    "wrong". remark: what the error looks like, or "".
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


def judged(evidence: Evidence, m: int) -> Leaf:
    """The verdict on one leaf; m, the number of examples, tells a missing 1/m."""
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
    verdict = "kink" if e.at_kinks else "wrong" if wrong.size else "right"
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
        remark=_remark(e, verdict, m),
    )


def diagnosis(leaves: Sequence[Leaf]) -> tuple[int | None, str]:
    """The first wrong layer on the way back from the output, and where to look.

    An error in dJ/dZ[l] spoils everything below it, so the highest wrong layer is the one to mend.
    """
    wrong = [index for index, leaf in enumerate(leaves) if leaf.verdict == "wrong"]
    if not wrong:
        taken = " Where z is exactly 0, or y, it takes another slope." if _any_kink(leaves) else ""
        small = [leaf.name for leaf in leaves if leaf.remark == TOO_SMALL]
        untold = f" {', '.join(small)}: {TOO_SMALL}." if small else ""
        return None, f"Right in every layer.{taken}{untold}"
    top, layer, last = wrong[-1] // 2, wrong[-1] // 2 + 1, len(leaves) // 2
    W, b = leaves[2 * top], leaves[2 * top + 1]
    if W.verdict == b.verdict:
        if W.remark and W.remark == b.remark:
            what = f"{W.name} and {b.name}: {W.remark}."
        else:
            what = " ".join(
                f"{leaf.name}: {leaf.remark or 'off'} at {list(leaf.worst)}." for leaf in (W, b)
            )
        if layer == last:
            where = f"dJ/dZ[{layer}], from which both are made: 3.1.1 to 3.1.3."
        else:
            above = layer + 1
            where = (
                f"dJ/dZ[{layer}], from which both are made: f'(Z[{layer}]), 3.1.5, and "
                f"dJ/dA[{layer}] = dJ/dZ[{above}] W[{above}]ᵀ at the W before its update, 3.1.6."
            )
    else:
        bad, good = (W, b) if W.verdict == "wrong" else (b, W)
        formula = f"(dJ/dZ[{layer}])ᵀ A[{layer - 1}]ᵀ" if bad is W else f"1 dJ/dZ[{layer}]"
        what = (
            f"{bad.name}: {bad.remark or 'off'} at {list(bad.worst)}, while {good.name} is right."
        )
        where = f"dJ/d{bad.name} = {formula}: 3.1.6 and 3.2."
    return layer, f"Wrong from layer {layer} down. {what}\nLook at {where}"


def _any_kink(leaves: Sequence[Leaf]) -> bool:
    return any(leaf.verdict == "kink" for leaf in leaves)


def _misfit(e: Evidence, where: tuple[int, ...]) -> str:
    if e.hand.shape == e.truth.shape:
        return f"{e.hand[where]} at {list(where)}"
    if e.hand.shape == e.truth.T.shape:
        return f"shape {e.hand.shape}, the Jacobian in numerator layout: transpose it (3.2)"
    return f"shape {e.hand.shape}"


def _remark(e: Evidence, verdict: str, m: int) -> str:
    """What a comparable leaf's error looks like, in a student's terms."""
    hand, truth = e.hand, e.truth
    if verdict == "right":
        if not np.isfinite(truth).all():
            return "jax.grad is not finite here"
        if (e.error_autodiff > e.tolerance).any():
            return "jax.grad is off here, central differences are not"
        if e.too_small:
            return TOO_SMALL
        return "in float32" if str(hand.dtype) == "float32" else ""
    if verdict == "kink":
        return "another slope where z is exactly 0, or y"

    off = np.abs(hand - truth).max()

    def looks_like(other: np.ndarray) -> bool:
        near = 1e-5 * max(np.abs(truth).max(), np.abs(other).max())
        return bool(np.abs(hand - other).max() <= min(near, 0.1 * off))

    if not hand.any():
        return "all zeros"
    if truth.any():
        factor = float((hand * truth).sum() / (truth * truth).sum())
        if abs(factor - 1) > 1e-4 and looks_like(factor * truth):
            return _factor(factor, m)
    if hand.shape == hand.T.shape and looks_like(truth.T):
        return "the transpose of the true one"
    if e.l2_term.any() and looks_like(truth - e.l2_term):
        return "the L2 term is missing"
    if off <= 1e-5 * e.scale:
        return f"off by {off / e.scale:.0e}, as if rounded to float32 on the way"
    return ""


def _factor(factor: float, m: int) -> str:
    if np.isclose(factor, -1, rtol=1e-4):
        return "the true one with its sign turned"
    if np.isclose(factor, m, rtol=1e-4):
        return f"{m} times the true one; m = {m}: 1/m is missing (3.1.1)"
    if np.isclose(factor, 1 / m, rtol=1e-4):
        return f"1/{m} of the true one; m = {m}: 1/m is in it twice (errata 24)"
    return f"{factor:.6g} times the true one"


def _relative(difference: np.ndarray, scale: float | np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / scale)
