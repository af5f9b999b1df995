"""Lattice ECP5, by size and speed grade."""

from .capacity import Capacity
from .family import Family

__all__ = ["ECP5", "ECP5_CAPACITIES"]

_SIZES = {
    "12k": Capacity(luts=24288, multipliers=28, block_rams=56),
    "25k": Capacity(luts=24288, multipliers=28, block_rams=56),
    "45k": Capacity(luts=43848, multipliers=72, block_rams=108),
    "85k": Capacity(luts=83640, multipliers=156, block_rams=208),
}

_GRADE_6 = Family(
    primitives="ecp5",
    register=1.5,
    lut=1.1,
    mux=1.25,
    adder=1.45,
    adder_bit=0.045,
    multiplier=6.9,
    multiplier_setup=5.4,
    multiplier_output=0.9,
    block_ram=5.6,
    block_ram_output=1.0,
    tile=(18, 18),
    block_ram_limit_mhz=212.0,
    lut_ram_read=3.0,
    lane_distance=0.1,
    shared_distance=0.15,
    tile_distance=2.0,
    block_distance=2.5,
    margin=0.06,
    margin_large=0.14,
)

_GRADES = {6: _GRADE_6, 7: _GRADE_6.scaled(0.85, 254.0), 8: _GRADE_6.scaled(0.76, 271.0)}

ECP5 = {f"ecp5-{size}-{grade}": family for size in _SIZES for grade, family in _GRADES.items()}

ECP5_CAPACITIES = {f"ecp5-{size}-{grade}": capacity for size, capacity in _SIZES.items() for grade in _GRADES}
