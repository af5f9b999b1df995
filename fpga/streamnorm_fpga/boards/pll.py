"""PLLs: what turns a board's clock into the clock the design wants.

Dividers and Verilog come from ``ecppll`` (Project Trellis), ``icepll`` (Project IceStorm) and the like.
"""

from __future__ import annotations

import math
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streamnorm.errors import CheckFailed, ConfigError, last_line

if TYPE_CHECKING:
    from .board import Board

__all__ = ["CLOCK_TOLERANCE", "FabricClock", "fabric_clock"]

CLOCK_TOLERANCE = 0.01
"""How far the clock made may be from the one asked for, relative to it."""

_SAME = 1e-4  # no PLL for a difference that the board's oscillator has by itself


@dataclass(frozen=True, kw_only=True)
class FabricClock:
    """The clock of the design.

    Members
    -------
    mhz : float
        What it is; up to 1 % from what was asked for.
    module : str
        Name of the module that makes it of the board's clock: ports ``clock_in``, ``clock_out``, ``locked``.
        Empty if the board's clock is taken as it is.
    verilog : str
        Text of that module.
    """

    mhz: float
    module: str = ""
    verilog: str = ""


def fabric_clock(board: Board, mhz: float, module: str) -> FabricClock:
    """Return a clock of ``mhz`` on ``board``; ``module`` names the module with the PLL, if one is needed.

    Raises
    ------
    ConfigError
        If the part's PLL does not reach that clock, or only by more than 1 % beside it.
    ToolMissing
        If the program that computes its dividers is not there.
    """
    if math.isclose(mhz, board.clock_mhz, rel_tol=_SAME):
        return FabricClock(mhz=board.clock_mhz)
    low, high = board.pll.range_mhz
    if not low <= mhz <= high:
        raise ConfigError(
            f"clock of {mhz:g} MHz on {board.name}: its PLL makes {low:g} to {high:g} MHz, "
            f"and without PLL it is {board.clock_mhz:g} MHz"
        )
    best = _run(board, mhz, module)
    if abs(best.mhz - mhz) > CLOCK_TOLERANCE * mhz and board.pll.finer:
        best = _run(board, mhz, module, *board.pll.finer)
    if abs(best.mhz - mhz) > CLOCK_TOLERANCE * mhz:
        raise ConfigError(
            f"clock of {mhz:g} MHz on {board.name}: the nearest its PLL makes of {board.clock_mhz:g} MHz "
            f"is {best.mhz:g} MHz"
        )
    return best


def _run(board: Board, mhz: float, module: str, *options: str) -> FabricClock:
    pll, tool = board.pll, board.pll.tool
    arguments = ["-i", f"{board.clock_mhz:g}", "-o", f"{mhz:g}", "-f", "pll.v", "-n", module]
    arguments += [*options, *pll.options]
    with tempfile.TemporaryDirectory(prefix="streamnorm-") as name:
        code, output = tool.run(arguments, Path(name))
        found = re.search(pll.achieved, output)
        if code != 0 or found is None:
            raise CheckFailed(f"{tool.name} makes no {mhz:g} MHz of {board.clock_mhz:g}: {last_line(output)}")
        verilog = (Path(name) / "pll.v").read_text(encoding="utf-8")
    return FabricClock(mhz=float(found[1]), module=module, verilog=verilog)
