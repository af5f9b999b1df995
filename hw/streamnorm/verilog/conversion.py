"""From an elaborated design to Verilog text that every tool reads alike."""

import re
from collections.abc import Mapping
from typing import Any

from amaranth.back import verilog as amaranth_verilog
from amaranth.hdl import Fragment

from streamnorm.errors import StreamnormError, as_named, last_line

__all__ = ["converted"]


def converted(fragment: Fragment, ports: Mapping[str, Any], name: str) -> str:
    """Return the Verilog of a design, its top module called ``name``; wrappers of vendor cells are not in it.

    ``ports``: the signal of each, by its name; direction as the design uses it.

    Raises
    ------
    StreamnormError
        If yosys, which writes it, fails: on a full disk, for one.
    """
    connections = {port: (signal, None) for port, signal in ports.items()}
    try:
        text, _ = amaranth_verilog.convert_fragment(
            fragment, connections, name, emit_src=False, strip_internal_attrs=True
        )
    except amaranth_verilog.YosysError as error:
        yosys = as_named("yosys", "YOSYS")  # as Amaranth has it
        raise StreamnormError(f"{yosys}, which writes the Verilog, fails: {last_line(str(error))}") from error
    # Icarus Verilog, as SystemVerilog, does not run `always @*` at time 0: what depends on signals that never change
    # would stay unknown. yosys starts such blocks with an event on this register, which has to come as one.
    return re.sub(r"reg (\\\$auto\$verilog_backend\S+) +=( 1'h0| 0);", r"reg \1 ; initial \1 = 0;", text)
