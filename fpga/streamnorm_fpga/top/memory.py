"""Memories of the board logic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamnorm.logic.primitives import BlockRam, Emission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amaranth.hdl import Module

    from streamnorm.spec.config import NormConfig

__all__ = ["LATENCY", "BoardMemory", "memory_beats"]

LATENCY = 2
"""Cycles from a read address to its data."""

_BEATS_MIN = 64


def memory_beats(config: NormConfig) -> int:
    """Return how many beats the row memory and the result memory hold each.

    A power of two, enough for two rows of ``max_length``: the cycles from row to row can be measured.
    """
    return 1 << (max(_BEATS_MIN, 2 * config.max_beats) - 1).bit_length()


class BoardMemory(BlockRam):
    """A BlockRam with its output register, made of the part's blocks where the design goes on a board.

    Left to yosys, a memory with a port to write and one to read gets logic for reading what is being written.
    Elaborated without a platform, for simulation, it is the generic form.
    """

    def __init__(
        self, config: NormConfig, *, width: int, depth: int, init: Sequence[int] | None = None, writable: bool = True
    ) -> None:
        super().__init__(
            width=width,
            depth=depth,
            family=config.device.primitives,
            output_register=True,
            init=init,
            writable=writable,
        )
        assert self.latency == LATENCY

    def elaborate(self, platform: object) -> Module:
        return super().elaborate(None if platform is None else Emission(self.family))
