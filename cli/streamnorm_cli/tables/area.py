"""Tables that several commands print."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from streamnorm_fpga.place.critical_path import CriticalPath
    from streamnorm_fpga.place.resources import Resources

__all__ = ["CYCLE_MEANINGS", "block_table", "path_table", "titled_table"]

CYCLE_MEANINGS = {
    "L1": "first beat in to first beat out",
    "L2": "last beat in to first beat out",
    "L3": "first beat in to last beat out",
    "SS": "from row to row, back to back",
}


def titled_table(title: str) -> Table:
    """An empty table, its title on one line."""
    return Table(
        title=escape(title),
        title_justify="left",
        title_style="bold",
        min_width=len(title),  # a narrower table would fold its title
        box=None,
        pad_edge=False,
        header_style="cyan",
    )


def block_table(by_block: "Mapping[str, Resources]", depth: int | None) -> Table:
    """Area by block, sub-blocks counted with the block they are in from ``depth`` on."""
    sums: dict[str, Resources] = {}
    for block, used in by_block.items():
        name = ".".join(block.split(".")[:depth])
        sums[name] = sums[name] + used if name in sums else used
    table = titled_table("area by block, before nextpnr's additions")
    table.add_column("block", overflow="fold")
    for heading in ("LUTs", "flip-flops", "multipliers", "block RAMs"):
        table.add_column(heading, justify="right")
    for block, used in sums.items():
        counts = (used.comb, used.ff, used.dsp, used.bram)
        table.add_row(escape(block), *(f"{count:,}" if count else "" for count in counts))
    return table


def path_table(seed: int, path: "CriticalPath") -> Table:
    """A critical path step by step."""
    table = titled_table(f"critical path of seed {seed}")
    table.add_column("step")
    table.add_column("ns", justify="right")
    table.add_column("to", overflow="fold")
    table.add_column("by net", style="dim", overflow="fold")
    for hop in path.hops:
        table.add_row(hop.kind, f"{hop.delay_ns:.2f}", escape(f"{hop.cell}.{hop.pin}"), escape(hop.net or ""))
    return table
