"""The sum of absolute deviations of a row of floating-point elements from its mean, in the unit of the row."""

from collections.abc import Mapping
from typing import ClassVar

from amaranth.hdl import Shape, signed, unsigned

from streamnorm.logic.floating.fine_shift import fine_bits, shifted_back, shifted_finely
from streamnorm.logic.pipeline import Timed
from streamnorm.precision.floating import FloatPrecision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm.units.absolute_sum import AbsoluteSum

from .decoded import decoded

__all__ = ["FloatAbsoluteSum"]


class FloatAbsoluteSum(AbsoluteSum):
    """M of the row so far, twice the sum of ``A - S1`` above 0, as
    :class:`~streamnorm.precision.floating.FloatPrecision` has it: A, an element times n in the unit of the row, is cut
    behind the product, and so far below the last place of the element.

    Parameters and attributes are those of :class:`~streamnorm.units.absolute_sum.AbsoluteSum`; ``d`` are codes, and
    of the row, ``top`` comes in with ``n`` and ``s1``.
    """

    row_names: ClassVar[tuple[str, ...]] = ("n", "s1", "top")

    def _shapes(self, config: NormConfig) -> dict[str, Shape]:
        self._precision = precision = FloatPrecision.of(config)
        assert isinstance(config.input, FloatFormat)
        assert precision.sums is not None
        self._source, self._sums = config.input, precision.sums
        self._width = precision.sum_bits + 1
        return {
            "d": unsigned(config.input.bits),
            "n": unsigned(precision.count_bits),
            "s1": signed(precision.sum_bits),
            "top": unsigned(precision.sums.top_max.bit_length()),
            "s2": unsigned(precision.square_bits),
        }

    def _multiple(self, d: Timed, row: Mapping[str, Timed]) -> Timed:
        """``A``."""
        p, n, top = self._p, row["n"], row["top"]
        element = decoded(p, self._source, d)
        x = p.negated(element.magnitude, element.negative, signed(element.magnitude.width + 1))
        below = p.add(top, element.binade, top.value.shape(), subtract=True, name="below")
        pad, bits = -self._precision.unit_exponent, self._width - 1
        below = p.registered(p.limited(below, bits.bit_length()))  # by as much as there are bits, it is shifted away
        fine = fine_bits(p, n.width, x.width, below)
        product = p.multiply(shifted_finely(p, x, below, fine), n, distance=self._target.family.lane_distance)
        return shifted_back(p, product, below, fine, pad, bits)
