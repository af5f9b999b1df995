"""Picture of where the cycles of a batch went: beats, and what was lost by cause."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from streamnorm.spec.architectures import ONE_PASS
from streamnorm_sim.cycles.counts import CycleCounts

from .facts import facts_of
from .figure import NAME_LETTERS, TITLE_LETTERS, legend_below, picture
from .series import COLOURS, named, wrapped

__all__ = ["plot_losses"]

_BEATS, _UNKNOWN = "beat", "unknown"
_ENDS = {"input": ("source", "slots", "buffer", "beside"), "output": ("fill", "rows", "interval", "sink")}
_ABOUT = {
    _BEATS: "a beat moved",
    "source": "source: nothing was offered",
    "slots": "slots: no place for a further row",
    "buffer": "buffer: the row buffer was full",
    "fill": "fill: up to the first beat",
    "rows": "rows: the next row was not ready",
    "interval": "interval: a shared multiplier was busy",
    "sink": "sink: it was not ready",
    "beside": "beside: a stream beside was not there, or not taken",
    _UNKNOWN: "lost, cause not known",
}
_STYLES: dict[str, dict[str, Any]] = {
    cause: {"facecolor": colour} for cause, colour in zip(_ABOUT, ("#d9d9d9", *COLOURS[:8], "#ffffff"), strict=True)
}
_STYLES[_UNKNOWN] |= {"hatch": "///", "edgecolor": "#7f7f7f"}


def plot_losses(path: Path, counts: Sequence[CycleCounts], stalls: str) -> None:
    """Draw a bar for each unit and length: the share of its batch's cycles in which a beat moved, or why none did.

    The input's cycles go up to the last beat in, the output's to the last one out.

    Parameters
    ----------
    path : Path
        File to write; its suffix decides the form, ``.png`` or ``.svg``.
    counts : sequence of CycleCounts
    stalls : str
        What they were counted with, for the title.

    Raises
    ------
    ToolMissing
        If matplotlib is not installed.
    ConfigError
        If the file cannot be written.
    """
    facts = [facts_of(entry) | {"length": f"rows of {entry.length:,}"} for entry in counts]
    names, common = named(facts, [None] * len(counts), unsaid=ONE_PASS)
    names = [wrapped(name, NAME_LETTERS) for name in names]
    height = 1.3 + 0.14 * sum(name.count("\n") + 2 for name in names)
    met: dict[str, None] = {}
    with picture(path, 10, height) as figure:
        from matplotlib.patches import Patch

        for axes, end in zip(figure.subplots(1, 2, sharey=True), _ENDS, strict=True):
            for place, entry in enumerate(counts):
                parts = _parts(entry, end)
                cycles = sum(parts.values())
                start = 0.0
                for cause, lost in parts.items():
                    share = 100 * lost / cycles
                    axes.barh(place, share, 0.8, start, **_STYLES[cause])
                    if share >= 8:
                        colour = "black" if cause in (_BEATS, _UNKNOWN) else "white"
                        text = {"ha": "center", "va": "center", "fontsize": "small", "color": colour}
                        axes.text(start + share / 2, place, f"{share:.0f}", **text)
                    start += share
                    met[cause] = None
                text = f"{cycles:,}" if cycles else "not known"
                axes.text(101, place, text, va="center", fontsize="small")
            axes.set(title=f"{end}: share of its cycles", xlabel="%", xlim=(0, 122))
            axes.set_xticks(range(0, 101, 20))
            axes.set_yticks(range(len(names)), names, fontsize="small")
            axes.set_ylim(len(names) - 0.4, -0.6)
        title = ", ".join(filter(None, (common, f"{counts[0].rows:,} rows, stalled: {stalls}")))
        figure.suptitle(wrapped(title, TITLE_LETTERS))
        shown = [cause for cause in _ABOUT if cause in met]
        legend_below(figure, [Patch(**_STYLES[cause]) for cause in shown], [_ABOUT[cause] for cause in shown])


def _parts(counts: CycleCounts, end: str) -> dict[str, int]:
    """Cycles of an end by what happened in them; what is 0 is left out, and nothing is there of what is not known."""
    beats = counts.rows * counts.beats
    if counts.losses is not None:
        lost = counts.losses.to_dict()
        return {_BEATS: beats} | {cause: lost[cause] for cause in _ENDS[end] if lost[cause]}
    return {_BEATS: beats, _UNKNOWN: counts.batch - beats} if end == "output" else {}
