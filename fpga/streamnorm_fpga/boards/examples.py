"""Which of the examples fit which board, from what synthesis found each of them to need.

``examples.json`` beside this module is written by ``tools/example_fits.py``: one synthesis of each example with its
board logic per family of primitives, on the family's representative board.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from streamnorm.spec.targets import Target
from streamnorm_fpga import families
from streamnorm_fpga.place.resources import Resources

from . import BOARDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamnorm.spec.config import NormConfig
    from streamnorm_fpga.bitstream.design import BoardDesign
    from streamnorm_fpga.families import Representative

    from .board import Board

__all__ = ["FAMILIES", "Fitting", "family_of", "fingerprint", "fitting", "planned_for"]

_FULL = 0.95
"""Share of a part's LUTs or logic cells beyond which placement becomes a matter of luck."""


FAMILIES: Mapping[str, Representative] = MappingProxyType(
    {stands.name: stands for family in families.FAMILIES.values() for stands in family.representatives.values()}
)
"""What stands for each family of primitives, by name, as in ``examples.json``."""


@dataclass(frozen=True)
class Fitting:
    """An example that fits a board; with ``clock_mhz`` if its own clock was too high for the family."""

    name: str
    clock_mhz: float | None


def family_of(board: Board) -> str:
    """Return the family of primitives of the part on ``board``."""
    return board.family.representatives[Target(board.target, clock_mhz=1.0).primitives].name


def planned_for(config: NormConfig, family: str) -> NormConfig:
    """Return a configuration as it is measured for a family: its target, and a clock the family bears."""
    stands = FAMILIES[family]
    return config.replace(target=BOARDS[stands.board].target, clock_mhz=min(config.clock_mhz, stands.clock_mhz))


def fingerprint(design: BoardDesign) -> str:
    """Return a digest of the texts that are synthesized, their comments aside."""
    digest = hashlib.sha256()
    for name, text in sorted(design.sources.items()):
        lines = [line for line in text.splitlines() if not line.lstrip().startswith(("//", "#"))]
        digest.update("\n".join([name, *lines]).encode())
    return digest.hexdigest()


def fitting(board: Board) -> list[Fitting]:
    """Return the examples that fit ``board``, in alphabetical order."""
    available = Resources.of_part(board.device).to_dict()
    result: list[Fitting] = []
    for name, example in _measured()["examples"].items():
        needed = example.get(family_of(board))
        if needed is not None and _fits(needed, available):
            lowered = needed["clock_mhz"] if needed["clock_mhz"] < example["clock_mhz"] else None
            result.append(Fitting(name, lowered))
    return result


def _fits(needed: Mapping[str, Any], available: Mapping[str, int]) -> bool:
    return all(
        needed[key] <= count * (1.0 if key in ("dsp", "bram") else _FULL)
        for key, count in available.items()
        if needed.get(key) is not None
    )


@cache
def _measured() -> dict[str, Any]:
    return json.loads((files("streamnorm_fpga.boards") / "examples.json").read_text("utf-8"))
