"""What an error looks like, in a student's terms."""

import numpy as np

from mlp_jax.evidence import UNIT, Evidence, precision_of

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
    factor = _factor_in(hand, truth)
    if factor is not None:
        said = _factor(factor, _telling(truth) > 1, beside, m)
        if said:
            return said
    if truth.shape == truth.T.shape and truth.size > 1 and _looks_like(hand, truth, truth.T):
        return "the transpose of the true one"
    if e.l2_term.any() and _looks_like(hand, truth, truth - e.l2_term):
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
        part, true = hand.take(which, axis), e.truth.take(which, axis)
        if not part.any():
            return f"zeros {where}"
        factor = _factor_in(part, true)
        said = "" if factor is None else _factor(factor, _telling(true) > 1, beside, m)
        if said:
            return f"{said} {where}"
    return ""


def _factor(factor: float, certain: bool, beside: Evidence, m: int) -> str:
    """A factor in words; "" if it may be an accident.

    Two numbers always have some ratio. One that only a single entry shows is worth saying if it is
    a usual one, or if the other leaf of the layer shows it too.
    """
    if np.isclose(factor, -1, rtol=SAME):
        return "the true one with its sign turned"
    if np.isclose(factor, m, rtol=SAME):
        return f"{m} times the true one; m = {m}: 1/m is missing (3.1.1)"
    if np.isclose(factor, 1 / m, rtol=SAME):
        return f"1/{m} of the true one; m = {m}: 1/m is in it twice (errata 24)"
    if not certain:
        its = beside.comparable and _factor_in(np.asarray(beside.hand, np.float64), beside.truth)
        if not its or not np.isclose(factor, its, rtol=SAME):
            return ""
        factor = its
    return f"{factor:.6g} times the true one"


def _factor_in(hand: np.ndarray, truth: np.ndarray) -> float | None:
    """The factor by which hand is the true one, None if there is none or it is 1."""
    if not truth.any() or not np.isfinite(truth).all():
        return None
    unit = np.abs(truth).max()  # squares of tiny numbers are 0
    factor = float((hand / unit * (truth / unit)).sum() / ((truth / unit) ** 2).sum())
    if abs(factor - 1) > SAME and _looks_like(hand, truth, factor * truth):
        return factor
    return None


def _telling(truth: np.ndarray) -> int:
    """How many entries are large enough to show a factor."""
    return int(np.count_nonzero(np.abs(truth) > 1e-5 * np.abs(truth).max()))


def _looks_like(hand: np.ndarray, truth: np.ndarray, other: np.ndarray) -> bool:
    near = 1e-5 * max(np.abs(truth).max(), np.abs(other).max())
    return bool(np.abs(hand - other).max() <= min(near, 0.1 * np.abs(hand - truth).max()))
