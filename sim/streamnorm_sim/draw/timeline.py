"""When which block of a unit works on which row: recorded in simulation, block by block, and drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.values import counted
from streamnorm_sim.engines.pysim import run
from streamnorm_sim.reference.rows import uniform_beside, uniform_elements
from streamnorm_sim.streams.seeds import seeded
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.traffic import Traffic

from .figure import TITLE_LETTERS, picture
from .series import fill_style, wrapped

__all__ = ["Timeline", "draw_timeline", "record_timeline"]


@dataclass(frozen=True)
class Timeline:
    """Cycles in which blocks work.

    Attributes
    ----------
    config : NormConfig
    lengths : tuple of int
        Elements of each row.
    stalled : bool
        Whether source or sink stalled.
    spans : dict of str to list of (row, first, last)
        By block, in the order data meets them: the row, and the cycles from the first to the last of a stretch
        without a pause. "beats in": a beat is accepted; "ingest": its differences are handed on; "statistic": from the
        row's last difference until its scale and centre are written; "row buffer": a beat is read; "apply": a result
        is written; "beats out": a beat is taken. Two passes have "squares", where a beat is read for the second pass;
        in place of statistic, row buffer and apply, scans have a line each, where a beat is read.
        Cycle 0 is the first one after reset.
    """

    config: NormConfig
    lengths: tuple[int, ...]
    stalled: bool
    spans: Mapping[str, Sequence[tuple[int, int, int]]]

    @property
    def cycles(self) -> int:
        """Cycles up to the last event."""
        return max(last for spans in self.spans.values() for _, _, last in spans) + 1


def record_timeline(
    config: NormConfig, lengths: Sequence[int], *, source: Stall = NO_STALL, sink: Stall = NO_STALL, seed: int = 0
) -> Timeline:
    """Run rows of these lengths through the unit in Amaranth's simulator, and record what its blocks do.

    Raises
    ------
    ConfigError
        If there is no row, or a length is not from 1 to ``max_length``.
    """
    if not lengths or not all(1 <= length <= config.max_length for length in lengths):
        raise ConfigError(f"lengths of {config.name}: one or more, each from 1 to {config.max_length}")
    rng = seeded(seed)
    rows = [uniform_elements(config, rng, length) for length in lengths]
    events: dict[str, list[int]] = {}

    def seen(cycle: int, values: Mapping[str, int]) -> None:
        for name, value in values.items():
            cycles = events.setdefault(name, [])
            if value:
                cycles.append(cycle)

    beside = uniform_beside(config, rng, lengths)
    traffic = Traffic(rows=rows, beside=beside, source=source, sink=sink, seed=seed)
    trace = run(config, traffic, watch=lambda top: top.unit.activity(), seen=seen)
    events = {"beats in": trace.input_cycles.tolist(), **events, "beats out": trace.output_cycles.tolist()}
    beats = [-(-length // config.lanes) for length in lengths]
    owners = np.repeat(np.arange(len(lengths)), beats).tolist()
    spans = {name: _stretches(owners, cycles) for name, cycles in events.items() if name != "statistic"}
    if "statistic" in events:
        last_beats = (np.cumsum(beats) - 1).tolist()
        begins = [events["squares" if "squares" in events else "ingest"][last] for last in last_beats]
        spans["statistic"] = list(zip(range(len(beats)), begins, events["statistic"], strict=True))
    stalled = (source, sink) != (NO_STALL, NO_STALL)
    return Timeline(config, tuple(lengths), stalled, {name: spans[name] for name in events})


def _stretches(owners: Sequence[int], cycles: Sequence[int]) -> list[tuple[int, int, int]]:
    """Runs of consecutive cycles of the same row."""
    events = zip(owners, cycles, strict=True)
    runs = groupby(enumerate(events), key=lambda event: (event[1][0], event[1][1] - event[0]))
    spans = []
    for (row, _), run_events in runs:
        run_cycles = [cycle for _, (_, cycle) in run_events]
        spans.append((row, run_cycles[0], run_cycles[-1]))
    return spans


def draw_timeline(path: Path, *timelines: Timeline) -> None:
    """Draw timelines, one below the other: a line for each block, a colour for each row; without stalls, the first
    row's L1 and L2.

    Parameters
    ----------
    path : Path
        File to write; its suffix decides the form, ``.png`` or ``.svg``.
    timelines : Timeline
        One or more.

    Raises
    ------
    ToolMissing
        If matplotlib is not installed.
    ConfigError
        If the file cannot be written.
    """
    heights = [len(timeline.spans) + 2.2 for timeline in timelines]
    with picture(path, 11, 0.38 * sum(heights) + 0.6) as figure:
        panels = figure.subplots(len(timelines), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        cycles = max(timeline.cycles for timeline in timelines)
        for panel, timeline in zip(panels, timelines, strict=True):
            _draw(panel, timeline, cycles)
        panels[-1].set(xlim=(0, cycles), xlabel="cycle")


def _draw(panel: Any, timeline: Timeline, cycles: int) -> None:
    """``cycles``: how far all panels go."""
    room = 0.04 * cycles  # of a row's name
    for line, (name, spans) in enumerate(timeline.spans.items()):
        for row, first, last in spans:
            # Statistics of several rows are under way at once.
            place = (line - 0.35 * (1 - row % 2), 0.35) if name == "statistic" else (line - 0.35, 0.7)
            panel.broken_barh([(first, last - first + 1)], place, **fill_style(row))
    if not timeline.stalled:
        _mark_latency(panel, timeline, room)
    for row, first, last in _whole_rows(timeline.spans["beats in"]):
        if last - first >= room:
            panel.text((first + last + 1) / 2, -0.5, f"row {row}", ha="center", fontsize="small")
    panel.set_yticks(range(len(timeline.spans)), list(timeline.spans))
    panel.set_ylim(len(timeline.spans) + 0.45, -0.8)
    config = timeline.config
    panel.set_title(
        wrapped(
            f"{config.name}: {config.norm}, {Plan.of(config).architecture}, {counted(config.lanes, 'lane')}, rows of "
            f"{', '.join(map(str, timeline.lengths))} elements{', stalled' if timeline.stalled else ''}",
            TITLE_LETTERS,
        ),
        fontsize="medium",
    )
    panel.grid(visible=True, axis="x", alpha=0.3)


def _mark_latency(panel: Any, timeline: Timeline, room: float) -> None:
    """Arrows for L1 and L2 of the first row, from its first and last beat in to its first beat out.

    ``room``: cycles within which half of what is written there stays clear of the frame.
    """
    _, first_in, last_in = _whole_rows(timeline.spans["beats in"])[0]
    _, first_out, _ = timeline.spans["beats out"][0]
    bottom = len(timeline.spans) - 1
    for name, start, height in (("L1", first_in, 0.72), ("L2", last_in, 1.27)):
        panel.annotate("", (start, bottom + height), (first_out, bottom + height), arrowprops={"arrowstyle": "<->"})
        text, middle = f"{name} = {first_out - start}", (start + first_out) / 2
        if middle < room:
            panel.text(first_out, bottom + height, f"  {text}", ha="left", va="center")
        else:
            panel.text(middle, bottom + height, text, ha="center", va="bottom")


def _whole_rows(spans: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    return [
        (row, stretches[0][1], stretches[-1][2])
        for row, group in groupby(spans, key=lambda span: span[0])
        if (stretches := list(group))
    ]
