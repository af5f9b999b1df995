"""The generated parts of docs/cycles.md, and its pictures.

Everything is computed by the cycle model, recorded in Amaranth's simulator or, areas and clocks, taken from
docs/figures.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import wavedrom

from figures import ROOT, example
from figures_page import down, stored
from markdown import WHOLE, table
from streamnorm.plan import Plan
from streamnorm.spec.architectures import ARCHITECTURES, ONE_PASS
from streamnorm.spec.config import NormConfig
from streamnorm.spec.norms import NORMS
from streamnorm.spec.other_norm import with_norm
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.cycles.counts import CycleCounts, computed
from streamnorm_sim.cycles.peers import peer_counts
from streamnorm_sim.draw.cycle_plot import plot_cycles
from streamnorm_sim.draw.loss_plot import plot_losses
from streamnorm_sim.draw.timeline import draw_timeline, record_timeline
from streamnorm_sim.draw.waveform import record_waveform
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.reference.rows import corner_rows, random_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.stalls import NO_STALL, Stall, parse_stall

PAGE, WAVEFORM_SOURCE = ROOT / "docs/cycles.md", ROOT / "docs/cycles_waveform.json"
GROWTH, TIMELINE, BLOCKS = "cycles_growth.svg", "cycles_timeline.svg", "cycles_architectures.svg"
WAVEFORM, LOSSES = "cycles_waveform.svg", "cycles_losses.svg"
_ROWS = 1000
_STALLED_CYCLE = 46
_LENGTHS = (8, 64, 384, 768)
_LANES = (1, 2, 4, 8, 16, 32)
_PARTS = (None, 384, 192, 8)
_LOSSES = ("source", "slots", "buffer", "fill", "rows", "interval", "sink")


def parts() -> dict[str, str]:
    """Return the generated parts of the page."""
    bert = example("bert_int8")
    return {
        "lanes": table(
            ("lanes", "n", "L1", "L2", "L3", "SS", "L1 at 200 MHz, ns", "M rows/s"),
            (
                (*_shape(counts), *_time(counts.at(counts.config.clock_mhz)))
                for lanes in _LANES
                for counts in (computed(example("bert_int8", lanes=lanes), 768, _ROWS),)
            ),
        ),
        "lengths": table(
            ("lanes", "n", "L1", "L2", "L3", "SS"),
            (_shape(computed(bert, length, _ROWS)) for length in _LENGTHS),
        ),
        "norms": table(
            ("norm", "lanes", "n", "L1", "L2", "L3", "SS", "multipliers", "block RAMs"),
            (_normed(with_norm(bert, norm).config) for norm in NORMS),
        ),
        "early": table(
            ("rmsnorm", "L1", "L2", "L3", "SS", "at n = 768: L1", "L2", "L3", "SS"),
            _early(bert.replace(norm="rmsnorm", epsilon=1e-6)),
        ),
        "architectures": table(
            ("architecture", "L1", "L2", "L3", "SS", "at n = 768: L1", "L2", "L3", "SS"),
            _formulas(bert),
        ),
        "architecture areas": table(
            (
                *("architecture", "LUTs", "flip-flops", "multipliers", "block RAMs"),
                *("MHz", "L1, ns", "M rows/s", "results"),
            ),
            _areas(bert),
        ),
        "stalls": table(
            ("source", "sink", "cycles of 1000 rows", "SS", *_LOSSES),
            (_stalled(bert, source, sink) for source, sink in (
                ("none", "none"), ("0.1", "none"), ("none", "0.1"), ("0.1", "0.1"), ("none", "burst:50/50"),
            )),
        ),
        "peers": table(
            ("unit", "norm", "lanes", "n", "L1", "L2", "L3", "SS", "MHz", "L1, ns", "M rows/s"),
            _beside_peers(),
        ),
    }  # fmt: skip


def pictures(directory: Path) -> None:
    """Draw the page's pictures into a directory."""
    lengths = [2**power for power in range(3, 13)]
    llama = example("llama_rms_int16")
    counts = [
        computed(config, length, 20)
        for config in (llama.replace(norm="layernorm", name="int16"), llama.replace(name="int16"))
        for length in lengths
    ]
    plot_cycles(directory / GROWTH, counts)
    bert = example("bert_int8")
    source, sink = parse_stall("0.1"), parse_stall("burst:20/5")
    losses = [computed(bert, length, _ROWS, source=source, sink=sink) for length in _LENGTHS]
    plot_losses(directory / LOSSES, losses, "source 0.1, sink burst:20/5")
    draw_timeline(directory / TIMELINE, record_timeline(bert, (768, 64, 256, 8, 512)))
    units = ("one-pass", "two-pass", "three-scan", "five-scan")
    others = (bert.replace(architecture=name) for name in units)
    draw_timeline(directory / BLOCKS, *(record_timeline(unit, (768, 256)) for unit in others))
    drawing: Any = wavedrom.render(json.dumps(waveform()))
    drawing.elements.insert(1, drawing.rect(size=("100%", "100%"), fill="white"))
    drawing.saveas(directory / WAVEFORM)


def waveform_source() -> dict[str, str]:
    """Return the source of the waveform, in WaveJSON, as a page."""
    return {WHOLE: json.dumps(waveform(), ensure_ascii=False, indent=1) + "\n"}


def waveform() -> dict[str, Any]:
    """Return the WaveJSON of two rows, of which the first is held up for a cycle on its way out."""
    sink = np.zeros(_STALLED_CYCLE + 3, bool)
    sink[_STALLED_CYCLE] = True
    return record_waveform(example("bert_int8"), (20, 8), sink=Stall.explicit(sink))


def _shape(counts: CycleCounts) -> tuple[str, ...]:
    return (*(f"{n}" for n in (counts.config.lanes, counts.length, counts.L1, counts.L2, counts.L3)), f"{counts.SS:g}")


def _normed(config: NormConfig) -> tuple[str, ...]:
    plan = Plan.of(config)
    cost = (f"{sum(counts.values())}" for counts in (plan.multipliers, plan.block_rams))
    return (config.norm, *_shape(computed(config, 768, _ROWS)), *cost)


def _formulas(config: NormConfig) -> Iterable[tuple[str, ...]]:
    for name in stored()["architectures"]["units"]:
        plan = Plan.of(config.replace(architecture=name))
        formulas = (f"`{text}`" for text in plan.latency_formulas().values())
        yield (name, *formulas, *(f"{cycles}" for cycles in vars(plan.latency(768)).values()))


def _early(config: NormConfig) -> Iterable[tuple[str, ...]]:
    """Units with a statistic of the whole row and of parts of it."""
    for part in _PARTS:
        unit = config.replace(statistic_length=part)
        formulas = (f"`{text}`" for text in Plan.of(unit).latency_formulas().values())
        name = "all elements" if part is None else f"`statistic_length = {part}`"
        yield (name, *formulas, *_shape(computed(unit, 768, _ROWS))[2:])


def _areas(config: NormConfig) -> Iterable[tuple[str, ...]]:
    for name, unit in stored()["architectures"]["units"].items():
        counts = computed(config.replace(architecture=name), 768, 2)
        assert counts.placed is not None
        area = (f"{unit[key]}" for key in ("comb", "ff", "dsp", "bram"))
        yield (name, *area, *_at(counts.placed.mhz, counts.at(counts.placed.mhz)), _results(config, name))


def _results(config: NormConfig, name: str) -> str:
    """What the results are beside those of exact sums."""
    if ARCHITECTURES[name].exact:
        return "the same bits"
    rng = np.random.default_rng(0)
    rows = random_rows(config, 200, rng).x
    corners = RowBatch.pack(config, [row for _, row in corner_rows(config, rng).values()])
    exact, other = (golden_model(config.replace(architecture=one)) for one in (ONE_PASS, name))
    differ = (exact.normalize(rows) != other.normalize(rows)).mean()
    worst = Accuracy.of(config, other.normalize(corners.x, corners.lengths), corners.x, corners.lengths).max_ulp
    return f"{differ:.3%} of random rows' values differ; corner rows are off by up to {worst:.2f} LSB"


def _stalled(config: NormConfig, source: str, sink: str) -> tuple[str, ...]:
    stalls = [NO_STALL if text == "none" else parse_stall(text) for text in (source, sink)]
    counts = computed(config, 768, _ROWS, source=stalls[0], sink=stalls[1])
    assert counts.losses is not None
    lost = counts.losses.to_dict()
    steady = counts.SS if counts.stalled_SS is None else counts.stalled_SS
    return (source, sink, f"{counts.batch:,}", f"{steady:.5g}", *(f"{lost[name]:,}" for name in _LOSSES))


def _beside_peers() -> Iterable[tuple[str, ...]]:
    for norm, lanes, length in (
        ("layernorm", 8, 768), ("layernorm", 4, 768), ("layernorm", 16, 64), ("rmsnorm", 8, 768),
    ):  # fmt: skip
        counts = computed(example("bert_int8", norm=norm, lanes=lanes), length, _ROWS)
        ours = counts.placed
        yield (
            "streamnorm",
            norm,
            *_shape(counts),
            *(_UNPLACED if ours is None else _at(ours.mhz, counts.at(ours.mhz))),
        )
        for peer in peer_counts({(norm, lanes, length, 8)}):
            cycles = (str(peer[key]) for key in ("name", "norm", "lanes", "n", "L1", "L2", "L3", "SS"))
            at = peer["placed"]
            yield (*cycles, *(_UNPLACED if at is None else _at(at["clock_mhz"], at)))


_UNPLACED = ("–", "–", "–")


def _at(clock_mhz: float, at: Mapping[str, float | None]) -> tuple[str, ...]:
    """Clock, L1 in ns and million rows a second."""
    return (down(clock_mhz, 1), *_time(at))


def _time(at: Mapping[str, float | None]) -> tuple[str, ...]:
    latency, rate = at["L1_ns"], at["rows_per_second"]
    assert latency is not None
    assert rate is not None
    return (f"{latency:,.0f}", f"{rate / 1e6:.3f}")
