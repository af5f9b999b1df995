"""The units whose every cycle is modelled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from streamnorm.spec.architectures import DEFERRED, ONE_PASS, STATIC, TWO_PASS
from streamnorm.spec.config import NormConfig

from .buffered import Buffered
from .context import Context
from .deferred import DeferredTiming, deferred
from .ends import Ends
from .gates import gates_of
from .joined import FrontTiming, Joined
from .one_pass import OnePass
from .open_cycles import ALWAYS, OpenCycles
from .solver import Solver
from .static import Static, StaticTiming
from .timing import Timing
from .two_pass import TwoPass, TwoPassTiming

__all__ = ["MODELLED", "Modelled"]

_Timing = TypeVar("_Timing")


@dataclass(frozen=True)
class Modelled(Generic[_Timing]):
    """How the cycles of an architecture's units are computed.

    Attributes
    ----------
    timing : what its cycles follow from, read off the unit of a configuration; raises ConfigError if there is none
    solver : the unit just reset, of a configuration, its timing and the ends of its streams
    buffered : whether its rows wait in a buffer
    """

    timing: Callable[[NormConfig], _Timing]
    solver: Callable[[NormConfig, _Timing, Ends], Solver]
    buffered: bool


def _in_buffers(context: Callable[[Any, OpenCycles, OpenCycles], Context]) -> Callable[..., Solver]:
    """Units whose rows wait in a buffer, with what stands before them and holds their beats."""

    def solver(config: NormConfig, timing: Any, ends: Ends) -> Solver:
        gates, front = gates_of(config, ends), FrontTiming.of(config)
        if front is None:
            return Buffered(context(timing, ends.source, ends.sink), gates)
        return Joined(front, context(timing, ALWAYS, ends.sink), ends, gates)

    return solver


def _static(config: NormConfig, timing: StaticTiming, ends: Ends) -> Solver:
    return Static(timing, ends.source, ends.sink)


MODELLED: Mapping[str, Modelled[Any]] = {
    ONE_PASS: Modelled(Timing.of, _in_buffers(OnePass), buffered=True),
    TWO_PASS: Modelled(TwoPassTiming.of, _in_buffers(TwoPass), buffered=True),
    STATIC: Modelled(StaticTiming.of, _static, buffered=False),
    DEFERRED: Modelled(DeferredTiming.of, deferred, buffered=False),
}
"""By what a unit's report calls its architecture."""
