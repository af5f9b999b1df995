"""From Verilog to the netlist that is placed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .carry import trim_carry_chains
from .synthesis import synthesize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamnorm_fpga.devices import Device

    from .netlist import Netlist

__all__ = ["map_to_part"]


def map_to_part(design: str | Mapping[str, str], top: str, device: Device, *, options: tuple[str, ...] = ()) -> Netlist:
    """Synthesize module ``top`` for a part; on ECP5 the ends of its carry chains are trimmed.

    Parameters
    ----------
    options : tuple of str
        Further options of yosys' synthesis pass.

    Raises
    ------
    CheckFailed
        If the module cannot be synthesized.
    ToolMissing
        If yosys is not there.
    """
    netlist = synthesize(design, top, device, options=options)
    return trim_carry_chains(netlist) if device.family == "ecp5" else netlist
