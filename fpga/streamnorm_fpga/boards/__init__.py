"""The boards a unit can be built for: their pins, clocks and loaders, and the PLLs of their parts.

Pins are those of amaranth-boards. USB identities and board names of openFPGALoader: its ``cable.hpp`` and
``board.hpp``.
"""

from __future__ import annotations

import difflib
from types import MappingProxyType
from typing import TYPE_CHECKING

from streamnorm.errors import ConfigError
from streamnorm.spec.values import shown

from .board import Board, Light, Loader, Uart
from .ecp5 import ECP5_BOARDS
from .ice40 import ICE40_BOARDS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BOARDS", "Board", "Light", "Loader", "Uart", "board_named"]

BOARDS: Mapping[str, Board] = MappingProxyType({board.name: board for board in (*ECP5_BOARDS, *ICE40_BOARDS)})
"""Every board by its name."""


def board_named(name: str) -> Board:
    """Return a board of :data:`BOARDS`.

    Raises
    ------
    ConfigError
        If there is none of that name; the message names the nearest, or all.
    """
    if name in BOARDS:
        return BOARDS[name]
    nearest = difflib.get_close_matches(name.lower(), BOARDS, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"boards are {', '.join(BOARDS)}"
    raise ConfigError(f"unknown board {shown(name)}: {hint}")
