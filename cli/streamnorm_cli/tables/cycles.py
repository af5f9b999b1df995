"""What ``streamnorm cycles`` tells, as a table and as lines for spreadsheets."""

from typing import TYPE_CHECKING, Any

from rich.table import Table

from .area import titled_table

if TYPE_CHECKING:
    from streamnorm_sim.cycles.counts import CycleCounts

_LOST = ("source", "slots", "buffer", "rows", "interval", "sink")


def table(results: list["CycleCounts"], peers: list[dict[str, Any]], *, by_hardware: bool) -> Table:
    """Return the counts as a table, other projects' units last."""
    result = titled_table(
        f"cycles, {'measured on the hardware' if by_hardware else 'computed'}; a batch of {results[0].rows:,} rows"
    )
    lines = [_line(counts) for counts in results]
    headings = [name for name in lines[0] if any(line[name] is not None for line in lines)]
    if all(line["architecture"] == "one-pass" for line in lines):
        headings = [name for name in headings if name not in ("architecture", "multipliers", "block RAMs")]
    for heading in headings:
        text = heading in ("unit", "norm", "architecture", "in → out")
        result.add_column(heading, no_wrap=text, justify="left" if text or heading == "lost, by cause" else "right")
    for line in lines:
        result.add_row(*("" if line[name] is None else line[name] for name in headings))
    if peers:
        result.add_section()
    for peer in peers:
        cells = {"unit": peer["name"], "norm": peer["norm"]}
        cells |= {key: f"{peer[key]:,}" for key in ("lanes", "n", "L1", "L2", "L3", "SS")}
        result.add_row(*(cells.get(name, "") for name in headings))
    return result


def _line(counts: "CycleCounts") -> dict[str, str | None]:
    """What the table tells of a unit, by its heading; None where it is not known."""
    config, plan = counts.config, counts.plan
    return {
        "unit": config.name,
        "architecture": config.architecture,
        "norm": config.norm,
        "in → out": f"{config.input.name} → {config.output.name}",
        "lanes": f"{config.lanes}",
        "n": f"{counts.length:,}",
        "L1": f"{counts.L1:,}",
        "L2": f"{counts.L2:,}",
        "L3": f"{counts.L3:,}",
        "SS": f"{counts.SS:,g}",
        "batch": f"{counts.batch:,}",
        "M rows/s": f"{counts.rows_per_second / 1e6:.3f}",
        "G elements/s": f"{counts.elements_per_second / 1e9:.3f}",
        "at MHz": f"{config.clock_mhz:g}",
        "multipliers": f"{sum(plan.multipliers.values())}",
        "block RAMs": f"{sum(plan.block_rams.values())}",
        "lost, by cause": None if counts.losses is None else _lost(counts.losses.to_dict()),
    }


def _lost(losses: dict[str, int]) -> str:
    return ", ".join(f"{name} {losses[name]:,}" for name in _LOST if losses[name]) or "none"


def flat(line: dict[str, Any]) -> dict[str, Any]:
    """A line for spreadsheets, losses in columns of their own."""
    lost = line.get("lost") or {}
    return {key: value for key, value in line.items() if key != "lost"} | {
        f"lost_{name}": lost.get(name, "") for name in (*_LOST, "fill", "credits")
    }
