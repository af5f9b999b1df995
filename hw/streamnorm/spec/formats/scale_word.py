"""A positive number as a mantissa with its leading one and an exponent: what a multiplier takes as it is."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import finite_reals

from .number_format import NumberFormat

__all__ = ["ScaleWord"]


@dataclass(frozen=True)
class ScaleWord(NumberFormat):
    """``mantissa * 2**exponent`` with ``2**(mantissa_bits - 1) <= mantissa < 2**mantissa_bits`` in one word: the
    mantissa, unsigned, its leading one included, in the low bits, and above it the exponent in two's complement.

    There is no 0, and no number below 0. No configuration asks for such a format: units have it for scales that they
    send out.

    Parameters
    ----------
    mantissa_bits : int
        16 or 24, so that a word is of whole bytes.
    """

    EXPONENT_BITS: ClassVar[int] = 8
    names: ClassVar[str] = "m16e8, m24e8"
    keys: ClassVar[tuple[str, ...]] = ()
    is_float: ClassVar[bool] = True
    signed: ClassVar[bool] = False  # type: ignore[override]
    scale: ClassVar[float] = 1.0  # type: ignore[override]
    zero_point: ClassVar[int] = 0  # type: ignore[override]

    mantissa_bits: int

    @classmethod
    def has(cls, name: str) -> bool:
        """Whether ``name`` is "m16e8" or "m24e8"."""
        return name in cls.names.split(", ")

    @classmethod
    def parse(cls, name: str) -> "ScaleWord":
        """Return the format called ``name``; ConfigError if there is none."""
        if not cls.has(name):
            raise ConfigError(f"format = {name!r}: must be one of {cls.names}")
        return cls(int(name[1:3]))

    @property
    def name(self) -> str:
        """The format's name, "m16e8" or "m24e8"."""
        return f"m{self.mantissa_bits}e{self.EXPONENT_BITS}"

    @property
    def bits(self) -> int:  # type: ignore[override]
        """Bits of a word."""
        return self.mantissa_bits + self.EXPONENT_BITS

    @property
    def min(self) -> int:
        """The smallest word, read as an unsigned integer: 1/2 of the mantissa's range, exponent 0."""
        return 1 << (self.mantissa_bits - 1)

    @property
    def max(self) -> int:
        """The largest one: exponent -1."""
        return (1 << self.bits) - 1

    def words(self, mantissa: npt.NDArray[np.int64], exponent: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The words of mantissas and exponents that are within their bits."""
        return mantissa | ((exponent & ((1 << self.EXPONENT_BITS) - 1)) << self.mantissa_bits)

    def parts(self, words: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Mantissas and exponents of words."""
        codes = np.asarray(words, np.int64)
        half = 1 << (self.EXPONENT_BITS - 1)
        exponent = ((codes >> self.mantissa_bits) ^ half) - half
        return codes & ((1 << self.mantissa_bits) - 1), exponent

    def quantize(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the words of the nearest numbers (ties to even), saturated to the range; 0 and less are the smallest.

        Raises
        ------
        ConfigError
            If a value is no real number, NaN or infinite.
        """
        real = np.maximum(finite_reals(values), 0.0)
        fraction, exponent = np.frexp(real)
        mantissa = np.rint(np.ldexp(fraction, self.mantissa_bits)).astype(np.int64)
        over = mantissa >> self.mantissa_bits
        mantissa, exponent = mantissa >> over, exponent.astype(np.int64) - self.mantissa_bits + over
        least, most = -(1 << (self.EXPONENT_BITS - 1)), (1 << (self.EXPONENT_BITS - 1)) - 1
        small, large = (real == 0) | (exponent < least), exponent > most
        mantissa = np.where(small, self.min, np.where(large, 2 * self.min - 1, mantissa))
        return self.words(mantissa, np.clip(np.where(real == 0, least, exponent), least, most))

    def saturates(self, values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return which of the real ``values`` lie beyond the range; errors are those of `quantize`."""
        real = finite_reals(values)
        half = 1 << (self.EXPONENT_BITS - 1)
        return (real < np.ldexp(float(self.min), -half)) | (real > np.ldexp(float(2 * self.min - 1), half - 1))

    def dequantize(self, integers: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the real numbers that words stand for, exact."""
        mantissa, exponent = self.parts(np.asarray(finite_reals(integers)).astype(np.int64))
        return np.ldexp(mantissa.astype(np.float64), exponent)
