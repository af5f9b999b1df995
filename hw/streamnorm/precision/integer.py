"""Widths of units that compute an integer LayerNorm of the literature."""

from dataclasses import dataclass
from functools import lru_cache
from math import inf

from streamnorm.spec.algorithms import ALGORITHMS, IntegerLayerNorm
from streamnorm.spec.algorithms.integer_layernorm import IntegerBounds, IntegerValue
from streamnorm.spec.config import NormConfig

from .ranges import Ranges

__all__ = ["IntegerPrecision"]


@dataclass(frozen=True, kw_only=True)
class IntegerPrecision:
    """The widths of an :class:`~streamnorm.spec.algorithms.IntegerLayerNorm`; all values are integers.

    Attributes
    ----------
    ranges : of x, S1 and S2, which are those of differences to the zero point
    mean_bits, centred_bits : two's complement bits of m and of y
    variance_max : no V is larger
    shift : what y is shifted right by before it is squared
    way : values between V and z
    normalized_bits : two's complement bits of z, before beta is added
    promise, error_bound, expected_error : nothing is promised, so they are infinite
    """

    ranges: Ranges
    mean_bits: int
    centred_bits: int
    variance_max: int
    shift: int
    way: tuple[IntegerValue, ...]
    normalized_bits: int
    promise: None = None
    error_bound: float = inf
    expected_error: float = inf

    @staticmethod
    def of(config: NormConfig) -> "IntegerPrecision":
        """The widths of a configuration whose algorithm is an integer LayerNorm (cached)."""
        return _integer_precision(config)

    @property
    def difference_bits(self) -> int:
        """Two's complement bits of x, the element less the zero point."""
        return self.ranges.difference_bits

    @property
    def variance_bits(self) -> int:
        """Bits of V."""
        return self.variance_max.bit_length()

    def bits_of(self, name: str) -> int:
        """Bits of a value on the :attr:`way`."""
        return next(value.bits for value in self.way if value.name == name)

    def figures(self) -> dict[str, int]:
        """Everything that is an integer, by name, for a plan's JSON."""
        return {
            "difference_bits": self.difference_bits,
            "sum_bits": self.ranges.sum_bits,
            "square_sum_bits": self.ranges.square_sum_max.bit_length(),
            "length_bits": self.ranges.length_bits,
            "mean_bits": self.mean_bits,
            "centred_bits": self.centred_bits,
            "variance_bits": self.variance_bits,
            **{f"{value.name}_bits": value.bits for value in self.way},
            "normalized_bits": self.normalized_bits,
        }


@lru_cache(maxsize=256)
def _integer_precision(config: NormConfig) -> IntegerPrecision:
    algorithm, ranges = ALGORITHMS[config.algorithm], Ranges.of(config)
    assert isinstance(algorithm, IntegerLayerNorm)
    reach, shift = config.input.max - config.input.min, algorithm.shift(config.input, config.max_length)
    variance_max = algorithm.variance_max(config.input, config.max_length, shift)
    bounds = IntegerBounds(variance_max, config.max_length, reach, shift)
    low, high = algorithm.limits(bounds)
    return IntegerPrecision(
        ranges=ranges,
        mean_bits=ranges.difference_bits,
        centred_bits=reach.bit_length() + 1,
        variance_max=variance_max,
        shift=shift,
        way=tuple(algorithm.way(bounds)),
        normalized_bits=max(high.bit_length(), (-low - 1).bit_length()) + 1,
    )
