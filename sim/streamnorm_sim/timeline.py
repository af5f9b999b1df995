"""When which block of a unit works on which row: recorded in simulation, block by block, and drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Value

from streamnorm.axi import AxiNorm
from streamnorm.config import NormConfig
from streamnorm.errors import ConfigError, StreamnormError, ToolMissing
from streamnorm.unit import NormUnit

from .engines.pysim import run
from .stalls import NO_STALL, Stall
from .traffic import Traffic

__all__ = ["BLOCKS", "Timeline", "draw_timeline", "record_timeline"]

BLOCKS = ("beats in", "ingest", "statistic", "row buffer", "apply", "beats out")
"""The lines of a timeline, in the order data meets them."""


@dataclass(frozen=True)
class Timeline:
    """Cycles in which blocks work.

    Attributes
    ----------
    config : NormConfig
    lengths : tuple of int
        Elements of each row.
    spans : dict of str to list of (row, first, last)
        By the names of `BLOCKS`: the row, and the cycles from the first to the last of a stretch without a pause.
        "beats in": a beat is accepted; "ingest": its differences are handed on; "statistic": from the row's last
        difference until its scale and centre are written; "row buffer": a beat is read; "apply": a result is written;
        "beats out": a beat is taken. Cycle 0 is the first one after reset.
    """

    config: NormConfig
    lengths: tuple[int, ...]
    spans: Mapping[str, Sequence[tuple[int, int, int]]]

    @property
    def cycles(self) -> int:
        """Cycles up to the last event."""
        return max(last for spans in self.spans.values() for _, _, last in spans) + 1


def record_timeline(
    config: NormConfig,
    lengths: Sequence[int],
    *,
    source: Stall = NO_STALL,
    sink: Stall = NO_STALL,
    seed: int = 0,
) -> Timeline:
    """Run rows of these lengths through the unit in Amaranth's simulator, and record what its blocks do.

    Raises
    ------
    ConfigError
        If there is no row, or a length is not from 1 to ``max_length``.
    """
    if not lengths or not all(1 <= length <= config.max_length for length in lengths):
        raise ConfigError(f"lengths of {config.name}: one or more, each from 1 to {config.max_length}")
    rng = np.random.default_rng(seed)
    rows = [rng.integers(config.input.min, config.input.max, length, endpoint=True) for length in lengths]
    events: dict[str, list[int]] = {}

    def seen(cycle: int, values: Mapping[str, int]) -> None:
        for name, value in values.items():
            if value:
                events.setdefault(name, []).append(cycle)

    traffic = Traffic(rows=rows, source=source, sink=sink, seed=seed)
    trace = run(config, traffic, watch=_signals, seen=seen)
    beats = [-(-length // config.lanes) for length in lengths]
    owners = np.repeat(np.arange(len(lengths)), beats).tolist()
    spans = {
        name: _stretches(owners, cycles)
        for name, cycles in (
            ("beats in", trace.input_cycles.tolist()),
            ("ingest", events["difference"]),
            ("row buffer", events["issue"]),
            ("apply", events["result"]),
            ("beats out", trace.output_cycles.tolist()),
        )
    }
    ends = [events["difference"][last] for last in (np.cumsum(beats) - 1).tolist()]
    spans["statistic"] = [
        (row, first, last) for row, (first, last) in enumerate(zip(ends, events["statistic"], strict=True))
    ]
    return Timeline(config, tuple(lengths), {name: spans[name] for name in BLOCKS})


def _signals(top: AxiNorm) -> dict[str, Value]:
    unit = top.unit
    assert isinstance(unit, NormUnit)
    return {
        "difference": unit.ingest.valid,
        "statistic": unit.statistic_ring.write,
        "issue": unit.dispatch.issue,
        "result": unit.output_queue.write,
    }


def _stretches(owners: Sequence[int], cycles: Sequence[int]) -> list[tuple[int, int, int]]:
    """Runs of consecutive cycles of the same row."""
    events = zip(owners, cycles, strict=True)
    runs = groupby(enumerate(events), key=lambda event: (event[1][0], event[1][1] - event[0]))
    spans = []
    for (row, _), run_events in runs:
        run_cycles = [cycle for _, (_, cycle) in run_events]
        spans.append((row, run_cycles[0], run_cycles[-1]))
    return spans


def draw_timeline(path: Path, timeline: Timeline) -> None:
    """Draw a timeline: a line for each block, a colour for each row; L1 and L2 of the first row are marked.

    Parameters
    ----------
    path : Path
        File to write; its suffix decides the form, ``.png`` or ``.svg``.

    Raises
    ------
    ToolMissing
        If matplotlib is not installed.
    StreamnormError
        If the file cannot be written.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ToolMissing("matplotlib is not installed: pip install matplotlib") from error
    config = timeline.config
    with matplotlib.rc_context({"svg.hashsalt": "streamnorm"}):  # the same picture every time
        figure = Figure(figsize=(11, 3.8), layout="constrained")
        panel = figure.subplots()
        for line, name in enumerate(BLOCKS):
            for row, first, last in timeline.spans[name]:
                panel.broken_barh(
                    [(first, last - first + 1)], (line - 0.35, 0.7), color=f"C{row % 10}", edgecolor="white"
                )
        _mark_latency(panel, timeline)
        for row, first, last in _whole_rows(timeline.spans["beats in"]):
            panel.text((first + last + 1) / 2, -0.5, f"row {row}", ha="center", fontsize="small")
        panel.set_yticks(range(len(BLOCKS)), BLOCKS)
        panel.invert_yaxis()
        panel.set(
            xlim=(0, timeline.cycles),
            xlabel="cycle",
            title=f"{config.name}: {config.norm}, {config.lanes} lanes, rows of "
            f"{', '.join(map(str, timeline.lengths))}",
        )
        panel.grid(visible=True, axis="x", alpha=0.3)
        try:
            figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else {})
        except OSError as error:
            raise StreamnormError(f"{path}: cannot be written: {error.strerror}") from error


def _mark_latency(panel: Any, timeline: Timeline) -> None:
    """Arrows for L1 and L2 of the first row, from its first and last beat in to its first beat out."""
    _, first_in, last_in = _whole_rows(timeline.spans["beats in"])[0]
    _, first_out, _ = timeline.spans["beats out"][0]
    bottom = len(BLOCKS) - 1
    for name, start, height in (("L1", first_in, 0.62), ("L2", last_in, 1.02)):
        panel.annotate(
            "", (start, bottom + height), (first_out, bottom + height), arrowprops={"arrowstyle": "<->"}
        )
        panel.text(
            (start + first_out) / 2, bottom + height, f"{name} = {first_out - start}", ha="center", va="bottom"
        )
    panel.set_ylim(-0.8, bottom + 1.3)


def _whole_rows(spans: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    return [
        (row, stretches[0][1], stretches[-1][2])
        for row, group in groupby(spans, key=lambda span: span[0])
        if (stretches := list(group))
    ]
