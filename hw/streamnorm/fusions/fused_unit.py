"""From a configuration to the hardware of its unit and of what is fused with it."""

from typing import Any

from streamnorm.architectures import unit_of
from streamnorm.spec.config import NormConfig

from .residual_unit import ResidualUnit
from .row_scale_unit import RowScaleUnit

__all__ = ["fused_unit"]


def fused_unit(config: NormConfig) -> Any:
    """The unit of a configuration, with what stands around it: a :class:`~streamnorm.architectures.Unit` with streams
    of the names in ``side_inputs`` and ``side_outputs`` besides.

    From the inside to the outside: the unit that normalizes, what stands behind it, what stands before it.

    Raises
    ------
    ConfigError
        If no datapath reaches the accuracy asked for.
    """
    unit: Any = unit_of(config.core)
    if config.row_scale is not None:
        unit = RowScaleUnit(config.behind_front, unit)
    if config.residual is not None:
        unit = ResidualUnit(config, unit)
    return unit
