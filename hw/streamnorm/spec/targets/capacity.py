"""What a part holds."""

from dataclasses import dataclass

__all__ = ["Capacity"]


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Look-up tables of four inputs, each with a flip-flop; multipliers, 18 or 16 bits wide; block RAMs.

    ``logic`` is what reports call the first: where only both together can be taken, they are logic cells.
    """

    luts: int
    multipliers: int
    block_rams: int
    logic: str = "LUTs"
