"""One multiplier tile: MULT18X18D on ECP5, SB_MAC16 on iCE40 UltraPlus, ``a * b`` elsewhere."""

from __future__ import annotations

from amaranth.hdl import ClockSignal, Instance, Module, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .emission import check_family, emits_vendor_cells

__all__ = ["Multiplier", "tile_limit"]

_TILE_LIMITS = {"ecp5": 18, "ice40-up5k": 16}
_WRAPPERS = {"ecp5": "streamnorm_ecp5_multiplier", "ice40-up5k": "streamnorm_ice40_multiplier"}


def tile_limit(family: str) -> int | None:
    """Widest operand, in bits, signed or unsigned, that one multiplier tile of ``family`` takes.

    ``None``: the family has no tiles (``generic``, ``ice40``); a multiplication is logic of any width.
    """
    return _TILE_LIMITS.get(check_family(family))


class Multiplier(wiring.Component):
    """Exact product of two integers in one hardware tile.

    Latency is :attr:`latency` = ``input_registers + output_registers`` cycles, one product per cycle, always
    enabled. The registers have no reset and start at zero; on a vendor family they are those of the tile.

    Parameters
    ----------
    a_shape, b_shape : Shape
        Operand shapes; each may be signed or unsigned.
    input_registers, output_registers : bool
        Whether both operands, and the product, are registered.
    family : str
        Device family.

    Members
    -------
    a : In(a_shape)
    b : In(b_shape)
    p : Out(a_shape.width + b_shape.width bits, signed if either operand is)

    Raises
    ------
    ValueError
        If an operand is empty or wider than :func:`tile_limit`, or the family is unknown.
    """

    def __init__(
        self, *, a_shape: Shape, b_shape: Shape, input_registers: bool, output_registers: bool, family: str = "generic"
    ) -> None:
        limit = tile_limit(family)
        for name, shape in (("a", a_shape), ("b", b_shape)):
            if shape.width < 1:
                raise ValueError(f"operand {name} of a multiplier needs at least 1 bit")
            if limit is not None and shape.width > limit:
                raise ValueError(
                    f"operand {name} of a multiplier has {shape.width} bits; a tile of {family!r} takes at most {limit}"
                )
        self.a_shape = a_shape
        self.b_shape = b_shape
        self.p_shape = Shape(a_shape.width + b_shape.width, a_shape.signed or b_shape.signed)
        self.input_registers = bool(input_registers)
        self.output_registers = bool(output_registers)
        self.family = family
        super().__init__({"a": In(a_shape), "b": In(b_shape), "p": Out(self.p_shape)})

    @property
    def latency(self) -> int:
        """Cycles from operands to product."""
        return self.input_registers + self.output_registers

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if emits_vendor_cells(platform, self.family) and self.family in _WRAPPERS:
            m.submodules.tile = Instance(
                _WRAPPERS[self.family],
                p_A_WIDTH=self.a_shape.width,
                p_B_WIDTH=self.b_shape.width,
                p_A_SIGNED=int(self.a_shape.signed),
                p_B_SIGNED=int(self.b_shape.signed),
                p_INPUT_REGISTERS=int(self.input_registers),
                p_OUTPUT_REGISTERS=int(self.output_registers),
                i_clk=ClockSignal(),
                i_a=self.a,
                i_b=self.b,
                o_p=self.p,
            )
            return m
        a, b = self.a, self.b
        if self.input_registers:
            a = Signal(self.a_shape, reset_less=True)
            b = Signal(self.b_shape, reset_less=True)
            m.d.sync += [a.eq(self.a), b.eq(self.b)]
        if self.output_registers:
            product = Signal(self.p_shape, reset_less=True)
            m.d.sync += product.eq(a * b)
            m.d.comb += self.p.eq(product)
        else:
            m.d.comb += self.p.eq(a * b)
        return m
