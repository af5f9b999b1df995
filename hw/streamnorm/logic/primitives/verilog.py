"""Verilog-2001 text of the wrapper modules that vendor primitives are emitted as.

Each wrapper has two bodies. With ``SYNTHESIS`` defined (yosys and the vendors' tools do so) it holds exactly
one vendor cell; otherwise a behavioural model of the same latency that needs no vendor library.

Ports of a vendor cell are connected to unsigned wires and their bits, nothing else: for signed or compound
expressions yosys looks up the cell's port, derives a copy of the black box, and then fails on any text that
was read before the black boxes were ("module is not part of the design").
"""

import re
from typing import Final

from . import verilog_ecp5, verilog_ice40

__all__ = ["wrapper_modules"]

_WRAPPERS: Final = {
    "streamnorm_ecp5_multiplier": verilog_ecp5.multiplier,
    "streamnorm_ecp5_block_ram": verilog_ecp5.block_ram,
    "streamnorm_ecp5_dual_port_rom": verilog_ecp5.dual_port_rom,
    "streamnorm_ecp5_queue_ram": verilog_ecp5.queue_ram,
    "streamnorm_ice40_multiplier": verilog_ice40.multiplier,
    "streamnorm_ice40_block_ram": verilog_ice40.block_ram,
}


def wrapper_modules(text: str, *, beside: str = "") -> str:
    """Text of every wrapper module that ``text``, Verilog or RTLIL, instantiates, in a fixed order; else empty.

    Those that the Verilog ``beside``, which is to be compiled with it, has are left out.

    Each module is guarded by a macro of its own name in capitals, so that two generated units may be compiled
    together.
    """
    used = set(re.findall(r"\bstreamnorm_\w+", text)) - set(re.findall(r"^module (\w+)", beside, re.MULTILINE))
    texts = []
    for name, module in _WRAPPERS.items():
        if name in used:
            guard = name.upper()
            texts.append(f"`ifndef {guard}\n`define {guard}\n{module(name)}`endif\n")
    return "\n".join(texts)
