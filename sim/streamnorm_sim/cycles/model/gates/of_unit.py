"""The gates of a configuration's unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from streamnorm.fusions import core_unit
from streamnorm.fusions.interpolation import InterpolationUnit
from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import InterpolatedBanks, StreamedParameters
from streamnorm.units import dispatch
from streamnorm.units.parameter_queue import ParameterQueue

from ..ends import Ends
from ..open_cycles import ALWAYS
from ..timing import FIRST_CYCLE
from .blend_gate import BlendGate, BlendTiming
from .gate import Gate
from .parameter_gate import THERE_TO_ISSUE, ParameterGate
from .queue_gate import QueueGate, QueueTiming

__all__ = ["gates_of", "static_parameters"]


@dataclass(frozen=True, eq=False)
class _Parts:
    """What gates follow from, read off the unit."""

    further: Mapping[str, QueueTiming]
    parameters: ParameterQueue
    blend: BlendTiming | None


@lru_cache(maxsize=128)
def _parts(config: NormConfig) -> _Parts:
    unit, blend = core_unit(config), None
    further = {
        each.name: QueueTiming(
            output_depth=each.depth,
            issue_to_pop=each.issue_to_write + 1,
            pop_to_output=each.queue.latency - 1,
            pop_to_issue=dispatch.CREDIT_RETURN,
        )
        for each in getattr(unit, "further", ())
    }
    if config.banks_are_interpolated:
        around = InterpolationUnit(config.banked, unit)
        blend = BlendTiming(around.depth, around.made_to_written + 1, around.late > 0)
    return _Parts(further, unit.parameter_store, blend)


def gates_of(config: NormConfig, ends: Ends) -> tuple[Gate, ...]:
    """Return what may ever hold a beat of a unit that has just been reset, besides its own output queue."""
    if not (config.results or config.parameters_are_streamed or config.banks_are_interpolated):
        return ()
    parts = _parts(config)
    # A queue is deep enough never to hold back a sink that takes a beat in every cycle.
    sinks = {name: ends.of(name) for name in parts.further}
    gates: list[Gate] = [QueueGate(parts.further[name], sink) for name, sink in sinks.items() if sink is not ALWAYS]
    if parts.blend is not None:
        (number,) = InterpolatedBanks.inputs
        gates.append(BlendGate(parts.blend, parts.parameters, ends.of(number.name)))
    elif config.parameters_are_streamed and (parameters := _parameters(parts, ends)):
        gates.append(parameters)
    return tuple(gates)


def static_parameters(config: NormConfig, ends: Ends) -> tuple[int, ParameterGate | None]:
    """Return the first cycle in which a unit without a statistic may take a beat, and what gamma and beta come through,
    if they may come late."""
    if not config.parameters_are_streamed:
        return FIRST_CYCLE, None
    # Taken a cycle before the issue.
    return FIRST_CYCLE + THERE_TO_ISSUE - 1, _parameters(_parts(config), ends)


def _parameters(parts: _Parts, ends: Ends) -> ParameterGate | None:
    """The gate of gamma and beta that come with the rows; None if it never holds a beat that is not the first."""
    source = ends.of(StreamedParameters.carrier)
    # Their queue is deep enough for full rate, but for the rest of rows that are cut.
    return ParameterGate(parts.parameters, source) if source is not ALWAYS or ends.cut else None
