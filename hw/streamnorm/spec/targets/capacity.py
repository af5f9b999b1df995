"""What a part holds."""

from dataclasses import dataclass

__all__ = ["Capacity"]


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Look-up tables of four inputs, each with a flip-flop; multipliers, 18 or 16 bits wide; block RAMs."""

    luts: int
    multipliers: int
    block_rams: int
