"""Widths of a unit without a statistic: a lane is all there is."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy.typing as npt

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.norms import DynamicTanh
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.tanh_table import TanhTable, tanh_tables

from .demand import EXPECTED_MARGIN, PROMISED_ERROR, TIGHT_ERROR, Gain, error_limit, gains, is_tight
from .ranges import difference_limits

__all__ = ["StaticPrecision"]


@dataclass(frozen=True, kw_only=True)
class StaticPrecision:
    """The binary points and widths of static norms; hardware and golden model are built from the same object.

    1. lane: ``d = x - zero_point``, exact. ``z = d``, too: what a step of d is worth is in the stored gamma. Or z is
       what the norm's ``table`` gives for d, with ``normalized_frac_bits``.
    2. lane: ``A`` and ``y`` as in step 7 of :class:`~streamnorm.precision.precision.Precision`.

    So without a table the only rounding is the last one.

    Attributes
    ----------
    promise : "faithful" or "tight"
    difference_bits, difference_max : two's complement bits of d, and its largest magnitude
    """

    promise: str
    difference_bits: int
    difference_max: int
    normalized_bits: int
    normalized_frac_bits: int
    gamma_align: int
    beta_align: int
    result_frac_bits: int
    error_bound: float
    expected_error: float
    table: TanhTable | None = None

    @staticmethod
    def of(config: NormConfig) -> "StaticPrecision":
        """The widths of a configuration of a static norm (cached).

        Raises
        ------
        ConfigError
            If gamma or beta cannot be held in the configured width, or no table reaches the asked accuracy.
        """
        return _static_precision(config)

    def evaluate(self, d: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """z of differences, in an array of its own."""
        return d.copy() if self.table is None else self.table.evaluate(d)

    def figures(self) -> dict[str, int]:
        """Its widths by name, for a plan's JSON."""
        return {name: value for name, value in vars(self).items() if isinstance(value, int)}


@lru_cache(maxsize=256)
def _static_precision(config: NormConfig) -> StaticPrecision:
    assert not config.formula.has_statistic
    parameters = StoredParameters.of(config)
    bits, largest = difference_limits(config)
    table = _table(config, parameters, largest)
    frac_bits = 0 if table is None else table.frac_bits
    result_frac_bits = max(frac_bits + parameters.gamma_frac_bits, parameters.beta_frac_bits)
    return StaticPrecision(
        promise="tight" if is_tight(config) else "faithful",
        difference_bits=bits,
        difference_max=largest,
        normalized_bits=bits if table is None else table.bits,
        normalized_frac_bits=frac_bits,
        gamma_align=result_frac_bits - frac_bits - parameters.gamma_frac_bits,
        beta_align=result_frac_bits - parameters.beta_frac_bits,
        result_frac_bits=result_frac_bits,
        error_bound=0.0 if table is None else _bound(table, parameters),
        expected_error=0.0 if table is None else _expected(table, gains(config)[1]),
        table=table,
    )


def _table(config: NormConfig, parameters: StoredParameters, difference_max: int) -> TanhTable | None:
    """The smallest table that keeps the promise; None where none is needed."""
    if not isinstance(config.formula, DynamicTanh):
        return None
    limit, tight, (row_gain, prefix_gain) = error_limit(parameters), is_tight(config), gains(config)
    closest = float("inf")
    for table in tanh_tables(config.formula.slope(config.input), config.input, difference_max):
        closest = min(closest, _bound(table, parameters))
        exact_enough = _expected(table, row_gain) <= TIGHT_ERROR and _expected(table, prefix_gain) <= PROMISED_ERROR
        if _bound(table, parameters) <= limit and (exact_enough or not tight):
            return table
    with config.named_in_errors():
        raise ConfigError(
            f'accuracy = "{config.accuracy}": gamma reaches {parameters.gamma_max_abs:.3g} output steps; the finest '
            f"table of tanh would still be off by {closest:.3g} steps. Allowed: a larger output scale or a smaller "
            "gamma"
        )


def _bound(table: TanhTable, parameters: StoredParameters) -> float:
    return parameters.gamma_max_abs * table.error


def _expected(table: TanhTable, gain: Gain) -> float:
    return EXPECTED_MARGIN * gain.at_ties * table.mean_error
