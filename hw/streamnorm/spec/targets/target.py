"""One device at one clock: turns an operation into nanoseconds, and these into what fits in a cycle.

:class:`~streamnorm.logic.pipeline.Pipeline` adds delays up and puts a register where a clock period is full:
frequency-directed pipelining.
"""

from dataclasses import dataclass
from math import ceil, log2

from .capacity import Capacity
from .ecp5 import ECP5, ECP5_CAPACITIES
from .family import Family
from .generic import GENERIC
from .ice40 import ICE40, ICE40_CAPACITIES

__all__ = ["CAPACITIES", "TARGETS", "TARGET_NAMES", "Target"]

TARGETS: dict[str, Family] = {**GENERIC, **ECP5, **ICE40}
"""Every device by the name that ``NormConfig.target`` may have."""

CAPACITIES: dict[str, Capacity] = {**ECP5_CAPACITIES, **ICE40_CAPACITIES}
"""What each device holds that is a part one can buy."""

TARGET_NAMES: tuple[str, ...] = tuple(TARGETS)


@dataclass(frozen=True)
class Target:
    """One device at one clock: which operation fits in a cycle.

    Parameters: ``name`` (one of :data:`TARGET_NAMES`), ``clock_mhz``, ``margin`` (None: that of the family).
    """

    name: str
    clock_mhz: float
    margin: float | None = None

    def __post_init__(self) -> None:
        assert self.name in TARGETS, self.name

    @property
    def family(self) -> Family:
        return TARGETS[self.name]

    @property
    def primitives(self) -> str:
        """``"generic"``, ``"ecp5"``, ``"ice40"`` or ``"ice40-up5k"``: which primitives the design is emitted with."""
        return self.family.primitives

    @property
    def budget(self) -> float:
        """Nanoseconds of logic between two registers (at least one LUT level, whatever the clock)."""
        family = self.family
        margin = family.margin if self.margin is None else self.margin
        return max(1000.0 / self.clock_mhz / (1 + margin) - family.register, family.lut)

    @property
    def has_block_ram_register(self) -> bool:
        """Whether block RAMs are read by way of their output registers, one cycle later."""
        return self.family.block_ram > 0.5 * self.budget

    @property
    def block_ram_delay(self) -> float:
        """Nanoseconds from the clock to what is read from a block RAM, or from its output register."""
        return self.family.block_ram_output if self.has_block_ram_register else self.family.block_ram

    def adder(self, width: int) -> float:
        """An adder or subtractor of ``width`` bits."""
        return self.family.adder + width * self.family.adder_bit

    def accumulator(self, width: int) -> float:
        """An adder whose other operand is cleared at the first beat of a row."""
        return self.adder(width) + 0.3 * self.family.lut

    @property
    def adder_chunk(self) -> int:
        """The widest adder that fits in one cycle alone (at least 8 bits)."""
        return max(8, int((self.budget - self.family.adder) / self.family.adder_bit))

    @property
    def accumulator_chunk(self) -> int:
        """The widest accumulator that fits in one cycle (at least 8 bits)."""
        return max(8, int((self.budget - self.family.adder - 0.3 * self.family.lut) / self.family.adder_bit))

    def logic(self, inputs: int) -> float:
        """A function such as OR, AND or a comparison with a constant of ``inputs`` bits, as a tree of 4-input LUTs."""
        return self.family.lut * max(1, ceil(log2(max(2, inputs)) / 2))
