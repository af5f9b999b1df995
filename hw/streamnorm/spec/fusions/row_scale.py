"""A scale for each row of results: how the integers and the scale follow from the largest result of the row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError
from streamnorm.spec.binary_logarithm import ceil_log2
from streamnorm.spec.formats import FloatFormat, IntFormat, NumberFormat, RowScaledFormat
from streamnorm.spec.formats.number_format import SCALE_MAX, SCALE_MIN

from .side_stream import SideStream

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

__all__ = ["SCALE_KINDS", "FloatScale", "PowerOfTwoScale", "RowScale"]

Integers = npt.NDArray[Any]

_EXTRA_BITS = 12
"""Bits that the result in front of the quantization has more than those behind it, as far as there are formats."""

STEP_LSB = 16
"""The least that a step of a result that leaves may be worth, in LSB of the result it is made of."""

_FACTOR_ERROR_BITS = 6
"""A result is off by less than ``2**-6`` of a step because of the factor that is not exact."""


@dataclass(frozen=True, kw_only=True)
class RowScale(ABC):
    """From results c of a wide format, ``core``, to integers q and a scale of each row.

    With M the largest ``abs(c)`` of a row, raised to ``least`` and limited to ``most``, a factor f and a code of the
    scale follow from M, and

        q = c * f / 2**frac_bits    rounded half to even, saturated to -max … max

    One LSB of c is a sixteenth of a step of q or less. So with an error of c of e LSB, for which `error` is asked,

        abs(q - y / scale) <= 1/2 + factor_error + e / 16

    for every y within the range of ``core`` and within ``scale * max``. Rows that are 0, or nearly so, have the least
    scale.

    Attributes
    ----------
    number : format of q
    core : format of c
    exponent : its step, or the step over max, is ``2**exponent``
    least, most : of M
    frac_bits : of the product
    """

    name: ClassVar[str]
    """The ``scale_kind``."""
    code_format: ClassVar[NumberFormat]
    """Of a scale as it travels."""
    about: ClassVar[str]
    """What a scale is, in a few words."""
    factor_error: ClassVar[float]
    """What q is off by at most because the factor is rounded, in steps."""

    number: RowScaledFormat
    core: IntFormat
    exponent: int
    least: int
    most: int
    frac_bits: int

    @staticmethod
    def core_bits(number: RowScaledFormat) -> int:
        """Bits of c for results of the format ``number``."""
        return min(number.bits + _EXTRA_BITS, IntFormat.BITS_MAX)

    @staticmethod
    def of(number: RowScaledFormat, largest: float) -> RowScale:
        """For results of up to ``largest``, in real units.

        Raises
        ------
        ConfigError
            If a scale would be beyond what its format holds.
        """
        reach = Fraction(largest) if largest else Fraction(1)
        kind = SCALE_KINDS[number.scale_kind]
        limit = None if number.scale_max is None else kind.rounded_down(Fraction(number.scale_max))
        if limit is not None:
            reach = min(reach, limit * number.max)
        bits = RowScale.core_bits(number)
        step = Fraction(kind.core_step(number))
        exponent = ceil_log2(reach / (step * ((1 << (bits - 1)) - 1)))
        scale = step * Fraction(2) ** exponent
        if not SCALE_MIN <= scale <= SCALE_MAX:
            raise ConfigError(
                f'in [output]: scale = "row": results of up to {float(reach):.3g} would be computed in steps of '
                f"{float(scale):.3g}; must be from {SCALE_MIN:g} to {SCALE_MAX:g}"
            )
        core = IntFormat(bits, scale=float(scale))
        return kind.within(number, core, exponent, limit)

    @staticmethod
    @abstractmethod
    def core_step(number: RowScaledFormat) -> int:
        """The step of c, but for a power of two."""

    @staticmethod
    @abstractmethod
    def rounded_down(scale: Fraction) -> Fraction:
        """The largest scale that is not above."""

    @classmethod
    @abstractmethod
    def within(cls, number: RowScaledFormat, core: IntFormat, exponent: int, limit: Fraction | None) -> RowScale:
        """For results c of the format ``core``, with scales up to ``limit``."""

    @abstractmethod
    def factors(self, largest: Integers) -> Integers:
        """f of rows with such an M, within least … most."""

    @abstractmethod
    def codes(self, largest: Integers) -> Integers:
        """Codes of the scales of these."""

    @abstractmethod
    def values(self, codes: Integers) -> npt.NDArray[np.float64]:
        """The scales that codes stand for, exact."""

    @abstractmethod
    def scale_of(self, largest: int) -> Fraction:
        """The scale of a row with such an M."""

    @property
    def side(self) -> SideStream:
        """The stream of the scales."""
        return SideStream(
            "scale", self.code_format, f"{self.about}: what 1 of the row's results is worth", per_row=True
        )

    @property
    def least_scale(self) -> Fraction:
        """The smallest scale that a row may have."""
        return self.scale_of(self.least)

    @property
    def largest_scale(self) -> Fraction:
        """The largest."""
        return self.scale_of(self.most)

    @property
    def factor_bits(self) -> int:
        """Bits of the largest factor."""
        return int(self.factors(np.array([self.least]))[0]).bit_length()

    @property
    def saturates(self) -> bool:
        """Whether a product may be beyond max."""
        return self.most < self.core_reach

    @property
    def core_reach(self) -> int:
        """The largest magnitude of c."""
        return 1 << (self.core.bits - 1)

    def limited(self, largest: Integers) -> Integers:
        """M of rows whose largest ``abs(c)`` is given."""
        return np.clip(largest, self.least, self.most)

    def error(self, core_error: float) -> float:
        """What q is off by before its rounding, in steps, where c is off by up to ``core_error`` LSB."""
        return self.factor_error + self.of_core(core_error)

    def expected_error(self, core_error: float) -> float:
        """About the mean of that in rows with the least scale, where c is off by ``core_error`` LSB in the mean."""
        return self.factor_error / 4 + self.of_core(core_error)

    @staticmethod
    def of_core(error: float) -> float:
        """The most that so many LSB of c are worth, in steps of q."""
        return error / STEP_LSB

    def require_goes_with(self, config: NormConfig) -> None:
        """ConfigError if there is no unit of the configuration with such results."""
        if config.gamma_rounding != "once":
            raise ConfigError(
                'gamma_rounding = "output": does not go with scale = "row" in [output]: before gamma, a row has no '
                "scale yet to round to"
            )
        if not config.computed.promises:
            raise ConfigError(
                f'algorithm = {config.algorithm!r}: does not go with scale = "row" in [output]: its results are '
                "rounded to a scale that is given"
            )
        if self.number.scale_max is not None and config.input.is_float:
            raise ConfigError(
                "in [output]: scale_max: goes with input of integers only; beside floats there is a flag of overflow, "
                "which does not know of it"
            )
        if config.accuracy == "tight":
            raise ConfigError(
                'accuracy = "tight": does not go with scale = "row" in [output]: rows near the least scale are made of '
                "results that are not fine enough"
            )
        config.core  # noqa: B018 (must be a configuration)


class FloatScale(RowScale):
    """Scales are float32, exactly ``M * 2**exponent``: the step of c is max times a power of two, so that with
    ``y = c * max * 2**exponent`` the largest c of a row becomes max. ``f = floor(max * 2**frac_bits / M)``."""

    name = "float32"
    code_format = FloatFormat("fp32")
    factor_error = 2.0**-_FACTOR_ERROR_BITS
    about = "a float32"

    @staticmethod
    def core_step(number: RowScaledFormat) -> int:
        return number.max

    @staticmethod
    def rounded_down(scale: Fraction) -> Fraction:
        return scale

    @classmethod
    def within(cls, number: RowScaledFormat, core: IntFormat, exponent: int, limit: Fraction | None) -> RowScale:
        reach = 1 << (core.bits - 1)
        most = reach if limit is None else min(reach, int(limit / Fraction(2) ** exponent))
        bits = core.bits + _FACTOR_ERROR_BITS - 1
        return cls(number=number, core=core, exponent=exponent, least=STEP_LSB * number.max, most=most, frac_bits=bits)

    def factors(self, largest: Integers) -> Integers:
        return (self.number.max << self.frac_bits) // largest

    def codes(self, largest: Integers) -> Integers:
        # M has 24 bits at most, so that nothing is rounded.
        return np.ldexp(largest.astype(np.float64), self.exponent).astype(np.float32).view(np.uint32).astype(np.int64)

    def values(self, codes: Integers) -> npt.NDArray[np.float64]:
        return self.code_format.dequantize(codes)

    def scale_of(self, largest: int) -> Fraction:
        return largest * Fraction(2) ** self.exponent


class PowerOfTwoScale(RowScale):
    """Scales are powers of two, ``2**(t + exponent)`` with the smallest t for which ``M <= max * 2**t``; what travels
    is the exponent. The step of c is a power of two, and ``f = 2**(frac_bits - t)``: nothing is rounded but q."""

    name = "power-of-two"
    code_format = IntFormat("int8")
    factor_error = 0.0
    about = "the exponent of a power of two"

    @staticmethod
    def core_step(number: RowScaledFormat) -> int:
        return 1

    @staticmethod
    def rounded_down(scale: Fraction) -> Fraction:
        power = ceil_log2(scale)
        return Fraction(2) ** (power if Fraction(2) ** power == scale else power - 1)

    @classmethod
    def within(cls, number: RowScaledFormat, core: IntFormat, exponent: int, limit: Fraction | None) -> RowScale:
        shift_max = core.bits - number.bits + 1
        if limit is not None:
            shift_max = min(shift_max, ceil_log2(limit) - exponent)
        most = min(number.max << shift_max, 1 << (core.bits - 1))
        least = STEP_LSB * number.max
        return cls(number=number, core=core, exponent=exponent, least=least, most=most, frac_bits=shift_max)

    @property
    def shift_min(self) -> int:
        """The smallest t; the largest is ``frac_bits``."""
        return STEP_LSB.bit_length() - 1

    def shifts(self, largest: Integers) -> Integers:
        """t of rows with such an M."""
        shifts = np.full(largest.shape, self.shift_min)
        for shift in range(self.shift_min, self.frac_bits):
            shifts += largest > self.number.max << shift
        return shifts

    def factors(self, largest: Integers) -> Integers:
        return np.left_shift(1, self.frac_bits - self.shifts(largest))

    def codes(self, largest: Integers) -> Integers:
        return self.shifts(largest) + self.exponent

    def values(self, codes: Integers) -> npt.NDArray[np.float64]:
        return np.ldexp(1.0, codes)

    def scale_of(self, largest: int) -> Fraction:
        return Fraction(2) ** int(self.codes(np.array([largest]))[0])


SCALE_KINDS: dict[str, type[RowScale]] = {kind.name: kind for kind in (FloatScale, PowerOfTwoScale)}
"""By the ``scale_kind`` of the format."""
