"""Pictures of cycle counts: how they grow with the row length, or side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import log
from pathlib import Path
from typing import Any

from streamnorm.spec.architectures import ONE_PASS
from streamnorm.spec.values import counted
from streamnorm_sim.cycles.counts import CycleCounts

from .facts import facts_of
from .figure import NAME_LETTERS, TITLE_LETTERS, legend_below, picture
from .series import COLOURS, OTHERS, line_style, named, other_style, wrapped

__all__ = ["plot_cycles"]

_MEANINGS = {
    "L1": "first beat in to first beat out",
    "L2": "last in to first out",
    "L3": "first in to last out",
    "SS": "row to row",
}
_RINGS = 6
"""Curves that can be seen where all are the same."""
_TICK_ROOM = 0.06
"""Of an axis, what the number at a tick takes."""


@dataclass(frozen=True)
class _Line:
    """A unit with rows of one length: its cycles, and ns and rates at a clock (empty where none is known)."""

    name: str
    length: int
    cycles: Mapping[str, float]
    times: Mapping[str, float]
    ours: bool


@dataclass(frozen=True)
class _Panel:
    """What one panel shows of a line, None where it is not known."""

    title: str
    short: str
    unit: str
    of: Callable[[_Line], float | None]


def plot_cycles(path: Path, counts: Sequence[CycleCounts], peers: Sequence[dict[str, Any]] = ()) -> None:
    """Draw L1 and SS over the row length, a line for each unit; or bars of all four, if there is one length.

    L1 in ns and rows a second stand beside them: at the placed clocks if those of all units are known, else at the
    planned ones; other projects' units always at those they reached when placed, which the title then says. So it does
    of units that cannot exist on their target, which have no times.

    Parameters
    ----------
    path : Path
        File to write; its suffix decides the form, ``.png`` or ``.svg``.
    counts : sequence of CycleCounts
    peers : sequence of dict
        As `peer_counts` returns them.

    Raises
    ------
    ToolMissing
        If matplotlib is not installed.
    ConfigError
        If the file cannot be written.
    """
    lines, common, clock = _lines(counts, peers)
    panels = [_cycle_panel(name) for name in _MEANINGS]
    times = [
        _Panel(f"L1, {clock} clock", "L1 in ns", "ns", lambda line: line.times.get("L1_ns")),
        _Panel(f"rows, {clock} clock", "rows/s", "million rows a second", _million_rows),
    ]
    times = [panel for panel in times if any(panel.of(line) is not None for line in lines)]
    if any("L1_ns" not in line.times for line in lines if line.ours):
        common = ", ".join(filter(None, (common, "no times of units that cannot exist")))
    if clock == "planned" and any(peer["placed"] for peer in peers):
        common = ", ".join(filter(None, (common, "other projects at their placed clocks")))
    if len({line.length for line in lines}) > 1:
        _growth(path, lines, [panels[0], panels[-1], *times], common)
    else:
        title = ", ".join(filter(None, (common, f"rows of {lines[0].length:,} elements")))
        _bars(path, lines, [*panels, *times], title)


def _lines(counts: Sequence[CycleCounts], peers: Sequence[dict[str, Any]]) -> tuple[list[_Line], str, str]:
    """Everything to draw, what all of it has in common, and which of its clocks it is drawn at."""
    placed = all(entry.placed is not None for entry in counts)
    clocks = [entry.placed.mhz if placed and entry.placed else entry.config.clock_mhz for entry in counts]
    facts = [facts_of(entry) | {"clock": f"{clock:g} MHz"} for entry, clock in zip(counts, clocks, strict=True)]
    names, common = named(facts, [entry.length for entry in counts], always="name" if peers else "", unsaid=ONE_PASS)
    lines = [
        _Line(
            name or entry.config.name,
            entry.length,
            {key: getattr(entry, key) for key in _MEANINGS},
            {key: value for key, value in entry.at(clock).items() if value is not None},
            ours=True,
        )
        for entry, clock, name in zip(counts, clocks, names, strict=True)
    ]
    lines += [
        _Line(name, peer["n"], {key: peer[key] for key in _MEANINGS}, peer["placed"] or {}, ours=False)
        for name, peer in zip(_peer_names(peers, facts), peers, strict=True)
    ]
    return lines, common, "placed" if placed else "planned"


def _peer_names(peers: Sequence[dict[str, Any]], facts: Sequence[Mapping[str, str]]) -> list[str]:
    """Names of other projects' units, which tell what is not the same for all of ours, whose facts these are."""
    told = [key for key in ("norm", "lanes") if len({of[key] for of in facts}) > 1]
    shapes = Counter((peer["name"], peer["norm"], peer["lanes"], peer["n"]) for peer in peers)
    one_length = len({peer["n"] for peer in peers}) == 1
    names = []
    for peer in peers:
        parts = [peer["name"]]
        parts += [peer["norm"]] if "norm" in told else []
        parts += [counted(peer["lanes"], "lane")] if "lanes" in told else []
        # Of several lengths only some may have been placed, and one line joins them.
        alone = one_length or shapes[peer["name"], peer["norm"], peer["lanes"], peer["n"]] > 1
        parts += [f"{peer['bits']} bits"] if alone and peer["bits"] is not None else []
        parts += [f"{peer['placed']['clock_mhz']:g} MHz"] if one_length and peer["placed"] else []
        names.append(", ".join(parts))
    return names


def _cycle_panel(name: str) -> _Panel:
    return _Panel(f"{name}: {_MEANINGS[name]}", name, "cycles", lambda line: line.cycles[name])


def _million_rows(line: _Line) -> float | None:
    rate = line.times.get("rows_per_second")
    return None if rate is None else rate / 1e6


def _growth(path: Path, lines: Sequence[_Line], panels: Sequence[_Panel], title: str) -> None:
    names = list(dict.fromkeys(line.name for line in lines))
    ours = {line.name for line in lines if line.ours}
    styles = _styles(names, ours)
    rows = len(panels) // 2
    same: dict[str, dict[str, str]] = {name: {} for name in names}
    with picture(path, 10, 0.5 + 3.6 * rows) as figure:
        for axes, panel in zip(figure.subplots(rows, 2, squeeze=False).flat, panels, strict=True):
            curves = {
                name: {line.length: value for line in lines if line.name == name and (value := panel.of(line))}
                for name in names
            }
            curves = {name: curve for name, curve in curves.items() if curve}
            _draw_curves(axes, curves, styles, partial(_note, same, panel))
            values = [value for curve in curves.values() for value in curve.values()]
            _scale(axes, panel, sorted({line.length for line in lines}), values)
        figure.suptitle(wrapped(title, TITLE_LETTERS))
        legend_below(figure, *_legend(names, styles, same))


def _styles(names: Sequence[str], ours: set[str]) -> dict[str, dict[str, Any]]:
    own = [name for name in names if name in ours]
    others = [name for name in names if name not in ours]
    return {name: line_style(number) for number, name in enumerate(own)} | {
        name: other_style(number) for number, name in enumerate(others)
    }


def _note(same: dict[str, dict[str, str]], panel: _Panel, name: str, hidden_by: str) -> None:
    same[name][panel.short] = hidden_by


def _draw_curves(
    axes: Any,
    curves: Mapping[str, Mapping[int, float]],
    styles: Mapping[str, dict[str, Any]],
    tell: Callable[[str, str], None],
) -> None:
    """Draw curves; one that runs along another is drawn beneath it and wider, and told with the first such one."""
    depths: dict[str, int] = {}
    for name, curve in curves.items():
        along = [other for other in depths if _coincide(curve, curves[other])]
        depths[name] = max((depths[other] for other in along), default=-1) + 1
        if along:
            tell(name, along[0])
        depth = min(depths[name], _RINGS - 1)
        size = {"linewidth": 1.5 + 2 * depth, "markersize": 4.5 + 3 * depth, "zorder": 3 - 0.1 * depth}
        axes.plot(*zip(*sorted(curve.items()), strict=True), **styles[name], **size)


def _coincide(one: Mapping[int, float], other: Mapping[int, float]) -> bool:
    """Whether one of two curves hides behind the other."""
    fewer, more = sorted((one, other), key=len)
    return all(more.get(length) == value for length, value in fewer.items())


def _legend(
    names: Sequence[str], styles: Mapping[str, dict[str, Any]], same: Mapping[str, Mapping[str, str]]
) -> tuple[list[Any], list[str]]:
    """Handles and labels; with numbers, where a label has to tell which other curve one is the same as."""
    from matplotlib.lines import Line2D

    labels = list(names)
    if any(same.values()):
        numbers = {name: number for number, name in enumerate(names, start=1)}
        labels = []
        for name, number in numbers.items():
            by: dict[int, list[str]] = {}
            for short, hidden_by in same[name].items():
                by.setdefault(numbers[hidden_by], []).append(short)
            notes = "; ".join(f"{', '.join(shorts)} same as {other}" for other, shorts in by.items())
            labels.append(f"{number}  {name}" + (f"  ({notes})" if notes else ""))
    return [Line2D([], [], markersize=5, **styles[name]) for name in names], labels


def _scale(axes: Any, panel: _Panel, lengths: Sequence[int], values: Sequence[float]) -> None:
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    axes.set(xscale="log", xlabel="elements in a row", ylabel=panel.unit, title=panel.title)
    ticks = _apart(lengths)
    axes.set_xticks(ticks, [f"{n}" for n in ticks], fontsize="small")
    axes.xaxis.set_minor_locator(NullLocator())
    if max(values) > 4 * min(values):
        axes.set_yscale("log")
        binary = panel.unit == "cycles"
        axes.yaxis.set_major_locator(LogLocator(base=2) if binary else LogLocator(base=10, subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(visible=True, which="major", alpha=0.3)


def _apart(lengths: Sequence[int]) -> list[int]:
    """Those whose numbers do not touch on a logarithmic axis, the longest among them."""
    room = _TICK_ROOM * log(lengths[-1] / lengths[0])
    ticks = [lengths[-1]]
    for length in reversed(lengths[:-1]):
        if log(ticks[0] / length) >= room:
            ticks.insert(0, length)
    return ticks


def _bars(path: Path, lines: Sequence[_Line], panels: Sequence[_Panel], title: str) -> None:
    names = [wrapped(line.name, NAME_LETTERS) for line in lines]
    columns = len(panels) // 2
    row = 0.7 + 0.14 * sum(name.count("\n") + 2 for name in names)
    kinds: dict[bool, dict[str, Any]] = {
        True: {"facecolor": COLOURS[0]},
        False: {"facecolor": OTHERS[1], "hatch": "///", "edgecolor": "white"},
    }
    with picture(path, 10, 0.5 + 2 * row) as figure:
        from matplotlib.patches import Patch

        for axes, panel in zip(figure.subplots(2, columns, sharey=True).flat, panels, strict=True):
            values = [panel.of(line) for line in lines]
            for place, (line, value) in enumerate(zip(lines, values, strict=True)):
                bar = axes.barh(place, value or 0, 0.8, **kinds[line.ours])
                text = "" if value is None else f"{value:,.3g}" if value < 100 else f"{value:,.0f}"
                axes.bar_label(bar, [text], fontsize="small", padding=2)
            axes.set(title=panel.title, xlabel=panel.unit)
            axes.set_xlim(0, 1.28 * max(value or 0 for value in values))
            axes.set_yticks(range(len(names)), names, fontsize="small")
            axes.set_ylim(len(names) - 0.4, -0.6)
        figure.suptitle(wrapped(title, TITLE_LETTERS))
        if not all(line.ours for line in lines):
            labels = {True: "streamnorm", False: "other projects"}
            legend_below(figure, [Patch(**kinds[kind]) for kind in labels], list(labels.values()))
