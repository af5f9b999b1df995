"""What this project has measured of units that were placed alone, by the digest of their configuration."""

import importlib.resources
import json
from dataclasses import dataclass
from functools import cache

from streamnorm.spec.config import NormConfig

__all__ = ["PlacedUnit", "placed_unit"]


@dataclass(frozen=True)
class PlacedUnit:
    """Figures of a placed unit.

    Attributes
    ----------
    clock_mhz : float
        The least of some placement seeds, and no more than the part's block RAMs bear.
    comb, dsp, bram : int
        LUTs, multipliers, block RAMs.
    seeds : tuple of int
        Those that the clock is the least of.
    is_whole : bool
        Whether these are all that a clock rate is told of; a clock of fewer is likely too high.
    """

    clock_mhz: float
    comb: int
    dsp: int
    bram: int
    seeds: tuple[int, ...]
    is_whole: bool


def placed_unit(config: NormConfig) -> PlacedUnit | None:
    """Return what was measured of exactly this configuration; None where that was not placed. See data/placed.json."""
    return _measured().get(config.digest())


@cache
def _measured() -> dict[str, PlacedUnit]:
    text = (importlib.resources.files("streamnorm_sim") / "data/placed.json").read_text("utf-8")
    stored = json.loads(text)
    return {
        unit["digest"]: PlacedUnit(
            **{key: unit[key] for key in ("clock_mhz", "comb", "dsp", "bram")},
            seeds=tuple(unit["seeds"]),
            is_whole=set(unit["seeds"]) >= set(stored["seeds"]),
        )
        for unit in stored["units"]
    }
