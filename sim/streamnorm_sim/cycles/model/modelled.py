"""The units whose every cycle is modelled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from streamnorm.spec.architectures import DEFERRED, ONE_PASS, STATIC, TWO_PASS
from streamnorm.spec.config import NormConfig

from .around.joined import FrontTiming, Joined
from .around.row_scaled import RowScaled, RowScaleTiming
from .buffered.context import Context
from .buffered.one_pass import OnePass
from .buffered.two_pass import TwoPass, TwoPassTiming
from .buffered.unit import Buffered
from .deferred import deferred, deferred_timing
from .ends import Ends
from .gates.of_unit import gates_of, static_parameters
from .open_cycles import ALWAYS, OpenCycles
from .solver import Inner, Solver, Unit
from .static import Static, StaticTiming
from .timing import Timing

__all__ = ["MODELLED", "Modelled", "solver_of"]

_Timing = TypeVar("_Timing")


@dataclass(frozen=True)
class Modelled(Generic[_Timing]):
    """How the cycles of an architecture's units are computed.

    Attributes
    ----------
    timing : what its cycles follow from, read off the unit of a configuration; raises ConfigError if there is none
    unit : the unit just reset, of a configuration, its timing and the ends of its streams
    """

    timing: Callable[[NormConfig], _Timing]
    unit: Callable[[NormConfig, _Timing, Ends], Unit]


def solver_of(config: NormConfig, modelled: Modelled[_Timing], timing: _Timing, ends: Ends) -> Solver:
    """Return the unit of a configuration just reset, with what stands before it and behind it."""
    front, behind = FrontTiming.of(config), RowScaleTiming.of(config)
    unit = modelled.unit(
        config,
        timing,
        replace(ends, source=ends.source if front is None else ALWAYS, sink=ends.sink if behind is None else ALWAYS),
    )
    solver: Inner = unit if front is None else Joined(front, unit, ends)
    return solver if behind is None else RowScaled(behind, solver, ends)


def _in_buffers(context: Callable[[Any, OpenCycles, OpenCycles], Context]) -> Callable[..., Unit]:
    """Units whose rows wait in a buffer, with what holds their beats."""

    def unit(config: NormConfig, timing: Any, ends: Ends) -> Buffered:
        return Buffered(context(timing, ends.source, ends.sink), gates_of(config, ends))

    return unit


def _static(config: NormConfig, timing: StaticTiming, ends: Ends) -> Static:
    first, parameters = static_parameters(config, ends)
    return Static(timing, ends.source, ends.sink, parameters=parameters, first=first)


MODELLED: Mapping[str, Modelled[Any]] = {
    ONE_PASS: Modelled(Timing.of, _in_buffers(OnePass)),
    TWO_PASS: Modelled(TwoPassTiming.of, _in_buffers(TwoPass)),
    STATIC: Modelled(StaticTiming.of, _static),
    DEFERRED: Modelled(deferred_timing, deferred),
}
"""By what a unit's report calls its architecture."""
