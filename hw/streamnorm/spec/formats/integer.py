"""Quantized integers of 4 to 24 bits, signed or not, with a scale and a zero point."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import finite_reals
from streamnorm.spec.values import boolean, finite_float, integer_between, shown

from .number_format import SCALE_MAX, SCALE_MIN, NumberFormat

__all__ = ["IntFormat"]

_NAME = re.compile(r"(u?)int([1-9][0-9]{0,2})", re.ASCII)


@dataclass(frozen=True)
class IntFormat(NumberFormat):
    """A quantized integer: the real value is ``scale * (integer - zero_point)``.

    Parameters
    ----------
    bits : int or str
        Width, 4 to 24; or a name, "int4" to "uint24", which tells whether it is signed too.
    signed : bool
        Two's complement if true, else unsigned.
    scale : float
        Real value of one step, 1e-18 to 1e18.
    zero_point : int
        The integer that stands for 0.0; must lie in the format's own range.

    Raises
    ------
    ConfigError
        If a parameter has the wrong type or lies outside its range.
    """

    BITS_MIN: ClassVar[int] = 4
    BITS_MAX: ClassVar[int] = 24
    names: ClassVar[str] = "int4 to int24 or uint4 to uint24"
    keys: ClassVar[tuple[str, ...]] = ("scale", "zero_point")

    bits: int
    signed: bool = True
    scale: float = 1.0
    zero_point: int = 0

    if TYPE_CHECKING:

        def __init__(self, bits: int | str, signed: bool = True, scale: float = 1.0, zero_point: int = 0) -> None: ...

    def __post_init__(self) -> None:
        boolean("signed", self.signed, "; a scale goes by name: scale=…")
        if isinstance(self.bits, str):
            named = self.parse(self.bits)
            if named.signed and not self.signed:
                raise ConfigError(f"signed = {self.signed!r}: {named.name} is signed")
            object.__setattr__(self, "signed", named.signed)
            object.__setattr__(self, "bits", named.bits)
        note = f", or a name: {self.names}"
        object.__setattr__(self, "bits", integer_between("bits", self.bits, self.BITS_MIN, self.BITS_MAX, note))
        object.__setattr__(self, "scale", finite_float("scale", self.scale, SCALE_MIN, SCALE_MAX))
        zero_point = integer_between("zero_point", self.zero_point, self.min, self.max, f" ({self.name})")
        object.__setattr__(self, "zero_point", zero_point)

    @classmethod
    def has(cls, name: str) -> bool:
        """Whether ``name`` is "int4" … "int24" or "uint4" … "uint24"."""
        match = _NAME.fullmatch(name)
        return match is not None and cls.BITS_MIN <= int(match[2]) <= cls.BITS_MAX

    @classmethod
    def parse(cls, name: str, *, scale: float = 1.0, zero_point: int = 0) -> "IntFormat":
        """Return the format called ``name``: "int4" … "int24" or "uint4" … "uint24".

        Raises
        ------
        ConfigError
            If no format has that name, or ``scale`` or ``zero_point`` is out of range.
        """
        if not (isinstance(name, str) and cls.has(name)):
            raise ConfigError(f"format = {shown(name)}: must be one of {cls.names}")
        unsigned = name.startswith("u")
        bits = int(name.removeprefix("u").removeprefix("int"))
        return cls(bits, signed=not unsigned, scale=scale, zero_point=zero_point)

    @property
    def name(self) -> str:
        """The format's name without scale and zero point, for example "int8" or "uint12"."""
        return f"{'' if self.signed else 'u'}int{self.bits}"

    @property
    def min(self) -> int:
        """Smallest integer of the format."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        """Largest integer of the format."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    def quantize(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the nearest integers (ties to even) of real ``values``, saturated to the range.

        The quotient by the scale is taken in float64, as frameworks do.

        Raises
        ------
        ConfigError
            If a value is no real number, NaN or infinite.
        """
        return np.clip(self._steps(values), self.min, self.max).astype(np.int64)

    def saturates(self, values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return which of the real ``values`` lie beyond the range; errors are those of `quantize`."""
        steps = self._steps(values)
        return (steps < self.min) | (steps > self.max)

    def _steps(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        real = finite_reals(values)
        with np.errstate(over="ignore"):  # a quotient beyond float64 saturates like any other large one
            return np.rint(real / self.scale) + self.zero_point

    def dequantize(self, integers: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the real values that ``integers``, or results before rounding, stand for.

        Raises
        ------
        ConfigError
            If one is no real number, NaN or infinite.
        """
        with np.errstate(over="ignore"):  # with a scale beyond any use
            return (finite_reals(integers) - self.zero_point) * self.scale
