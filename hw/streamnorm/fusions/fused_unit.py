"""From a configuration to the hardware of its unit and of what is fused with it."""

from typing import Any

from streamnorm.architectures import unit_of
from streamnorm.spec.config import NormConfig

from .input_scale_unit import InputScaleUnit
from .interpolation import InterpolationUnit
from .residual import ResidualUnit
from .row_scale import RowScaleUnit

__all__ = ["core_unit", "fused_unit"]


def core_unit(config: NormConfig) -> Any:
    """The unit that normalizes, as it is built within what stands around it.

    Raises
    ------
    ConfigError
        If no datapath reaches the accuracy asked for.
    """
    has_front = config.residual is not None or config.input_scale is not None
    return unit_of(config.core, behind_front=has_front)


def fused_unit(config: NormConfig) -> Any:
    """The unit of a configuration, with what stands around it: a :class:`~streamnorm.architectures.Unit` with streams
    of the names in ``side_inputs`` and ``side_outputs`` besides.

    From the inside to the outside: the unit that normalizes, with the scales of its rows, or what gives it gamma and
    beta between banks, what stands behind it, what
    stands before it.

    Raises
    ------
    ConfigError
        If no datapath reaches the accuracy asked for.
    """
    unit = core_unit(config)
    if config.input_scale is not None:
        unit = InputScaleUnit(config.core, unit)
    if config.banks_are_interpolated:
        unit = InterpolationUnit(config.banked, unit)
    if config.row_scale is not None:
        unit = RowScaleUnit(config.behind_front, unit)
    if config.residual is not None:
        unit = ResidualUnit(config, unit)
    return unit
