"""What norms without a statistic make of an element, where elements or results are floating-point numbers.

An element is ``(-1)**s * m * 2**q`` units, as :class:`~streamnorm.precision.floating.elements.Elements` has it; ``m'``
is m shifted left by ``left`` until its highest bit is 1. Of NaN, nothing is said.
"""

from dataclasses import dataclass
from fractions import Fraction

from streamnorm.spec.binary_logarithm import floor_log2
from streamnorm.spec.tanh_codes import TanhCodes
from streamnorm.spec.tanh_octaves import OctaveTanh
from streamnorm.spec.tanh_table import MagnitudeTable

__all__ = ["Constant", "FixedElement", "FixedTanh", "ScaledElement", "ScaledTanh", "StaticFunction", "TabledTanh"]


@dataclass(frozen=True)
class Constant:
    """A number above 0: ``code * 2**exponent``, off by less than ``error`` of itself."""

    code: int
    exponent: int
    error: float

    @staticmethod
    def of(value: Fraction, bits: int) -> "Constant":
        """With at most so many bits."""
        exponent = floor_log2(value) + 1 - bits
        code = round(value / Fraction(2) ** exponent)
        while code % 2 == 0:
            code, exponent = code // 2, exponent + 1
        error = abs(code * Fraction(2) ** exponent / value - 1)
        return Constant(code, exponent, float(error) * (1 + 1e-9))

    @property
    def bits(self) -> int:
        return self.code.bit_length()


@dataclass(frozen=True)
class ScaledElement:
    """``z = x``: ``Z = m' * unit.code``, and z is ``(-1)**s * Z * 2**(q - left + unit.exponent)``. Exact, but for the
    unit. An infinite x is an infinite z."""

    mantissa_bits: int
    unit: Constant

    @property
    def z_bits(self) -> int:
        return self.mantissa_bits + (self.unit.bits if self.unit.code > 1 else 0)

    @property
    def z_zeros(self) -> int:
        """Zeros above the leading one of a Z that is not 0, at most."""
        return int(self.unit.code > 1)

    @property
    def about(self) -> str:
        return "take elements apart"


@dataclass(frozen=True)
class ScaledTanh:
    """``z = tanh(alpha * x)``, as a product with an exponent.

    ``M = m' * slope.code``, shifted left by 1 where its highest bit is 0; so that its highest bit is 1, and T is the
    ``argument_bits`` of the table below that, the lowest bits of M cut off, or zeros added. Z is what the table gives
    for T and ``e = q - left + slope.exponent + product_bits - 1``, less 1 where M was shifted.

    Z is 0 where x is, and 1, exact, where x is infinite. The sign of z is s, the other one if ``is_flipped``.
    """

    mantissa_bits: int
    slope: Constant
    is_flipped: bool
    table: OctaveTanh

    @property
    def product_bits(self) -> int:
        """Bits of M."""
        return self.mantissa_bits + (self.slope.bits if self.slope.code > 1 else 0)

    @property
    def z_bits(self) -> int:
        return self.table.bits

    @property
    def z_zeros(self) -> int:
        return 1

    @property
    def about(self) -> str:
        return self.table.about


@dataclass(frozen=True)
class TabledTanh:
    """``z = tanh(alpha * x)``, as a product with an exponent, of elements in a format so narrow that ``table`` has all
    of them: by m of integers, by the code without its sign of floats, which is ``m + (q << fraction_bits)``.

    z is 1, exact, where x is infinite. The sign of z is s, the other one if ``is_flipped``.
    """

    fraction_bits: int
    is_flipped: bool
    table: TanhCodes

    @property
    def z_bits(self) -> int:
        return self.table.bits

    @property
    def z_zeros(self) -> int:
        return 0

    @property
    def about(self) -> str:
        return self.table.about


@dataclass(frozen=True)
class FixedElement:
    """``z = x`` with ``frac_bits``: the magnitude ``min(|x| * 2**frac_bits, 2**bits - 1)``, an integer whose lowest bit
    is 1 as well where x is not an integer of that; z is its two's complement. An infinite x is ``2**bits - 1``.

    ``m << (bits - mantissa_bits)`` is shifted right by ``down - q``; it is ``2**bits - 1`` where that is below 0.

    Attributes
    ----------
    down : ``bits - mantissa_bits - frac_bits``, less the exponent of an element's unit; at least 0
    """

    mantissa_bits: int
    frac_bits: int
    bits: int
    down: int

    @staticmethod
    def of(mantissa_bits: int, unit_exponent: int, frac_bits: int, bits: int) -> "FixedElement":
        """With as many bits as are asked for, or as the smallest numbers take."""
        bits = max(bits, mantissa_bits, mantissa_bits + unit_exponent + frac_bits)
        return FixedElement(mantissa_bits, frac_bits, bits, bits - mantissa_bits - unit_exponent - frac_bits)

    @property
    def z_bits(self) -> int:
        return self.bits + 1

    @property
    def about(self) -> str:
        return "take elements apart, give them a binary point of their own"


@dataclass(frozen=True)
class FixedTanh:
    """``z = tanh(alpha * x)`` with the ``frac_bits`` of a table, which is asked for the magnitude of ``argument``.

    z is 1, exact, where x is infinite. The sign of z is s, the other one if ``is_flipped``.
    """

    argument: FixedElement
    is_flipped: bool
    table: MagnitudeTable

    @property
    def frac_bits(self) -> int:
        return self.table.frac_bits

    @property
    def z_bits(self) -> int:
        return self.table.frac_bits + 2

    @property
    def about(self) -> str:
        return self.table.about


StaticFunction = ScaledElement | ScaledTanh | TabledTanh | FixedElement | FixedTanh
