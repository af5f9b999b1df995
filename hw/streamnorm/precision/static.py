"""Widths of a unit without a statistic: a lane is all there is."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy.typing as npt

from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters

from .ranges import difference_limits

__all__ = ["StaticPrecision"]


@dataclass(frozen=True, kw_only=True)
class StaticPrecision:
    """The binary points and widths of static norms; hardware and golden model are built from the same object.

    1. lane: ``d = x - zero_point`` and ``z = d``, exact: what a step of d is worth is in the stored gamma.
    2. lane: ``A`` and ``y`` as in step 7 of :class:`~streamnorm.precision.precision.Precision`.

    So the only rounding is the last one.

    Attributes
    ----------
    difference_bits, difference_max : two's complement bits of d, and its largest magnitude
    """

    difference_bits: int
    difference_max: int
    normalized_bits: int
    normalized_frac_bits: int
    gamma_align: int
    beta_align: int
    result_frac_bits: int
    error_bound: float
    expected_error: float

    @staticmethod
    def of(config: NormConfig) -> "StaticPrecision":
        """The widths of a configuration of a static norm (cached).

        Raises
        ------
        ConfigError
            If gamma or beta cannot be held in the configured width.
        """
        return _static_precision(config)

    def evaluate(self, d: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """z of differences, in an array of its own."""
        return d.copy()

    def figures(self) -> dict[str, int]:
        """Its widths by name, for a plan's JSON."""
        return {name: value for name, value in vars(self).items() if isinstance(value, int)}


@lru_cache(maxsize=256)
def _static_precision(config: NormConfig) -> StaticPrecision:
    assert not config.formula.has_statistic
    parameters = StoredParameters.of(config)
    bits, largest = difference_limits(config.formula, config.input)
    frac_bits = 0
    result_frac_bits = max(frac_bits + parameters.gamma_frac_bits, parameters.beta_frac_bits)
    return StaticPrecision(
        difference_bits=bits,
        difference_max=largest,
        normalized_bits=bits,
        normalized_frac_bits=frac_bits,
        gamma_align=result_frac_bits - frac_bits - parameters.gamma_frac_bits,
        beta_align=result_frac_bits - parameters.beta_frac_bits,
        result_frac_bits=result_frac_bits,
        error_bound=0.0,
        expected_error=0.0,
    )
