"""What an error looks like, in a student's terms."""

from typing import Any

import numpy as np

from mlp_jax.certificate.evidence import UNIT, Evidence, precision_of

TOO_SMALL = "too small to tell from rounding"
SAME = 1e-4  # relative: factors are the same to within it
NAMED = 8  # rows or columns that are named one by one


def remark(e: Evidence, beside: Evidence, verdict: str, m: int) -> str:
    """What is to be said of a comparable leaf beside its verdict, or "".

    Args:
      e: on the leaf.
      beside: on the other one of its layer; what both show is no accident.
      verdict: as in `Leaf`.
      m: the number of examples.
    """
    if verdict == "wrong":
        return _of_error(e, beside, m)
    if verdict == "kink":
        return "another slope where z is exactly 0, or y"
    if verdict == "too small":
        return TOO_SMALL
    unknown = int(np.count_nonzero(~np.isfinite(e.truth)))
    if verdict == "untold":
        return _of_unjudged(e, unknown)
    if unknown:
        return "jax.grad is not finite here"
    if (e.error_autodiff > e.tolerance).any():
        return "jax.grad is off here, central differences are not"
    precision = precision_of(e.hand)
    return "" if precision == "float64" else f"in {precision}"


def _of_unjudged(e: Evidence, unknown: int) -> str:
    compared = unknown - e.unjudged.size
    said = f"jax.grad is not finite at {unknown} entries, {compared} of which have a difference"
    if len(e.probed) < e.truth.size:
        return f"{said}; entries={e.truth.size} takes one of all"
    return f"{said} that means anything"


def _of_error(e: Evidence, beside: Evidence, m: int) -> str:
    hand, truth = np.asarray(e.hand, np.float64), e.truth
    if not hand.any():
        return "all zeros"
    off = np.abs(hand - truth).max()
    if off == 0:
        return "as jax.grad has it, but not central differences"
    said = _factor(e, beside, slice(None), 0, m)
    if said:
        return said
    if (
        truth.shape == truth.T.shape
        and truth.size > 1
        and _looks_like(hand, truth, truth.T, e.noise)
    ):
        return "the transpose of the true one"
    if e.l2_term.any() and _looks_like(hand, truth, truth - e.l2_term, e.noise):
        return "the L2 term is missing"
    # What float32 does to every entry is what float64 does, by the ratio of their units.
    rounded = np.maximum(1e-5 * np.abs(truth), e.noise * UNIT["float32"] / UNIT["float64"])
    if precision_of(hand) == precision_of(e.hand) and (np.abs(hand - truth) <= rounded).all():
        return f"off by {off / e.scale:.0e}, as if rounded to float32 on the way"
    return _of_part(e, hand, beside, m)


def _of_part(e: Evidence, hand: np.ndarray, beside: Evidence, m: int) -> str:
    """An error that is confined to some rows, or to some columns."""
    at = np.unravel_index(e.wrong_entries, e.truth.shape)
    for axis, kind in enumerate(("row", "column")):
        which, length = np.unique(at[axis]), e.truth.shape[axis]
        if not 2 * len(which) <= length:
            continue
        named = ", ".join(map(str, which[:NAMED])) + (", ..." if len(which) > NAMED else "")
        where = f"in {kind}{'s' * (len(which) > 1)} {named}"
        if not hand.take(which, axis).any():
            return f"zeros {where}"
        said = _factor(e, beside, which, axis, m)
        if said:
            return f"{said} {where}"
    return ""


def _factor(e: Evidence, beside: Evidence, which: Any, axis: int, m: int) -> str:
    """The factor of these rows or columns in words; "" if there is none, or by accident.

    Two numbers always have some ratio. One that only a single entry shows is worth saying if it is
    a usual one, or if the other leaf of the layer shows it too.
    """
    factor, entries = _factor_in(e, which, axis)
    if factor is None:
        return ""
    same = max(SAME, e.tolerance)
    if np.isclose(factor, -1, rtol=same):
        return "the true one with its sign turned"
    if np.isclose(factor, m, rtol=same):
        return f"{m} times the true one; m = {m}: 1/m is missing (3.1.1)"
    if np.isclose(factor, 1 / m, rtol=same):
        return f"1/{m} of the true one; m = {m}: 1/m is in it twice (errata 24)"
    if entries == 1:
        its, _ = _factor_in(beside, slice(None), 0) if beside.comparable else (None, 0)
        if its is None or not np.isclose(factor, its, rtol=same):
            return ""
        factor = its
    digits = 6 if precision_of(e.hand) == "float64" else 3
    return f"{factor:.{digits}g} times the true one"


def _factor_in(e: Evidence, which: Any, axis: int) -> tuple[float | None, int]:
    """(c, entries that show it) where hand is c times the true one and c is not 1, or (None, 0)."""
    part = (which, slice(None)) if axis == 0 else (slice(None), which)
    hand, truth = np.asarray(e.hand, np.float64)[part], e.truth[part]
    if not truth.any() or not np.isfinite(truth).all():
        return None, 0
    unit = np.abs(truth).max()  # squares of tiny numbers are 0
    factor = float((hand / unit * (truth / unit)).sum() / ((truth / unit) ** 2).sum())
    if abs(factor - 1) <= SAME or not _looks_like(hand, truth, factor * truth, e.noise[part]):
        return None, 0
    return factor, int(np.count_nonzero(np.abs(truth) > 1e-5 * unit))


def _looks_like(hand: np.ndarray, truth: np.ndarray, other: np.ndarray, noise: np.ndarray) -> bool:
    """Whether hand is far nearer to the other than to the true one: as near as rounding allows."""
    near = np.maximum(1e-5 * max(np.abs(truth).max(), np.abs(other).max()), 4 * noise)
    off = 0.1 * np.abs(hand - truth).max()
    return bool((np.abs(hand - other) <= np.minimum(near, off)).all())
