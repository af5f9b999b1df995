"""Device families: what one clock cycle holds, and which primitives there are.

A :class:`Target` turns an operation into nanoseconds. :class:`~streamnorm.logic.pipeline.Pipeline` adds these up
and puts a register where a clock period is full: frequency-directed pipelining. All delays are estimates that
include routing; they were fitted to nextpnr 0.11.1 results of single operations (see ``docs/architecture.md``)
and only place registers. They never change a value.
"""

from dataclasses import dataclass
from math import ceil, log2

__all__ = ["TARGET_NAMES", "Family", "Target"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """Delays (ns, routing included) and primitives of one device family at one speed grade.

    Parameters
    ----------
    register: clock-to-output, set-up and one route of a plain register stage.
    lut: one level of logic.
    mux: one level of 2:1 multiplexers of a wide shifter (its select fans out).
    adder, adder_bit: an adder of ``w`` bits takes ``adder + w * adder_bit``.
    multiplier: a hardware multiplier tile without registers.
    multiplier_setup: the same up to its output register (input not registered).
    multiplier_output: from the tile's output register to the logic behind it.
    block_ram: clock to data of a block RAM without an output register.
    block_ram_output: the same behind its output register.
    tile: signed operand widths of the multiplier tile; ``None`` builds multipliers from logic.
    block_ram_limit_mhz: what the block RAM's minimum pulse width allows, ``None`` where the database gives none.
    serial_products: tiles are few or missing: a product needed once a row is worked off bit by bit where time allows.
    margin: how much faster than asked each stage is planned (placement noise).
    """

    primitives: str
    register: float
    lut: float
    mux: float
    adder: float
    adder_bit: float
    multiplier: float
    multiplier_setup: float
    multiplier_output: float
    block_ram: float
    block_ram_output: float
    tile: tuple[int, int] | None
    block_ram_limit_mhz: float | None
    serial_products: bool = False
    margin: float = 1.08

    def scaled(self, factor: float, limit_mhz: float | None) -> "Family":
        """The same family at another speed grade: every delay times ``factor``."""
        delays = ("register", "lut", "mux", "adder", "adder_bit",
                  "multiplier", "multiplier_setup", "multiplier_output", "block_ram", "block_ram_output")  # fmt: skip
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values.update({name: values[name] * factor for name in delays})
        values["block_ram_limit_mhz"] = limit_mhz
        return Family(**values)


_ECP5_6 = Family(
    primitives="ecp5",
    register=1.5,
    lut=1.1,
    mux=1.25,
    adder=1.45,
    adder_bit=0.045,
    multiplier=6.9,
    multiplier_setup=5.4,
    multiplier_output=0.5,
    block_ram=5.6,
    block_ram_output=1.0,
    tile=(18, 18),
    block_ram_limit_mhz=212.0,
)
_ICE40_HX = Family(
    primitives="ice40",
    register=2.2,
    lut=1.3,
    mux=1.6,
    adder=1.9,
    adder_bit=0.15,
    multiplier=0.0,
    multiplier_setup=0.0,
    multiplier_output=0.0,
    block_ram=3.0,
    block_ram_output=0.8,
    tile=None,
    block_ram_limit_mhz=None,
    serial_products=True,
)
_ICE40_UP = Family(
    primitives="ice40-up5k",
    register=3.2,
    lut=2.6,
    mux=3.2,
    adder=3.5,
    adder_bit=0.35,
    multiplier=14.0,
    multiplier_setup=10.0,
    multiplier_output=1.0,
    block_ram=6.0,
    block_ram_output=1.5,
    tile=(16, 16),
    block_ram_limit_mhz=None,
    serial_products=True,
)
_GENERIC = Family(
    primitives="generic",
    register=1.0,
    lut=0.8,
    mux=0.9,
    adder=1.0,
    adder_bit=0.03,
    multiplier=4.0,
    multiplier_setup=3.5,
    multiplier_output=0.5,
    block_ram=3.0,
    block_ram_output=0.5,
    tile=(18, 18),
    block_ram_limit_mhz=None,
)

_FAMILIES: dict[str, Family] = {"generic": _GENERIC}
for _size in ("12k", "25k", "45k", "85k"):
    for _grade, _factor, _limit in ((6, 1.0, 212.0), (7, 0.85, 254.0), (8, 0.76, 271.0)):
        _FAMILIES[f"ecp5-{_size}-{_grade}"] = _ECP5_6.scaled(_factor, _limit)
_FAMILIES |= {"ice40-hx1k": _ICE40_HX, "ice40-hx8k": _ICE40_HX}
_FAMILIES |= {"ice40-lp8k": _ICE40_HX.scaled(1.45, None), "ice40-up5k": _ICE40_UP}

TARGET_NAMES: tuple[str, ...] = tuple(_FAMILIES)
"""Every name that ``NormConfig.target`` may have."""


@dataclass(frozen=True)
class Target:
    """One device at one clock: which operation fits in a cycle.

    Parameters: ``name`` (one of :data:`TARGET_NAMES`), ``clock_mhz``.
    """

    name: str
    clock_mhz: float

    @property
    def family(self) -> Family:
        return _FAMILIES[self.name]

    @property
    def primitives(self) -> str:
        """``"generic"``, ``"ecp5"``, ``"ice40"`` or ``"ice40-up5k"``: which primitives the design is emitted with."""
        return self.family.primitives

    @property
    def budget(self) -> float:
        """Nanoseconds of logic between two registers (at least one LUT level, whatever the clock)."""
        family = self.family
        return max(1000.0 / self.clock_mhz / family.margin - family.register, family.lut)

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

    def __post_init__(self) -> None:
        assert self.name in _FAMILIES, self.name
