"""What there is to say about a place of epsilon."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed
    from streamnorm.precision.precision import Precision
    from streamnorm.precision.ranges import Ranges
    from streamnorm.spec.norms import Norm
    from streamnorm.spec.roots import RootMethod
    from streamnorm.units.timed_moments import TimedMoments

    from .row_variance import RowEpsilon

__all__ = ["EpsilonCode", "EpsilonPlacement", "Integers", "MomentValues", "weighed"]

Integers = npt.NDArray[Any]


class EpsilonCode(NamedTuple):
    """Epsilon as the unit has it.

    Attributes
    ----------
    code : times w, less ``drop`` bits, it is E; 0 where epsilon is left out
    frac_bits : of V
    error : of V, relative to itself, at most
    of_row : how it follows from the scale of a row, where rows have one each; None where it is the same in all
    """

    code: int
    drop: int
    frac_bits: int
    error: float
    of_row: RowEpsilon | None = None


class EpsilonPlacement(ABC):
    """How epsilon and the moments of a row become V, with ``U = w*(B*S2 + A*S1**2) - B*C*S1**2`` its V without epsilon.

    Golden model and hardware follow the same steps, :meth:`evaluate` and :meth:`build`.

    Attributes
    ----------
    name : what ``NormConfig.epsilon_placement`` calls it
    about : where epsilon is, in a few words
    bears_zero : whether U may be 0 where z is not, and whether V may be divided by w
    degree : what ``w*e`` is a power of in input steps: 2, or 1 where it is added to the root
    formula : the denominator, v being the variance (without a mean: the mean square; of the L2 norm: the sum)
    cut : largest magnitude of results less beta, in output LSB, that are taken for 0; 0 where none are
    """

    name: str
    about: str
    bears_zero: bool = True
    degree: int = 2
    formula: str
    cut: float = 0.0

    def gives_deviation(self, norm: Norm, epsilon: EpsilonCode) -> bool:
        """Whether :meth:`evaluate` and :meth:`build` give the root of V in the place of V."""
        return False

    @abstractmethod
    def in_steps(self, epsilon: Fraction, scale: Fraction) -> Fraction:
        """``e``: what epsilon adds to V is ``w**2 * e``."""

    @abstractmethod
    def least_deviation(self, epsilon: float) -> float:
        """The smallest denominator, in real units."""

    @abstractmethod
    def in_terms(self, total: str, weight: str, less: str, *, in_variance: bool = True) -> str:
        """V in words: of ``B*S2 + A*S1**2`` and w, either of which may be absent, and what is subtracted.

        ``in_variance`` tells whether V has w in it.
        """

    def deviation_in_terms(self, deviation: str, weight: str) -> str:
        """The root of V in words, where that is what is given: of the root of U, and w."""
        raise NotImplementedError

    @abstractmethod
    def limits(self, least: int, most: int, added: Fraction, doubt: int) -> tuple[int, int]:
        """The integer parts of the smallest and the largest V, for U from ``least`` to ``most``.

        ``added`` is ``w**2 * e``; the unit has less than ``doubt / 2`` more of it, or less than ``3 * doubt / 2`` less.
        """

    def encode(self, norm: Norm, ranges: Ranges, root: RootMethod, bits: int) -> EpsilonCode:
        """Epsilon in as few bits as make V right to about ``2**-bits`` of itself wherever z is not 0."""
        e, weighed = ranges.epsilon, norm.epsilon_weight((1 << ranges.length_bits) - 1)
        if e == 0:
            return EpsilonCode(0, 0, 0, 0.0)
        if weighed is not None and self.is_lost(e * weighed, bits):
            return EpsilonCode(0, 0, 0, self.loss(e * weighed))
        return self.kept(norm, ranges, root, bits)

    def kept(self, norm: Norm, ranges: Ranges, root: RootMethod, bits: int) -> EpsilonCode:
        """:meth:`encode` where epsilon is not left out."""
        e = ranges.epsilon
        # V is at least w / length_weight, and at least w * e.
        gain = 1 / e if norm.length_weight is None else min(Fraction(norm.length_weight), 1 / e)
        frac_bits, error = self.kept_bits(norm, root, gain, bits)
        drop = 0 if norm.has_unit_weight else ranges.weight_bits
        return EpsilonCode(round(self.stored(e) * (1 << (frac_bits + drop))), drop, frac_bits, error)

    def stored(self, e: Fraction) -> Fraction:
        """What w is multiplied by to make E: e, to the power of :attr:`degree` / 2."""
        return e

    def kept_bits(self, norm: Norm, root: RootMethod, gain: Fraction, bits: int) -> tuple[int, float]:
        """Fraction bits of what :meth:`evaluate` gives, and how far V is off then, relative to itself, where E lacks up
        to 3/2 of the lowest of them; ``gain``: w is at most so many times V."""
        frac_bits = 0
        while gain * Fraction(3, 2) / (1 << frac_bits) > Fraction(1, 1 << bits):
            frac_bits += 1
        return frac_bits, float(gain * Fraction(3, 2) / (1 << frac_bits))

    @abstractmethod
    def is_lost(self, weighed: Fraction, bits: int) -> bool:
        """Whether V is U to ``bits`` bits wherever U is not 0; ``weighed``: e times the largest ``w**2 / U``."""

    @abstractmethod
    def loss(self, weighed: Fraction) -> float:
        """How far V is off, relative to itself, where epsilon is left out because it :meth:`is_lost`."""

    @abstractmethod
    def evaluate(self, precision: Precision, moments: MomentValues) -> Integers:
        """V with its fraction bits, of rows, or its root where that is what is given; integers that are wide enough
        for every step."""

    @abstractmethod
    def build(self, p: Pipeline, precision: Precision, moments: TimedMoments) -> Timed:
        """The same as hardware, unsigned."""


class MomentValues:
    """A row's w, what it is made of, ``B*S2 + A*S1**2``, ``B*C*S1**2``, M and the code of its scale, arrays of rows;
    None for what is not."""

    def __init__(
        self,
        weight: Integers,
        count: Integers,
        total: Integers | None,
        square: Integers | None,
        absolute: Integers | None = None,
        scale_code: Integers | None = None,
    ) -> None:
        self.weight, self._count, self._total, self._square = weight, count, total, square
        self.absolute, self.scale_code = absolute, scale_code

    def times_weight(self, precision: Precision, value: Integers) -> Integers:
        """``w * value``; the value itself where V is divided by w."""
        return self.weight * value if precision.weight_root is None else value

    def offset(self, precision: Precision) -> Integers:
        """``E``: w times e."""
        return (self.weight * precision.epsilon_code) >> precision.epsilon_drop

    def variance(self, precision: Precision, frac_bits: int, offset: Integers | None) -> Integers:
        """``w * (total + offset) - square``; of a sample, ``w * (n * total - square)``."""
        total = np.zeros_like(self.weight) if self._total is None else self._total << frac_bits
        total = total if offset is None else total + offset
        if self._count is self.weight:
            total = self.times_weight(precision, total)
            return total if self._square is None else total - (self._square << frac_bits)
        assert self._square is not None
        return self.times_weight(precision, self._count * total - (self._square << frac_bits))


def weighed(total: str, weight: str) -> str:
    """A sum times w in words; either may be absent."""
    return f"{weight} ({total})" if " " in total and weight else f"{weight} {total}".strip()
