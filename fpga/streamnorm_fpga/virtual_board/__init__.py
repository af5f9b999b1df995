"""A board that is not there: the design of a real one, compiled and run, its serial line behind a pseudo-terminal."""

from .board import VirtualBoard
from .faults import Faults

__all__ = ["Faults", "VirtualBoard"]
