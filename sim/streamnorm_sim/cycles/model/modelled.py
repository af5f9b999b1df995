"""The units whose every cycle is modelled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from streamnorm.spec.architectures import ONE_PASS, STATIC, TWO_PASS
from streamnorm.spec.config import NormConfig

from .buffered import Buffered
from .one_pass import OnePass
from .open_cycles import OpenCycles
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
    solver : the unit just reset, of a timing and the open cycles of source and sink
    """

    timing: Callable[[NormConfig], _Timing]
    solver: Callable[[_Timing, OpenCycles, OpenCycles], Solver]


MODELLED: Mapping[str, Modelled[Any]] = {
    ONE_PASS: Modelled(Timing.of, lambda *unit: Buffered(OnePass(*unit))),
    TWO_PASS: Modelled(TwoPassTiming.of, lambda *unit: Buffered(TwoPass(*unit))),
    STATIC: Modelled(StaticTiming.of, Static),
}
"""By what a unit's report calls its architecture."""
