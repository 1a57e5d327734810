"""Everything known of one W[l] or b[l] of a gradient on trial, and which entries it condemns."""

from typing import NamedTuple

import numpy as np

# Largest error that is called rounding, relative to the entry itself. Right gradients in float64
# stay below 1e-11; a backward that works in float32 loses some 1e-6 in twelve layers. What is
# computed in 16 bits has no more than some eps to it.
TOLERANCE = {"float64": 1e-8, "float32": 1e-4, "float16": 8 * 2.0**-10, "bfloat16": 8 * 2.0**-7}
# By what every quantity is shaken to see what rounding may do to an entry: 8 eps, as a student may
# write a sum in any order; 4 where 16 bits leave no more to be told; more in float64, where nobody
# has use for the digits beyond.
UNIT = {"float64": 1e-12, "float32": 2.0**-20, "float16": 2.0**-8, "bfloat16": 2.0**-5}
# The smallest numbers: XLA flushes subnormals of 32 and 64 bits (errata 37), not those of float16.
SMALLEST = {"float64": 2.0**-1022, "float32": 2.0**-126, "float16": 2.0**-24, "bfloat16": 2.0**-126}
EXACT = 1e-30  # more than the underflow of 32 and 64 bits, far less than any rounding
DIFFERENCES_TOLERANCE = 1e-6
# A difference has settled if the slopes over the whole and over half the step are this close,
# relative to the slope: what Richardson's extrapolation leaves is then of the order of its square.
SETTLED = 1e-3


class Evidence(NamedTuple):
    """Everything known of one leaf, in float64.

    name: such as "W[2]".
    hand: the gradient on trial, of the shape and dtype in which it came.
    truth: `jax.grad`'s, (rows, columns).
    noise: what rounding in the dtype of hand may do to every entry, (rows, columns).
    probed: flat positions compared with central differences, (entries,).
    slope, resolution, kink, bend: of these differences, (entries,) each.
    l2_term: the penalty's share of the truth.
    at_kinks: True if hand is right with another value of f' or dL/dz at a kink.
    """

    name: str
    hand: np.ndarray
    truth: np.ndarray
    noise: np.ndarray
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
        return self.hand.shape == self.truth.shape and bool(
            np.isfinite(np.asarray(self.hand, np.float64)).all()
        )

    @property
    def tolerance(self) -> float:
        """Error up to which `hand` is called right, by the dtype it was computed in."""
        return TOLERANCE[precision_of(self.hand)]

    @property
    def scale(self) -> float:
        """The leaf's largest entry, by differences where `jax.grad` is not finite, or its noise."""
        entries = (self.truth.ravel(), *(() if np.isfinite(self.truth).all() else (self.slope,)))
        largest = max(np.abs(part[np.isfinite(part)]).max(initial=0.0) for part in entries)
        return float(max(largest, self.noise.max(initial=0.0) / self.tolerance))

    @property
    def left_out(self) -> np.ndarray:
        """Which of the probed entries have a difference that means nothing.

        These are entries at a kink, declared or seen in the slopes to both sides, and entries where
        the cost bends so fast that the difference has not settled: a deep saturated network may
        rise and be flat again well within the step.
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
        """|hand - truth| of every entry, relative to the larger of the two.

        Or to the size at which rounding makes the whole tolerance, if that is larger.
        """
        hand = np.asarray(self.hand, np.float64)
        size = np.maximum(np.abs(hand), np.abs(self.truth))
        return _relative(hand - self.truth, np.maximum(size, self.noise / self.tolerance))

    def error_differences(self, values: np.ndarray) -> np.ndarray:
        """|values - slope| of the probed entries, likewise relative; 0 where left out.

        Where an entry is too small for the differences to resolve, relative to what they can.
        """
        probed = np.asarray(values, np.float64).ravel()[self.probed]
        size = np.maximum(np.abs(probed), np.abs(self.slope))
        size = np.maximum(size, self.noise.ravel()[self.probed] / self.tolerance)
        size = np.maximum(size, 10 * self.resolution / DIFFERENCES_TOLERANCE)
        return np.where(self.left_out, 0.0, _relative(probed - self.slope, size))

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
        """Whether rounding alone could make it, so that zeros would be right just as well.

        Zeros of which rounding knows nothing, as of dead units, are not: they are exact.
        """
        size = np.maximum(np.abs(np.asarray(self.hand, np.float64)), np.abs(self.truth))
        blurred = size.any() or self.noise.max(initial=0.0) > EXACT
        return bool(blurred and (size <= self.noise).all())

    @property
    def unjudged(self) -> np.ndarray:
        """Flat positions at which nothing judges `hand`.

        Neither is `jax.grad` finite, nor is there a difference that means anything.
        """
        judged = np.isfinite(self.truth.ravel())
        judged[self.probed[~self.left_out]] = True
        return np.flatnonzero(~judged)


def precision_of(array: np.ndarray) -> str:
    """The name of the dtype by which a gradient is judged; an unknown one is taken for float32."""
    name = str(array.dtype)
    return name if name in TOLERANCE else "float32"


def unit_of(precision: str) -> tuple[float, float]:
    """(a rounding error with a margin, relative; an absolute one, of what underflows)."""
    return UNIT[precision], 8 * SMALLEST[precision]


def _relative(difference: np.ndarray, scale: float | np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, np.abs(difference) / scale)
