"""No device in particular: multipliers and memories are left to the synthesis tool."""

from .family import Family

__all__ = ["GENERIC"]

GENERIC = {
    "generic": Family(
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
}
