"""Lattice iCE40: HX and LP, and UltraPlus, which has multipliers."""

from functools import partial

from .capacity import Capacity
from .family import Family

__all__ = ["ICE40", "ICE40_CAPACITIES"]

_HX = Family(
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
    lut_ram=False,
)
_UP = Family(
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
    lut_ram=False,
)

ICE40 = {"ice40-hx1k": _HX, "ice40-hx8k": _HX, "ice40-lp8k": _HX.scaled(1.45, None), "ice40-up5k": _UP}

_capacity = partial(Capacity, logic="logic cells")

ICE40_CAPACITIES = {
    "ice40-hx1k": _capacity(luts=1280, multipliers=0, block_rams=16),
    "ice40-hx8k": _capacity(luts=7680, multipliers=0, block_rams=32),
    "ice40-lp8k": _capacity(luts=7680, multipliers=0, block_rams=32),
    "ice40-up5k": _capacity(luts=5280, multipliers=8, block_rams=30),
}
