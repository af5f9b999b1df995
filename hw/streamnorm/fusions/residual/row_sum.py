"""What forms the sums of a residual, and what sends them out: blocks for each way in which they are formed."""

from __future__ import annotations

from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions.float_sum import FloatSum
from streamnorm.units.streams import element_shape

from .float_adder import FloatAdder
from .sum_output import SumOutput
from .sum_queue import SumQueue
from .weighted_sum import WeightedSum

__all__ = ["sum_of", "sum_output_of"]


def sum_of(config: NormConfig) -> WeightedSum | FloatAdder:
    """The block for a configuration with a residual: ``x`` and ``f`` are the elements of a beat of both streams, ``r``
    is what is normalized, ``latency`` cycles later. It has no reset and may be held still by an enable."""
    assert config.residual is not None
    sums = config.residual.sums(config.input)
    if isinstance(sums, FloatSum):
        return FloatAdder(sums, lanes=config.lanes, target=config.device)
    shapes = (element_shape(config.input), element_shape(config.residual.number))
    return WeightedSum(*shapes, sums, lanes=config.lanes, target=config.device)


def sum_output_of(config: NormConfig, *, ahead: int) -> SumOutput:
    """The block that sends them out, of a configuration in which they leave; arguments are those of the block."""
    assert config.residual is not None
    kind = SumOutput if config.residual.sum_grid(config.input) else SumQueue
    return kind(config, ahead=ahead)
