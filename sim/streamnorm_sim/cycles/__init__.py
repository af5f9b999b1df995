"""Cycle counts of a unit, computed or measured, and of other projects' units."""

from .model import CycleModel, CycleStream, CycleTrace, Losses, OpenCycles, StaticTiming, Timing, TwoPassTiming
from .predict import predict

__all__ = [
    "CycleModel", "CycleStream", "CycleTrace", "Losses", "OpenCycles", "StaticTiming", "Timing", "TwoPassTiming",
    "predict",
]  # fmt: skip
