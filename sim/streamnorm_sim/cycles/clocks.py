"""The clock of a placed unit, and what cycles are at a clock: ns and rates."""

from __future__ import annotations

import importlib.resources
import json
from dataclasses import dataclass
from functools import cache
from typing import Literal

from streamnorm.spec.config import NormConfig

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
    """Return the clock that this very configuration reached, placed alone; None where that was not measured.

    It is the least of some placement seeds, and no more than the part's block RAMs bear; see data/placed.json.
    """
    clock = _measured().get(config.digest())
    return None if clock is None else PlacedClock(clock, "measured")


@cache
def _measured() -> dict[str, float]:
    """Clocks in MHz by the configuration's digest."""
    text = (importlib.resources.files("streamnorm_sim") / "data/placed.json").read_text("utf-8")
    return {unit["digest"]: unit["clock_mhz"] for unit in json.loads(text)["units"]}


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
