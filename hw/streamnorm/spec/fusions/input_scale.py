"""A scale that comes with each row of elements: what its codes are, and which of them are no scale."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Const

from streamnorm.errors import ConfigError
from streamnorm.spec.algorithms import OWN_ALGORITHM
from streamnorm.spec.architectures import ONE_PASS
from streamnorm.spec.formats import FloatFormat, IntFormat, NumberFormat, RowScaledInput

from .side_stream import SideStream

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

__all__ = ["INPUT_SCALES", "InputScale", "input_scale_of"]

Integers = npt.NDArray[Any]

_WHAT = 'scale = "row" in [input]'


class InputScale(ABC):
    """What ``scale = "row"`` in ``[input]`` brings: row k of integers is worth scale k times as much.

    Whatever the scale, the norm is the same but for epsilon, which is ``epsilon / scale**2`` in squared steps. A row
    whose code is no positive number comes out as beta, flagged as malformed.

    A good scale is ``2**exponent * u``, with ``1 <= u < 2``.

    Attributes
    ----------
    name : the ``scale_kind``
    about : what a scale is, in a few words
    code_format : of a scale as it travels
    exponents : the least and the largest; a float32 below them, which has fewer bits, has the least less 1
    fraction_bits : of u
    """

    name: ClassVar[str]
    about: ClassVar[str]
    code_format: ClassVar[NumberFormat]
    exponents: ClassVar[tuple[int, int]]
    fraction_bits: ClassVar[int]

    @property
    def side(self) -> SideStream:
        """The stream of the scales."""
        return SideStream(
            "input_scale", self.code_format, f"{self.about}: what 1 of the row's elements is worth", per_row=True
        )

    @abstractmethod
    def is_bad(self, codes: Integers) -> npt.NDArray[np.bool_]:
        """Which codes are no scale."""

    @abstractmethod
    def exponent(self, codes: Integers) -> Integers:
        """Exponents of good ones."""

    @abstractmethod
    def fraction(self, codes: Integers) -> Integers:
        """``u - 1`` of good ones, in units of ``2**-fraction_bits``."""

    @abstractmethod
    def bad(self, code: Any) -> Any:
        """`is_bad` as hardware: of a value."""

    @abstractmethod
    def exponent_of(self, code: Any) -> Any:
        """`exponent` as hardware: of a value."""

    def codes(self, scales: npt.ArrayLike) -> Integers:
        """The nearest codes of real scales; what is no scale has a code of none, if there is one.

        Raises
        ------
        ConfigError
            If a scale is no number that the codes have.
        """
        return self.code_format.quantize(scales)

    def value(self, code: int) -> Fraction:
        """The scale that a good code stands for, exact."""
        return Fraction(float(self.values(np.array([code]))[0]))

    @abstractmethod
    def values(self, codes: Integers) -> npt.NDArray[np.float64]:
        """The scales that codes stand for, or whatever they are."""

    @staticmethod
    def require_goes_with(config: NormConfig) -> None:
        """ConfigError if there is no unit of the configuration that takes a scale with each row."""
        if config.defer:
            raise ConfigError(
                f"defer = true: does not go with {_WHAT}: rows go through; leave their scales to the product"
            )
        if config.residual is not None:
            raise ConfigError(f"residual: does not go with {_WHAT}: each row would be added in a ratio of its own")
        if config.output.is_float:
            raise ConfigError(f"output = {config.output.name}: does not go with {_WHAT}: goes with integers only")
        norm = config.formula
        if norm.placement is not None or "epsilon_placement" not in norm.keys:
            raise ConfigError(
                f"norm = {config.norm!r}: does not go with {_WHAT}: goes with norms that have epsilon beside the "
                "variance"
            )
        if config.epsilon_placement != "variance":
            raise ConfigError(
                f'epsilon_placement = {config.epsilon_placement!r}: does not go with {_WHAT}; allowed: "variance"'
            )
        if config.statistic_length is not None:
            raise ConfigError(
                f"statistic_length = {config.statistic_length}: does not go with {_WHAT}: where its first elements are "
                "0, a row would have no largest value"
            )
        if config.algorithm != OWN_ALGORITHM:
            raise ConfigError(
                f"algorithm = {config.algorithm!r}: does not go with {_WHAT}: its epsilon, if any, is a constant"
            )
        if config.architecture != ONE_PASS:
            raise ConfigError(f"architecture = {config.architecture!r}: does not go with {_WHAT}; allowed: {ONE_PASS}")
        if config.gamma_rounding != "once":
            raise ConfigError(f'gamma_rounding = "{config.gamma_rounding}": does not go with {_WHAT}; allowed: "once"')


class FloatInputScale(InputScale):
    """Float32. 0, negative ones, NaN and infinity are no scales; -0 is a 0."""

    name = "float32"
    about = "a float32"
    code_format = FloatFormat("fp32")
    exponents = -126, 127
    fraction_bits = 23
    _bias: ClassVar[int] = 127

    def is_bad(self, codes: Integers) -> npt.NDArray[np.bool_]:
        codes = np.asarray(codes)
        return (codes == 0) | (codes >= 0xFF << 23)

    def exponent(self, codes: Integers) -> Integers:
        return (np.asarray(codes) >> 23) - self._bias

    def fraction(self, codes: Integers) -> Integers:
        return np.asarray(codes) & ((1 << 23) - 1)

    def bad(self, code: Any) -> Any:
        return code[31] | code[23:31].all() | ~code[:31].any()

    def exponent_of(self, code: Any) -> Any:
        return code[23:31].as_unsigned() - self._bias

    def codes(self, scales: npt.ArrayLike) -> Integers:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(scales, np.float64).astype(np.float32).view(np.uint32).astype(np.int64)

    def values(self, codes: Integers) -> npt.NDArray[np.float64]:
        return np.asarray(codes).astype(np.uint32).view(np.float32).astype(np.float64)


class PowerOfTwoInputScale(InputScale):
    """Exponents of powers of two, in int8; every one is a scale."""

    name = "power-of-two"
    about = "the exponent of a power of two"
    code_format = IntFormat("int8")
    exponents = -128, 127
    fraction_bits = 0

    def is_bad(self, codes: Integers) -> npt.NDArray[np.bool_]:
        return np.zeros(np.shape(codes), np.bool_)

    def exponent(self, codes: Integers) -> Integers:
        return np.asarray(codes)

    def fraction(self, codes: Integers) -> Integers:
        return np.zeros_like(codes)

    def bad(self, code: Any) -> Any:
        return Const(0, 1)

    def exponent_of(self, code: Any) -> Any:
        return code.as_signed()

    def codes(self, scales: npt.ArrayLike) -> Integers:
        values = np.asarray(scales, np.float64)
        mantissa, exponent = np.frexp(values)
        codes = exponent - 1
        if not (mantissa == 0.5).all() or codes.min(initial=0) < -128 or codes.max(initial=0) > 127:
            raise ConfigError('input_scale: must be powers of two, 2**-128 to 2**127, with scale_kind = "power-of-two"')
        return codes.astype(np.int64)

    def values(self, codes: Integers) -> npt.NDArray[np.float64]:
        return np.ldexp(1.0, np.asarray(codes))


INPUT_SCALES: dict[str, InputScale] = {kind.name: kind for kind in (FloatInputScale(), PowerOfTwoInputScale())}
"""By the ``scale_kind`` of the format."""


def input_scale_of(number: NumberFormat) -> InputScale | None:
    """What comes with rows of a format; None where they have one scale for good."""
    return INPUT_SCALES[number.scale_kind] if isinstance(number, RowScaledInput) else None
