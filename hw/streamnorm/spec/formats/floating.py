"""Floating-point numbers: a sign, an exponent and a fraction, with subnormals and, mostly, infinities."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import REALS, given_array, require_array
from streamnorm.spec.values import integer_between, one_of, shown

from .number_format import NumberFormat

__all__ = ["OVERFLOWS", "FloatFormat", "FloatParts"]

OVERFLOWS = ("infinity", "nan", "saturate")
"""What a result beyond the largest number may become."""

_NAMED = {"bf16": (8, 7), "fp16": (5, 10), "fp32": (8, 23), "fp8_e5m2": (5, 2), "fp8_e4m3fn": (4, 3)}
_FINITE = ("fp8_e4m3fn",)
_GENERIC = re.compile(r"float\(\s*(\d+)\s*,\s*(\d+)\s*\)")

_EXPONENT_BITS, _FRACTION_BITS = range(2, 9), range(1, 24)
_DOUBLE_FRACTION_BITS, _DOUBLE_BIAS = 52, 1023


@dataclass(frozen=True, eq=False)
class FloatParts:
    """What numbers are made of: each is ``(-1)**negative * mantissa * 2**binade * scale``, unless it is special.

    Attributes
    ----------
    negative : bool; also of -0
    mantissa : int64, below ``2**precision``, the hidden one included; anything where a number is special
    binade : int64, from 0, that of subnormals and of the smallest normal numbers, to ``binade_max``
    is_nan, is_infinite : bool
    """

    negative: npt.NDArray[np.bool_]
    mantissa: npt.NDArray[np.int64]
    binade: npt.NDArray[np.int64]
    is_nan: npt.NDArray[np.bool_]
    is_infinite: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FloatFormat(NumberFormat):
    """Binary floating-point numbers as IEEE 754 codes them: sign, exponent, fraction, from the highest bit down.

    A code E, F of the two stands for ``(1 + F/2**f) * 2**(E - bias)``; with E = 0 for the subnormal number
    ``F/2**f * 2**(1 - bias)``, where ``bias = 2**(exponent_bits - 1) - 1`` and f is ``fraction_bits``. The largest E
    stands for infinity (F = 0) and NaN. Where the format is ``finite`` it stands for numbers, too, but for the largest
    F, which is NaN; there is no infinity (OCP 8-bit floating point, e4m3).

    Parameters
    ----------
    exponent_bits : int or str
        2 to 8; or a name: "bf16", "fp16", "fp32", "fp8_e5m2", "fp8_e4m3fn" or "float(exponent_bits, fraction_bits)".
    fraction_bits : int
        1 to 23.
    finite : bool
        No infinity, see above.
    overflow : str
        What becomes of results beyond the largest number: "infinity", "nan" or "saturate", the largest number of that
        sign. Default: infinity; where the format is finite, saturate.

    Raises
    ------
    ConfigError
        If a parameter has the wrong type or lies outside its range, or a finite format is asked for infinity.
    """

    names: ClassVar[str] = "bf16, fp16, fp32, fp8_e5m2, fp8_e4m3fn, float(2, 1) to float(8, 23)"
    keys: ClassVar[tuple[str, ...]] = ("overflow",)
    is_float: ClassVar[bool] = True
    signed: ClassVar[bool] = False  # type: ignore[override]
    """A code travels as bits, no two's complement."""
    zero_point: ClassVar[int] = 0  # type: ignore[override]

    exponent_bits: int
    fraction_bits: int = 0
    finite: bool = False
    overflow: str = ""

    if TYPE_CHECKING:

        def __init__(
            self, exponent_bits: int | str, fraction_bits: int = 0, finite: bool = False, overflow: str = ""
        ) -> None: ...

    def __post_init__(self) -> None:
        if isinstance(self.exponent_bits, str):
            named = self.parse(self.exponent_bits)
            for key in ("exponent_bits", "fraction_bits", "finite"):
                object.__setattr__(self, key, getattr(named, key))
        note = f", or a name: {self.names}"
        exponent_bits = integer_between(
            "exponent_bits", self.exponent_bits, _EXPONENT_BITS[0], _EXPONENT_BITS[-1], note
        )
        object.__setattr__(self, "exponent_bits", exponent_bits)
        fraction_bits = integer_between("fraction_bits", self.fraction_bits, _FRACTION_BITS[0], _FRACTION_BITS[-1])
        object.__setattr__(self, "fraction_bits", fraction_bits)
        if self.overflow == "":
            object.__setattr__(self, "overflow", "saturate" if self.finite else "infinity")
        one_of("overflow", self.overflow, self.overflows)

    @property
    def overflows(self) -> tuple[str, ...]:
        """What ``overflow`` may be."""
        return OVERFLOWS[1:] if self.finite else OVERFLOWS

    @classmethod
    def has(cls, name: str) -> bool:
        """Whether ``name`` is one of a known format, or "float(e, f)" with numbers that may be."""
        match = _GENERIC.fullmatch(name)
        if match is None:
            return name in _NAMED
        return int(match[1]) in _EXPONENT_BITS and int(match[2]) in _FRACTION_BITS

    @classmethod
    def parse(cls, name: str, *, overflow: str = "") -> "FloatFormat":
        """Return the format called ``name``.

        Raises
        ------
        ConfigError
            If no format has that name, or it cannot have that ``overflow``.
        """
        if not (isinstance(name, str) and cls.has(name)):
            raise ConfigError(f"format = {shown(name)}: must be one of {cls.names}")
        match = _GENERIC.fullmatch(name)
        exponent_bits, fraction_bits = _NAMED[name] if match is None else (int(match[1]), int(match[2]))
        if not isinstance(overflow, str):
            raise ConfigError(f"overflow = {shown(overflow)}: must be one of {', '.join(OVERFLOWS)}")
        return cls(exponent_bits, fraction_bits, name in _FINITE, overflow)

    @property
    def name(self) -> str:
        """The format's name without ``overflow``, for example "bf16" or "float(6, 9)"."""
        for name, widths in _NAMED.items():
            if widths == (self.exponent_bits, self.fraction_bits) and self.finite == (name in _FINITE):
                return name
        assert not self.finite
        return f"float({self.exponent_bits}, {self.fraction_bits})"

    @property
    def bits(self) -> int:  # type: ignore[override]
        """Bits of a code."""
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def min(self) -> int:
        """The smallest code, as bits."""
        return 0

    @property
    def max(self) -> int:
        """The largest code, as bits."""
        return (1 << self.bits) - 1

    @property
    def precision(self) -> int:
        """Bits of a mantissa, the hidden one included."""
        return self.fraction_bits + 1

    @property
    def bias(self) -> int:
        return (1 << (self.exponent_bits - 1)) - 1

    @property
    def scale(self) -> float:  # type: ignore[override]
        """The smallest number above 0: what a mantissa's lowest bit is worth in binade 0."""
        return 2.0**self.scale_exponent

    @property
    def scale_exponent(self) -> int:
        """Of the power of two that `scale` is."""
        return 1 - self.bias - self.fraction_bits

    @property
    def binade_max(self) -> int:
        """The binade of the largest number."""
        return (1 << self.exponent_bits) - (2 if self.finite else 3)

    @property
    def mantissa_max(self) -> int:
        """The mantissa of the largest number."""
        return (1 << self.precision) - (2 if self.finite else 1)

    @property
    def ends(self) -> tuple[int, int]:
        largest = self.mantissa_max << self.binade_max
        return -largest, largest

    @property
    def largest(self) -> float:
        """The largest number."""
        return self.mantissa_max * 2.0**self.binade_max * self.scale

    @property
    def code_of_largest(self) -> int:
        """The code of the largest number."""
        return self.code_of_infinity - 1 if not self.finite else self.code_of_nan - 1

    @property
    def code_of_infinity(self) -> int:
        """The code of infinity; where there is none, the one behind the largest number."""
        exponents = ((1 << self.exponent_bits) - 1) << self.fraction_bits
        return self.code_of_nan if self.finite else exponents

    @property
    def code_of_nan(self) -> int:
        """The code of the NaN that results are: the quiet one without sign, and without payload."""
        exponents = ((1 << self.exponent_bits) - 1) << self.fraction_bits
        return exponents + (((1 << self.fraction_bits) - 1) if self.finite else 1 << (self.fraction_bits - 1))

    @property
    def code_of_overflow(self) -> int:
        """The code, without its sign, of a result beyond the largest number."""
        return {"infinity": self.code_of_infinity, "nan": self.code_of_nan, "saturate": self.code_of_largest}[
            self.overflow
        ]

    @property
    def code_of_infinite(self) -> int:
        """The code, without its sign, of an infinite result; of one beyond the largest number where there is no
        infinity."""
        return self.code_of_overflow if self.finite else self.code_of_infinity

    def parts(self, codes: npt.ArrayLike) -> FloatParts:
        """What codes stand for; they must be integers from `min` to `max`."""
        bits = np.asarray(codes).astype(np.int64)
        exponent = (bits >> self.fraction_bits) & ((1 << self.exponent_bits) - 1)
        fraction = bits & ((1 << self.fraction_bits) - 1)
        highest = exponent == (1 << self.exponent_bits) - 1
        nan = highest & ((fraction == (1 << self.fraction_bits) - 1) if self.finite else (fraction != 0))
        infinite = np.zeros_like(nan) if self.finite else highest & (fraction == 0)
        mantissa = fraction + ((exponent > 0).astype(np.int64) << self.fraction_bits)
        return FloatParts((bits >> (self.bits - 1)) != 0, mantissa, np.maximum(exponent - 1, 0), nan, infinite)

    def quantize(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Codes of the nearest numbers (ties to even) to real ``values``, which may be NaN and infinite.

        What is beyond the largest number becomes what ``overflow`` says; an infinity too, where the format has none.

        Raises
        ------
        ConfigError
            If a value is no real number.
        """
        real = _reals(values)
        sign = np.signbit(real).astype(np.int64) << (self.bits - 1)
        magnitude = np.where(np.isfinite(real), np.abs(real), 0.0)
        # Steps of the binade that a number is in, of which there are few enough for float64 to hold them exactly.
        exponent = np.where(magnitude > 0, np.frexp(magnitude)[1].astype(np.int64) - 1, 1 - self.bias)
        exponent = np.maximum(exponent, 1 - self.bias)
        steps = np.rint(np.ldexp(magnitude, self.fraction_bits - exponent)).astype(np.int64)
        # Of a normal number, one step of 2**f is in the exponent; carries go there by themselves.
        code = ((exponent + self.bias - 1) << self.fraction_bits) + steps
        code = np.where(code > self.code_of_largest, self.code_of_overflow, code)
        code = np.where(np.isinf(real), self.code_of_infinite, code)
        return np.where(np.isnan(real), self.code_of_nan, code) | sign

    def saturates(self, values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Which of the real ``values``, though finite, are beyond the largest number once rounded."""
        real = _reals(values)
        unlimited = np.where(np.isfinite(real), np.abs(real), 0.0)
        half_step = 0.5 * 2.0**self.binade_max * self.scale
        tie_goes_up = bool(self.mantissa_max & 1)
        limit = self.largest + half_step
        return (unlimited >= limit) if tie_goes_up else (unlimited > limit)

    def dequantize(self, integers: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The numbers that codes stand for, exact.

        Raises
        ------
        ConfigError
            If they are no integers.
        """
        array, _ = given_array(integers, "codes")
        require_array("codes are", array, "iu", True, "integers")
        parts = self.parts(array)
        real = np.ldexp(parts.mantissa.astype(np.float64), parts.binade) * self.scale
        real = np.where(parts.is_infinite, np.inf, np.where(parts.is_nan, np.nan, real))
        return np.where(parts.negative, -real, real)

    def to_dict(self) -> dict[str, Any]:
        return {"format": self.name, "overflow": self.overflow}


def _reals(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    array, _ = given_array(values, "values")
    if array.dtype.kind not in REALS:
        array = array.astype(np.float64) if array.dtype.name in ("bfloat16", "float8_e5m2", "float8_e4m3fn") else array
    require_array("values are", array, REALS, True, "real numbers")
    return array.astype(np.float64)
