"""What one clock cycle holds in a device family at one speed grade.

All delays are estimates that include routing; they were fitted to nextpnr 0.11.1 results of single operations and of
whole units (see ``docs/architecture.md``) and only place registers. They never change a value.
"""

from dataclasses import dataclass, fields, replace

__all__ = ["Family"]


SMALL_BITS, LARGE_BITS = 160, 400
"""Bits of a unit, see :meth:`Family.margin_of`, up to which it is small, and from which on it is large."""
TILE_BITS, WIDE_BITS = 16, 24
"""Bits of a number up to which its products are those of few tiles, and from which on those of many."""
SLOW, FAST = 0.75, 0.9
"""Shares of the block RAMs' limit. Up to the first a clock is slow: a stage holds several operations there, so that one
bad route matters more, and a register costs least. Beyond the second a stage is little more than a route."""


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
    lane_distance: how much farther it is where products of several lanes meet.
    shared_distance: how much farther it is from tiles that have an operand in common with others.
    tile_distance: how far it is from logic to a tile, which stands where it stands.
    block_distance: how much farther it is from a block RAM to a multiplier tile: both stand where they stand. Counted
        where gamma goes to its product, and from the table of a root.
    block_ram: clock to data of a block RAM without an output register.
    block_ram_output: the same behind its output register.
    tile: signed operand widths of the multiplier tile; ``None`` builds multipliers from logic.
    block_ram_limit_mhz: what the block RAM's minimum pulse width allows, ``None`` where the database gives none.
    serial_products: tiles are few or missing: a product needed once a row is worked off bit by bit where time allows.
    lut_ram: small memories fit into LUTs; elsewhere they are block RAMs, and their output register the one inside.
    lut_ram_read: from a wide one's address to its data, that of two columns.
    margin, margin_large: how much faster than asked each stage is planned, 0.08 for 8 %, where the configuration does
        not say: that of small units and of large ones, whose cells lie farther apart. See :meth:`margin_of`.
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
    lut_ram: bool = True
    lut_ram_read: float = 0.0
    lane_distance: float = 0.0
    shared_distance: float = 0.0
    tile_distance: float = 0.0
    block_distance: float = 0.0
    margin: float = 0.08
    margin_large: float = 0.08

    @property
    def margins(self) -> str:
        """The margins of small to large units in words."""
        return f"{self.margin:g}" + (
            f" to {self.margin_large:g} by size, width and clock" if self.margin_large != self.margin else ""
        )

    def margin_of(self, lanes: int, input_bits: int, output_bits: int, clock_mhz: float) -> float:
        """The margin of a unit at a clock, between that of small units and that of large ones; to the percent.

        In proportion to the unit's bits, those of its lanes and four times the input's for the statistic, or to the
        width of its numbers, whichever is more; at a slow clock at least halfway.
        """
        shares = [
            self._size(lanes, input_bits, output_bits),
            (max(input_bits, output_bits) - TILE_BITS) / (WIDE_BITS - TILE_BITS),
            0.5 if clock_mhz <= SLOW * (self.block_ram_limit_mhz or 0.0) else 0.0,
        ]
        return round(self.margin + min(max(shares), 1.0) * (self.margin_large - self.margin), 2)

    def may_miss(self, lanes: int, input_bits: int, output_bits: int, clock_mhz: float) -> bool:
        """Whether placement may well miss the clock, whatever is planned: that of a unit halfway to a large one, with
        more than nine tenths of what block RAMs bear."""
        limit = self.block_ram_limit_mhz
        return limit is not None and clock_mhz > FAST * limit and self._size(lanes, input_bits, output_bits) >= 0.5

    @staticmethod
    def _size(lanes: int, input_bits: int, output_bits: int) -> float:
        """0 or less for a small unit, 1 or more for a large one."""
        return (lanes * (input_bits + output_bits) + 4 * input_bits - SMALL_BITS) / (LARGE_BITS - SMALL_BITS)

    def scaled(self, factor: float, limit_mhz: float | None) -> "Family":
        """The same family at another speed grade: every delay times ``factor``."""
        return replace(self, block_ram_limit_mhz=limit_mhz, **{name: getattr(self, name) * factor for name in _DELAYS})


_DELAYS = tuple(field.name for field in fields(Family) if field.type is float and not field.name.startswith("margin"))
