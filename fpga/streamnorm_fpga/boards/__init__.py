"""The boards a unit can be built for: their pins, clocks and loaders, and the PLLs of their parts."""

from .board import Board, Light, Loader, Uart
from .catalogue import BOARDS, board_named

__all__ = ["BOARDS", "Board", "Light", "Loader", "Uart", "board_named"]
