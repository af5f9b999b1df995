"""The clock of a placed unit, and what cycles are at a clock: ns and rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streamnorm.spec.config import NormConfig
from streamnorm_sim.placed import placed_unit

__all__ = ["PlacedClock", "at_clock", "measured_clock"]


@dataclass(frozen=True)
class PlacedClock:
    """The clock that a unit reached when it was placed.

    Attributes
    ----------
    mhz : float
    by : str
        "measured": this project's own figure for exactly this unit; "given": the caller's word.
    """

    mhz: float
    by: Literal["measured", "given"]


def measured_clock(config: NormConfig) -> PlacedClock | None:
    """Return the clock that this very configuration reached, placed alone with every seed that counts; else None."""
    placed = placed_unit(config)
    return None if placed is None or not placed.is_whole else PlacedClock(placed.clock_mhz, "measured")


def at_clock(clock_mhz: float, length: int, cycles: dict[str, float]) -> dict[str, float]:
    """Return L1, L2, L3 and SS in ns, and the rates of rows and of their elements, at a clock.

    Rates are those of rows of `length` elements that follow each other, so of SS alone; nothing of the first row's way
    is in them.
    """
    rows = clock_mhz * 1e6 / cycles["SS"]
    return {
        "clock_mhz": clock_mhz,
        **{f"{name}_ns": 1e3 * cycles[name] / clock_mhz for name in ("L1", "L2", "L3", "SS")},
        "rows_per_second": rows,
        "elements_per_second": rows * length,
    }
