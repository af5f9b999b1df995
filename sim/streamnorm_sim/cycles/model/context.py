"""What stays the same while a run goes on."""

from dataclasses import dataclass

from .open_cycles import ALWAYS, OpenCycles
from .timing import Timing

__all__ = ["Context"]


@dataclass(frozen=True)
class Context:
    """A unit and the two ends of its streams.

    Attributes
    ----------
    timing : Timing
    source : when a beat that has not been offered yet may be
    sink : ``m_axis_tready``
    """

    timing: Timing
    source: OpenCycles = ALWAYS
    sink: OpenCycles = ALWAYS

    @property
    def by_row(self) -> bool:
        """Whether a row's beats leave one after the other, and are offered so."""
        return self.source is ALWAYS and self.sink is ALWAYS
