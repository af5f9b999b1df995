"""The slowest register-to-register path of a placed and routed unit, told by the unit's blocks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from streamnorm.errors import CheckFailed

if TYPE_CHECKING:
    from .blocks import Blocks

__all__ = ["CriticalPath", "Hop", "critical_path"]


@dataclass(frozen=True)
class Hop:
    """One step of a path: ``delay_ns`` in the cell or on the net that leads to ``cell``, pin ``pin``."""

    kind: str
    cell: str
    pin: str
    net: str | None
    delay_ns: float


@dataclass(frozen=True, kw_only=True)
class CriticalPath:
    """A path from one register to another.

    Members
    -------
    start, end : str
        Cell and pin, for example ``unit.statistic.normalize.shifted_TRELLIS_FF_Q_3.Q``.
    blocks : tuple of str
        Blocks the path runs through, first to last, as instance paths (``unit.statistic.normalize``); ``top``
        is the unit's top module, ``port NAME`` the register on the other side of a port.
    delay_ns, logic_ns, routing_ns : float
        Whole delay with clock-to-output and setup; its part in cells; its part on wires.
    levels : int
        Cells with logic between the two registers.
    """

    start: str
    end: str
    blocks: tuple[str, ...]
    delay_ns: float
    logic_ns: float
    routing_ns: float
    levels: int
    hops: tuple[Hop, ...]

    @property
    def at_port(self) -> bool:
        """Whether the path starts or ends outside the unit, in a register next to one of its ports."""
        return self.blocks[0].startswith("port ") or self.blocks[-1].startswith("port ")

    def __str__(self) -> str:
        levels = f"{self.levels} level{'' if self.levels == 1 else 's'}"
        return (
            f"{' → '.join(self.blocks)}: {self.delay_ns:.2f} ns "
            f"({self.logic_ns:.2f} logic, {self.routing_ns:.2f} routing, {levels})"
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def critical_path(report: dict[str, Any], clock: str, blocks: Blocks) -> CriticalPath:
    """Pick the path that bounds ``clock`` from nextpnr's report.

    Raises
    ------
    CheckFailed
        If the report has no such path.
    """
    edges = {f"posedge {clock}", f"negedge {clock}"}
    paths = [path for path in report["critical_paths"] if path["from"] in edges and path["to"] in edges]
    if not paths:
        raise CheckFailed(f"nextpnr reported no path on clock {clock}")
    worst = max(paths, key=lambda path: sum(step["delay"] for step in path["path"]))["path"]
    hops = tuple(
        Hop(step["type"], step["to"]["cell"], step["to"]["port"], step.get("net"), round(step["delay"], 3))
        for step in worst
    )
    routing = sum(hop.delay_ns for hop in hops if hop.kind == "routing")
    whole = sum(hop.delay_ns for hop in hops)
    passed: list[str] = []
    for hop in hops:
        # Between the registers, a LUT named after some port of the unit tells nothing of where the path runs.
        at_end = hop is hops[0] or hop is hops[-1]
        block = blocks.of(hop.cell) if at_end else blocks.origin(hop.cell)
        if block is not None and passed[-1:] != [block]:
            passed.append(block)
    return CriticalPath(
        start=f"{hops[0].cell}.{hops[0].pin}",
        end=f"{hops[-1].cell}.{hops[-1].pin}",
        blocks=tuple(passed),
        delay_ns=round(whole, 3),
        logic_ns=round(whole - routing, 3),
        routing_ns=round(routing, 3),
        levels=sum(hop.kind == "logic" for hop in hops),
        hops=hops,
    )
