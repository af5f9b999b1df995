"""From a configuration to the hardware of its unit and of what is fused with it."""

from typing import Any

from streamnorm.architectures import unit_of
from streamnorm.spec.config import NormConfig

from .residual_unit import ResidualUnit

__all__ = ["fused_unit"]


def fused_unit(config: NormConfig) -> Any:
    """The unit of a configuration, with what stands around it: a :class:`~streamnorm.architectures.Unit` with streams
    of the names in ``side_inputs`` and ``side_outputs`` besides.

    Raises
    ------
    ConfigError
        If no datapath reaches the accuracy asked for.
    """
    core = unit_of(config.core)
    return core if config.core is config else ResidualUnit(config, core)
