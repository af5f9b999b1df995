"""From Verilog to the netlist that is placed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .synthesis import synthesize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamnorm_fpga.families import Device

    from .netlist import Netlist

__all__ = ["map_to_part"]


def map_to_part(design: str | Mapping[str, str], top: str, device: Device, *, options: tuple[str, ...] = ()) -> Netlist:
    """Synthesize module ``top`` for a part, and make the netlist better as its family does.

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
    for improve in device.family.passes:
        netlist = improve(netlist)
    return netlist
