"""The design that goes on a board: everything synthesis needs, as text."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamnorm.errors import ConfigError
from streamnorm.logic.primitives import wrapper_modules
from streamnorm.verilog.elaboration import without_garbage_collection
from streamnorm.verilog.emit import verilog
from streamnorm_fpga.boards.platform import pin
from streamnorm_fpga.boards.pll import fabric_clock
from streamnorm_fpga.top.board_top import BoardTop
from streamnorm_sim.toolchain.tools import YOSYS, versions

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig
    from streamnorm_fpga.boards.board import Board
    from streamnorm_fpga.boards.platform import PinnedDesign
    from streamnorm_fpga.boards.pll import FabricClock

__all__ = ["BAUD", "BoardDesign", "bit_cycles", "board_design", "tool_versions"]

BAUD = 1_000_000
"""Bits a second on the serial line unless told otherwise."""

_BAUD_TOLERANCE = 0.02  # half of what a receiver bears that samples the middle of the tenth bit
_BIT_CYCLES_MIN = 4
_COMMON_BAUDS = (3_000_000, 2_000_000, 1_000_000, 921_600, 500_000, 460_800, 230_400, 115_200, 57_600, 9_600)


@dataclass(frozen=True, kw_only=True)
class BoardDesign:
    """A unit with its board logic, on the pins of a board.

    Members
    -------
    config : NormConfig
        The configuration that was built: that of the user, with the board's part as its target.
    asked_target : str
        The target of the user's configuration.
    asked_mhz : float
        The clock asked for; ``clock.mhz`` is the one made.
    baud, bit_cycles : int
        Bits a second on the serial line; clock cycles of each.
    unit : str
        Verilog of the unit, as ``streamnorm generate`` writes it for this configuration.
    pinned : PinnedDesign
        Everything else.
    """

    config: NormConfig
    asked_target: str
    asked_mhz: float
    board: Board
    clock: FabricClock
    baud: int
    bit_cycles: int
    unit: str
    pinned: PinnedDesign

    @property
    def sources(self) -> dict[str, str]:
        """The texts to synthesize, by file name."""
        texts = {
            "board.il": self.pinned.rtlil,
            "unit.v": self.unit,
            "cells.v": wrapper_modules(self.pinned.rtlil, beside=self.unit),
            "pll.v": self.clock.verilog,
        }
        return {name: text for name, text in texts.items() if text}

    def inputs(self) -> str:
        """Return a digest of all that a bitstream of this design depends on but the seed."""
        parts = {
            **self.sources,
            "constraints": self.pinned.constraints,
            "part": [*self.board.device.nextpnr_arguments, *self.board.pack, self.board.dfu],
            "tools": tool_versions(self.board),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@without_garbage_collection()
def board_design(
    config: NormConfig,
    board: Board,
    *,
    baud: int = BAUD,
    clock_mhz: float | None = None,
    expected_signature: int | None = None,
) -> BoardDesign:
    """Describe the unit of ``config`` on ``board``.

    Parameters
    ----------
    clock_mhz : float, optional
        The fabric's clock; the configuration's by default. The unit's pipeline is planned for the latter
        either way.
    expected_signature : int, optional
        Of the self-test; the golden model's by default. Another one saves its time where only areas count.

    Raises
    ------
    ConfigError
        If the board cannot make the clock, or no such baud rate of it.
    ToolMissing
        If amaranth-boards or the tool for PLLs is missing.
    """
    asked_target, asked_mhz = config.target, config.clock_mhz if clock_mhz is None else clock_mhz
    config = config.replace(target=board.target)
    clock = fabric_clock(board, asked_mhz, f"{config.name}_pll")
    cycles = bit_cycles(clock.mhz, baud)
    circuit = BoardTop(config, bit_cycles=cycles, clock_mhz=clock.mhz, expected_signature=expected_signature)
    return BoardDesign(
        config=config,
        asked_target=asked_target,
        asked_mhz=asked_mhz,
        board=board,
        clock=clock,
        baud=baud,
        bit_cycles=cycles,
        unit=verilog(config),
        pinned=pin(board, circuit, clock, f"{config.name}_on_{board.name.replace('-', '_')}"),
    )


def bit_cycles(clock_mhz: float, baud: int) -> int:
    """Return the clock cycles of a bit on the serial line.

    Raises
    ------
    ConfigError
        If the rate would be off by 2 % or more, or a bit shorter than 4 cycles; the message names rates that
        are possible.
    """
    if _off(clock_mhz, baud) < _BAUD_TOLERANCE:
        return round(clock_mhz * 1e6 / baud)
    possible = ", ".join(str(rate) for rate in _COMMON_BAUDS if _off(clock_mhz, rate) < _BAUD_TOLERANCE)
    raise ConfigError(f"--baud {baud}: a clock of {clock_mhz:g} MHz does not make it; it makes {possible}")


def _off(clock_mhz: float, baud: int) -> float:
    """How far from ``baud`` the rate made would be, relative to it; infinite where a bit is too short."""
    cycles = round(clock_mhz * 1e6 / baud)
    if cycles < _BIT_CYCLES_MIN:
        return float("inf")
    return abs(clock_mhz * 1e6 / cycles / baud - 1)


def tool_versions(board: Board) -> dict[str, str]:
    """Return the versions of the tools that make a bitstream for ``board``, of those that tell one."""
    family = board.family
    return versions(YOSYS, family.nextpnr, *([family.pack] if family.pack_tells_version else []))
