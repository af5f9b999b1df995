"""What ``streamnorm cycles`` tells, as tables and as lines for spreadsheets."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from streamnorm.spec.architectures import architectures_of
from streamnorm.spec.values import counted

from .area import titled_table

if TYPE_CHECKING:
    from streamnorm_sim.cycles.counts import CycleCounts

_LOST = ("source", "slots", "buffer", "beside", "fill", "rows", "interval", "sink")
_TEXTS = ("unit", "architecture", "norm", "in → out", "clock")

_Line = dict[str, str]
"""What a table tells of a unit, by its heading."""


def tables(
    results: Sequence["CycleCounts"], peers: Sequence[dict[str, Any]], notes: Sequence[str] = (), *, by_hardware: bool
) -> list[RenderableType]:
    """Return the counts in cycles, then in time at the clocks that are known, and what has to be said about them.

    Other projects' units come last. What all units have in common stands in the title. ``notes``: what else is said.
    """
    # A norm's first architecture goes without saying.
    chosen = any(
        config.architecture != architectures_of(config.formula, defer=config.defer)[0]
        for config in (counts.config for counts in results)
    )
    units = [_unit(counts, architecture=chosen) for counts in results]
    others = [_other(peer) for peer in peers]
    always = ("lanes", "n", "unit") if peers else ("lanes", "n")
    alike = [name for name in units[0] if name not in always and len({unit[name] for unit in units}) == 1]
    how = "measured on the hardware" if by_hardware else "computed"
    facts = [units[0][name] for name in alike]
    title = f"cycles, {how}; a batch of {results[0].rows:,} rows; {', '.join(facts)}"
    # With stalls, losses take the room; they change no area.
    area = chosen or len({counts.config.norm for counts in results if counts.stalled_SS is None}) > 1
    cycles = [
        [unit | _cycles(counts, area=area) for unit, counts in zip(units, results, strict=True)],
        [other | _four(peer) for other, peer in zip(others, peers, strict=True)],
    ]
    times = [
        [
            unit | _time("planned", counts.at(counts.config.clock_mhz))
            for unit, counts in zip(units, results, strict=True)
        ],
        [
            unit | _time("given" if counts.placed.by == "given" else "placed", counts.at(counts.placed.mhz))
            for unit, counts in zip(units, results, strict=True)
            if counts.placed is not None
        ]
        + [
            other | _time("placed", peer["placed"])
            for other, peer in zip(others, peers, strict=True)
            if peer["placed"] is not None
        ],
    ]
    below = Text("\n".join((*notes, *_notes(results, peers))), style="dim")
    parts = [_table(title, alike, cycles), _table("time, and rates of rows back to back", alike, times)]
    return [*parts, below] if below else [*parts]


def _table(title: str, alike: Sequence[str], sections: Sequence[Sequence[_Line]]) -> Table:
    """A table of some sections; columns with nothing in them are left out, and those that are alike."""
    result = titled_table(title)
    lines = [line for section in sections for line in section]
    headings = [
        name
        for name in dict.fromkeys(name for line in lines for name in line)
        if name not in alike and any(line.get(name, "") not in ("", "0") for line in lines)
    ]
    for heading in headings:
        result.add_column(heading, no_wrap=True, justify="left" if heading in _TEXTS else "right")
    for section in sections:
        for line in section:
            result.add_row(*(escape(line.get(name, "")) for name in headings))
        result.add_section()
    return result


def _unit(counts: "CycleCounts", *, architecture: bool) -> _Line:
    config = counts.config
    return {
        "unit": config.name,
        **({"architecture": counts.plan.architecture} if architecture else {}),
        "norm": config.norm,
        "in → out": f"{config.input.name} → {config.output.name}",
        "lanes": f"{config.lanes}",
        "n": f"{counts.length:,}",
    }


def _other(peer: dict[str, Any]) -> _Line:
    bits = "" if peer["bits"] is None else f", {peer['bits']} bits"
    return {"unit": f"{peer['name']}{bits}", "norm": peer["norm"], "lanes": f"{peer['lanes']}", "n": f"{peer['n']:,}"}


def _four(counts: dict[str, Any]) -> _Line:
    return {name: f"{counts[name]:,g}" for name in ("L1", "L2", "L3", "SS")}


def _cycles(counts: "CycleCounts", *, area: bool) -> _Line:
    stalled = "" if counts.stalled_SS is None else f"{counts.stalled_SS:,.2f}"
    line = {**_four(vars(counts)), "stalled\nSS": stalled, "batch": f"{counts.batch:,}"}
    if counts.losses is not None:
        lost = counts.losses.to_dict()
        line |= {f"lost:\n{name}": f"{lost[name]:,}" for name in _LOST}
    if area:
        line["multi-\npliers"] = f"{sum(counts.plan.multipliers.values())}"
        line["block\nRAMs"] = f"{sum(counts.plan.block_rams.values())}"
    return line


def _time(clock: str, at: dict[str, Any]) -> _Line:
    line = {"clock": clock, "MHz": f"{at['clock_mhz']:g}"}
    line |= {f"{name},\nns": _ns(at[f"{name}_ns"]) for name in ("L1", "L2", "L3", "SS")}
    line |= {"M rows\n/s": _rate(at["rows_per_second"], 1e6)}
    stalled = at.get("stalled_rows_per_second")
    line |= {"stalled\nM rows/s": "" if stalled is None else _rate(stalled, 1e6)}
    return line | {"G elements\n/s": _rate(at["elements_per_second"], 1e9)}


def _ns(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def _rate(value: float | None, unit: float) -> str:
    return "-" if value is None else f"{value / unit:.3f}"


def _notes(results: Sequence["CycleCounts"], peers: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What the tables cannot say."""
    yield from dict.fromkeys(notice for counts in results for notice in counts.notices)
    for plan in {(counts.plan.architecture, counts.config.norm): counts.plan for counts in results}.values():
        if plan.config.architecture != plan.report.architecture:
            why = "takes no squares" if plan.config.formula.centred else "subtracts no mean"
            yield f"{plan.architecture}: {plan.config.norm} {why}, and so needs no second pass"
    without = [counts for counts in results if counts.placed is None]
    if without:
        who = "these units have" if len(without) == len(results) else "some have"
        yield f"{who} no placed clock here: streamnorm fit measures it, --fmax takes it"
    for peer in peers:
        who = f"{_other(peer)['unit']}, {peer['norm']}, {counted(peer['lanes'], 'lane')}, n = {peer['n']:,}"
        if peer["note"] or peer["placed"] is None:
            yield f"{who}: {peer['note'] or 'was not placed, so there is no clock'}"


def flat(line: dict[str, Any]) -> dict[str, Any]:
    """A line for spreadsheets: what was lost, and what is known at the placed clock, in columns of their own."""
    cells = {key: value for key, value in line.items() if key not in ("lost", "placed", "notices")}
    for inner, names in (("placed", _PLACED), ("lost", (*_LOST, "credits"))):
        known = line.get(inner) or {}
        cells |= {f"{inner}_{name}": known.get(name, "") for name in names}
    return cells


_PLACED = (
    *("by", "clock_mhz", "L1_ns", "L2_ns", "L3_ns", "SS_ns"),
    *("rows_per_second", "elements_per_second", "stalled_rows_per_second"),
)
