"""Binary points of Welford's updates; hardware and model are built from the same object."""

from dataclasses import dataclass

from streamnorm.spec.config import NormConfig

from .precision import Precision

__all__ = ["WelfordPrecision"]


@dataclass(frozen=True)
class WelfordPrecision:
    """Fraction bits of the running mean, of the reciprocals of lengths, and of the sum of squares in the end.

    With ``F`` = mean_frac_bits, R = reciprocal_frac_bits and ``r(k) = round(2**R / k)``, a beat with m elements that
    brings its row to k elements changes mean (0 at first) and M (0 at first) to

    1. ``delta = (d << F) - mean`` in every lane; ``s = sum(delta)``, ``q = sum(delta**2)``.
    2. ``step = (s * r(k) + half) >> R``; ``mean += step``.
    3. ``M += q - s * step``, with ``2 * F`` fraction bits. (One lane: ``q - s * step = delta * (d - new mean)``.)

    In the end ``S1 = (n * mean + half) >> F``, M is cut to square_frac_bits and to 0 from below, and
    ``V = n * (M + E)`` is rounded to the fraction bits that it has in
    :class:`~streamnorm.precision.precision.Precision`, E being defined there; what follows is steps 2 to 7 there.
    """

    mean_frac_bits: int
    reciprocal_frac_bits: int
    square_frac_bits: int

    @staticmethod
    def of(config: NormConfig) -> "WelfordPrecision":
        """Two bits finer than the mean of the longest row is; the reciprocals so that a step is off by little more."""
        precision = Precision.of(config)
        mean = precision.ranges.length_bits + 2
        return WelfordPrecision(
            mean_frac_bits=mean,
            reciprocal_frac_bits=mean + precision.ranges.difference_bits,
            square_frac_bits=max(mean, precision.variance_frac_bits),
        )

    def reciprocals(self, longest: int) -> list[int]:
        """``r(k)`` for k = 0 … longest; 0 for 0."""
        one = 1 << self.reciprocal_frac_bits
        return [0] + [(2 * one + k) // (2 * k) for k in range(1, longest + 1)]
