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
    comb : int
        LUTs.
    """

    clock_mhz: float
    comb: int


def placed_unit(config: NormConfig) -> PlacedUnit | None:
    """Return what was measured of exactly this configuration; None where that was not placed. See data/placed.json."""
    return _measured().get(config.digest())


@cache
def _measured() -> dict[str, PlacedUnit]:
    text = (importlib.resources.files("streamnorm_sim") / "data/placed.json").read_text("utf-8")
    return {unit["digest"]: PlacedUnit(unit["clock_mhz"], unit["comb"]) for unit in json.loads(text)["units"]}
