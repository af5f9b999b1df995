"""Pictures of cycle counts: how they grow with the row length, or side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from streamnorm_sim.cycles.counts import CycleCounts

from .figure import picture

__all__ = ["plot_cycles"]

_COUNTS = ("L1", "L2", "L3", "SS")


def plot_cycles(path: Path, counts: Sequence[CycleCounts], peers: Sequence[dict[str, Any]] = ()) -> None:
    """Draw L1 and SS over n, both logarithmic, a line for each unit; or bars of all four, if there is one length.

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
    lines = [entry.to_dict() for entry in counts] + [{"architecture": "", **peer} for peer in peers]
    common = _label(lines)
    with picture(path, 10, 4.5) as figure:
        if len({line["n"] for line in lines}) > 1:
            _growth(figure, lines)
            figure.suptitle(common)
        else:
            _bars(figure, lines)
            figure.suptitle(", ".join(filter(None, (common, f"rows of {lines[0]['n']:,} elements"))))
        figure.legend(
            *figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize="small"
        )


def _label(lines: Sequence[dict[str, Any]]) -> str:
    """Give each line as "label" what tells it from the others, and return what they have in common."""
    for line in lines:
        line["of"] = f"{line['lanes']} lane" + ("s" if line["lanes"] > 1 else "")
        line["formats"] = f"{line['input']} → {line['output']}" if "input" in line else ""
        line["clock"] = f"{line['clock_mhz']:g} MHz" if "clock_mhz" in line else ""
    keys = ("name", "norm", "of", "architecture", "formats", "clock")
    ours = [line for line in lines if "rows" in line]
    own = [key for key in keys if len({line[key] for line in ours}) > 1 or (key == "name" and ours != lines)]
    for line in lines:
        line["label"] = ", ".join(line[key] for key in own if line[key]) or line["name"]
    # Units that differ in something else come one after the other.
    met = Counter[tuple[str, int]]()
    for line in lines:
        met[line["label"], line["n"]] += 1
        if (number := met[line["label"], line["n"]]) > 1:
            line["label"] += f" ({number})"
    shared = (key for key in ("name", "norm", "of", "architecture") if key not in own)
    return ", ".join(ours[0][key] for key in shared if ours[0][key] != "one-pass")


def _growth(figure: Any, lines: Sequence[dict[str, Any]]) -> None:
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    panels = figure.subplots(1, 2, sharex=True)
    lengths = sorted({line["n"] for line in lines})
    others = {line["label"] for line in lines if "rows" not in line}  # other projects' units
    for panel, count, title in zip(
        panels, ("L1", "SS"), ("first beat in to first beat out", "row to row"), strict=True
    ):
        for label in dict.fromkeys(line["label"] for line in lines):
            points = sorted((line["n"], line[count]) for line in lines if line["label"] == label)
            style = "--" if label in others else "-"
            panel.plot(*zip(*points, strict=True), style, marker="o", markersize=3, label=label)
        panel.set(xscale="log", yscale="log", xlabel="n", ylabel="cycles", title=f"{count}: {title}")
        panel.set_xticks(lengths, [f"{n}" for n in lengths], fontsize="small")
        panel.yaxis.set_major_locator(LogLocator(base=2))
        panel.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_minor_locator(NullLocator())
        panel.grid(visible=True, which="major", alpha=0.3)


def _bars(figure: Any, lines: Sequence[dict[str, Any]]) -> None:
    panel = figure.subplots()
    width = 0.8 / len(lines)
    for index, line in enumerate(lines):
        places = [place + (index - (len(lines) - 1) / 2) * width for place in range(len(_COUNTS))]
        bars = panel.bar(places, [line[count] for count in _COUNTS], width, label=line["label"])
        panel.bar_label(bars, fontsize="small")
    panel.set_xticks(range(len(_COUNTS)), _COUNTS)
    panel.set(ylabel="cycles")
