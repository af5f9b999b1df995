"""The cycle of every handshake of a unit, computed: exactly what simulation measures, millions of rows a second."""

from .buffered.two_pass import TwoPassTiming
from .model import CycleModel, CycleStream
from .open_cycles import OpenCycles
from .static import StaticTiming
from .timing import Timing
from .trace import CycleTrace, Losses

__all__ = [
    "CycleModel", "CycleStream", "CycleTrace", "Losses", "OpenCycles", "StaticTiming", "Timing", "TwoPassTiming",
]  # fmt: skip
