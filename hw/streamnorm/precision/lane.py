"""What of a unit's precision is that of a lane, be there a statistic or not."""

from typing import Protocol

from streamnorm.spec.algorithms import IntegerLayerNorm
from streamnorm.spec.config import NormConfig

from .deferred import DeferredPrecision
from .floating import FloatPrecision, StaticFloatPrecision
from .integer import IntegerPrecision
from .precision import Precision
from .static import StaticPrecision

__all__ = ["LanePrecision", "UnitPrecision", "precision_of"]


class UnitPrecision(Protocol):
    """Widths of a unit, whatever it computes, and how far its results may be off.

    Attributes
    ----------
    difference_bits : two's complement bits of d
    normalized_bits : of z
    promise : what is promised of results; None where nothing is
    error_bound, expected_error : the largest and the mean error before the final rounding, output LSB
    """

    @property
    def difference_bits(self) -> int: ...
    @property
    def normalized_bits(self) -> int: ...
    @property
    def promise(self) -> str | None: ...
    @property
    def error_bound(self) -> float: ...
    @property
    def expected_error(self) -> float: ...

    def figures(self) -> dict[str, int]:
        """Everything that is an integer, by name, for a plan's JSON."""
        ...


class LanePrecision(UnitPrecision, Protocol):
    """Widths and binary points from d to the result, with gamma and beta as they are stored.

    Attributes
    ----------
    normalized_frac_bits : of z
    gamma_align, beta_align, result_frac_bits : see step 7 of :class:`~streamnorm.precision.precision.Precision`
    """

    @property
    def normalized_frac_bits(self) -> int: ...
    @property
    def gamma_align(self) -> int: ...
    @property
    def beta_align(self) -> int: ...
    @property
    def result_frac_bits(self) -> int: ...


def precision_of(
    config: NormConfig,
) -> Precision | StaticPrecision | IntegerPrecision | FloatPrecision | StaticFloatPrecision | DeferredPrecision:
    """The precision of a configuration, of the kind that its formats, its norm and its algorithm have; where something
    is fused with the norm, that of the unit within.

    Raises
    ------
    ConfigError
        If no datapath reaches the accuracy asked for.
    """
    config = config.core
    if config.defer:
        return DeferredPrecision.of(config)
    if config.is_floating:
        return FloatPrecision.of(config) if config.formula.has_statistic else StaticFloatPrecision.of(config)
    if isinstance(config.computed, IntegerLayerNorm):
        return IntegerPrecision.of(config)
    return Precision.of(config) if config.formula.has_statistic else StaticPrecision.of(config)
