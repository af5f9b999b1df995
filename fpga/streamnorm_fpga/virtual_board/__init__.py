"""A board that is not there: the design of a real one, compiled and run, its serial line behind a pseudo-terminal."""

from .board import VirtualBoard
from .design import BIT_CYCLES, board_text
from .faults import Faults

__all__ = ["BIT_CYCLES", "Faults", "VirtualBoard", "board_text"]
