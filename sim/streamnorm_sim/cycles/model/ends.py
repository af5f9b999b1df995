"""The ends of a unit's streams."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .open_cycles import ALWAYS, OpenCycles

__all__ = ["Ends"]


@dataclass(frozen=True)
class Ends:
    """What is at the other side of every stream.

    Attributes
    ----------
    source : when a beat that has not been offered yet may be
    sink : ``m_axis_tready``
    beside : the same of streams beside these two, by their names; those that are not there are always open
    cut : whether rows may be longer than ``max_length``
    """

    source: OpenCycles = ALWAYS
    sink: OpenCycles = ALWAYS
    beside: Mapping[str, OpenCycles] = field(default_factory=dict)
    cut: bool = False

    def of(self, name: str) -> OpenCycles:
        """That of a stream beside."""
        return self.beside.get(name, ALWAYS)
