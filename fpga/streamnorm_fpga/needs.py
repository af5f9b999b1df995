"""Everything of other people's that placing units and driving boards needs: the rest of what `streamnorm doctor` tells.

What simulation needs is in `streamnorm_sim.toolchain.table`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .boards import BOARDS
from .boards.board import AMARANTH_BOARDS
from .families import FAMILIES
from .flash.loaders import LOADERS
from .host.port import PYSERIAL

if TYPE_CHECKING:
    from streamnorm_sim.toolchain.needs import Need

__all__ = ["fpga_needs"]


def fpga_needs() -> tuple[Need, ...]:
    """Return the tools of every device family and of every board, in the order in which they are told."""
    tools = [tool for family in FAMILIES.values() for tool in (family.nextpnr, family.pack)]
    tools += [board.pll.tool for board in BOARDS.values()]
    programs = [LOADERS[loader.program] for board in BOARDS.values() for loader in board.loaders]
    loaders = {program.name: program for program in programs}
    return (*{tool.name: tool for tool in tools}.values(), AMARANTH_BOARDS, PYSERIAL, *loaders.values())
