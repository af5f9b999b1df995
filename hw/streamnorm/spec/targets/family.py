"""What one clock cycle holds in a device family at one speed grade.

All delays are estimates that include routing; they were fitted to nextpnr 0.11.1 results of single operations (see
``docs/architecture.md``) and only place registers. They never change a value.
"""

from dataclasses import dataclass, fields, replace

__all__ = ["Family"]


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
    lut_ram: small memories fit into LUTs; elsewhere they are block RAMs, and their output register the one inside.
    margin: how much faster than asked each stage is planned, 0.08 for 8 %, where the configuration does not say.
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
    margin: float = 0.08

    def scaled(self, factor: float, limit_mhz: float | None) -> "Family":
        """The same family at another speed grade: every delay times ``factor``."""
        return replace(self, block_ram_limit_mhz=limit_mhz, **{name: getattr(self, name) * factor for name in _DELAYS})


_DELAYS = tuple(field.name for field in fields(Family) if field.type is float and field.name != "margin")
