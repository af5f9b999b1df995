"""What `streamnorm cycles` tells: the model's counts are the hardware's, and its pictures are drawn."""

import tracemalloc
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest

from streamnorm.errors import CheckFailed, ConfigError, StreamnormError
from streamnorm.plan import Plan
from streamnorm.spec.architectures import architectures_of
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.norms import NORMS
from streamnorm.spec.other_norm import with_norm
from streamnorm_sim.cycles import CycleModel
from streamnorm_sim.cycles import counts as cycle_counts
from streamnorm_sim.cycles.clocks import PlacedClock, measured_clock
from streamnorm_sim.cycles.counts import computed, simulated
from streamnorm_sim.cycles.peers import peer_counts, peer_figures
from streamnorm_sim.draw.cycle_plot import plot_cycles
from streamnorm_sim.draw.loss_plot import plot_losses
from streamnorm_sim.draw.timeline import draw_timeline, record_timeline
from streamnorm_sim.engines.cxxrtl import compile_together
from streamnorm_sim.streams.stalls import Stall

EXAMPLES = Path(__file__).parents[3] / "examples"
BLOCKS = ["beats in", "ingest", "statistic", "row buffer", "apply", "beats out"]


@pytest.fixture(scope="module")
def config():
    return NormConfig(
        name="counted", norm="layernorm", lanes=2, max_length=24, min_length=24, epsilon=1e-5,
        input=IntFormat(8, scale=0.05), output=IntFormat(8, scale=0.05), target="ecp5-25k-8", clock_mhz=150,
    )  # fmt: skip


@pytest.mark.parametrize("norm", ["layernorm", "l1norm", "affine"])
@pytest.mark.parametrize("stall", [Stall(), Stall.random(0.3)])
def test_the_model_counts_as_the_hardware_does(config, norm, stall):
    config = with_norm(config, norm).config
    for length in (1, 9, 24):
        expected = simulated(config, length, 30, source=stall, sink=stall, seed=3).to_dict()
        counts = computed(config, length, 30, source=stall, sink=stall, seed=3).to_dict()
        assert counts["lost"] is not None
        assert counts == expected


@pytest.mark.parametrize(
    ("norm", "architectures"),
    [
        pytest.param(norm, architectures_of(NORMS[norm]), marks=marks, id=norm)
        for norm, marks in (("layernorm", ()), ("rmsnorm", pytest.mark.slow))
    ],
)
def test_every_architecture_is_computed_as_it_runs(config, norm, architectures):
    small = IntFormat(4, scale=0.5)
    units = [config.replace(norm=norm, architecture=name, input=small, output=small) for name in architectures]
    compile_together(units)
    for unit, length in product(units, (1, 23)):
        expected = simulated(unit, length, 12).to_dict()
        counts = computed(unit, length, 12).to_dict()
        assert counts["architecture"] == unit.architecture
        one = norm == "rmsnorm" and unit.architecture == "two-pass"
        assert counts["built_as"] == ("one-pass" if one else unit.architecture)
        assert Plan.of(unit).architecture == ("two-pass = one-pass" if one else unit.architecture)
        assert counts == expected
        assert (counts["lost"] is None) == (Plan.of(unit).report.architecture not in ("one-pass", "two-pass"))


def test_a_model_that_is_wrong_is_noticed(config, monkeypatch):
    wrong = lambda config, traffic: CycleModel(config).run([24] * 4, offered=[0, 30, 80, 120])  # noqa: E731
    monkeypatch.setattr(cycle_counts, "predict", wrong)
    with pytest.raises(CheckFailed, match=r"^counted: input beat 12 is in cycle \d+; the cycle model says \d+$"):
        simulated(config, 24, 4)


def test_memory_does_not_grow_with_the_rows(config):
    peaks = []
    for rows in (500_000, 2_000_000):
        tracemalloc.start()
        counts = computed(config, 24, rows)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert counts.batch == counts.L3 + 3 + round((rows - 1) * counts.SS)
    assert peaks[1] < 1.2 * peaks[0]


def test_parts_do_not_change_a_count(config, monkeypatch):
    whole = computed(config, 9, 300, source=Stall.random(0.1), sink=Stall.random(0.3))
    monkeypatch.setattr(cycle_counts, "_PART_BEATS", 40)
    assert computed(config, 9, 300, source=Stall.random(0.1), sink=Stall.random(0.3)) == whole


@pytest.mark.parametrize("key", ["source", "sink"])
@pytest.mark.parametrize("architecture", ["one-pass", "three-scan"])
def test_what_is_no_stall_is_called_by_its_own_name(config, key, architecture):
    for count in (computed, simulated):
        with pytest.raises(ConfigError, match=rf"^{key} = 0\.3: must be a Stall, such as Stall\.random\(0\.3\)$"):
            count(config.replace(architecture=architecture), 24, 10, **{key: 0.3})


def test_stalls_of_other_architectures_are_measured_only(config):
    with pytest.raises(ConfigError, match=r"stalls: the cycle model does not know the three-scan unit; simulate it"):
        computed(config.replace(architecture="three-scan"), 24, 10, sink=Stall.random(0.5))
    free, stalled = (
        simulated(config.replace(architecture="three-scan"), 24, 10, sink=sink) for sink in (Stall(), Stall.random(0.5))
    )
    assert stalled.batch > free.batch
    assert (stalled.L1, stalled.SS) == (free.L1, free.SS)


def test_counts_are_the_plans(config):
    counts = computed(config, 24, 50)
    assert vars(Plan.of(config).latency(24)) == {name: getattr(counts, name) for name in ("L1", "L2", "L3", "SS")}


def test_time_is_told_at_the_planned_and_at_the_placed_clock(config):
    counts = computed(config, 24, 50)
    assert counts.placed is None
    line = replace(counts, placed=PlacedClock(100, "given")).to_dict()
    for at, mhz in ((line, 150), (line["placed"], 100)):
        assert at["clock_mhz"] == mhz
        for name in ("L1", "L2", "L3", "SS"):
            assert at[f"{name}_ns"] == pytest.approx(1000 * line[name] / mhz)
        assert at["stalled_rows_per_second"] is None
    assert line["placed"]["by"] == "given"


def test_rates_are_those_of_rows_back_to_back(config):
    few, many = (computed(config, 24, rows).to_dict() for rows in (2, 200))
    assert few["rows_per_second"] == many["rows_per_second"] == 150e6 / many["SS"]
    assert few["elements_per_second"] == 24 * few["rows_per_second"]
    stall = Stall.explicit(np.arange(4) == 0)
    stalled = computed(config, 24, 2000, sink=stall).to_dict()
    assert stalled["rows_per_second"] == many["rows_per_second"]
    assert stalled["stalled_SS"] == pytest.approx(24 / 2 * 4 / 3, rel=1e-3)
    assert stalled["stalled_rows_per_second"] == pytest.approx(150e6 / stalled["stalled_SS"])


def test_clocks_are_those_of_the_very_units_that_were_placed():
    bert = NormConfig.from_toml(EXAMPLES / "bert_int8.toml")
    assert 190 < measured_clock(bert).mhz < 213
    assert measured_clock(bert).by == "measured"
    clocks = [measured_clock(bert.replace(architecture=name)).mhz for name in architectures_of(bert.formula)]
    # Welford's loop is slower than what has none; five-scan has a placement that is as slow.
    assert min(clocks[:3]) > max(clocks[4:])
    assert min(clocks) in clocks[4:]
    assert measured_clock(bert.replace(lanes=4)) is None
    assert measured_clock(bert.replace(clock_mhz=201)) is None
    slow = NormConfig.from_toml(EXAMPLES / "bert_int8_50mhz.toml")
    fewer, more = computed(slow, 768, 2), computed(bert, 768, 2)
    assert fewer.L1 < more.L1
    assert fewer.to_dict()["placed"]["L1_ns"] > 2 * more.to_dict()["placed"]["L1_ns"]


@pytest.mark.parametrize("count", [computed, simulated])
def test_what_cannot_be_counted(config, count):
    with pytest.raises(ConfigError, match=r"^length = 25: must be an integer from 1 to 24 \(max_length of counted\)"):
        count(config, 25, 10)
    with pytest.raises(ConfigError, match="rows = 1: must be an integer from 2 to 1000000000; from row"):
        count(config, 24, 1)


def test_peers_are_those_of_the_shape():
    found = peer_counts({("layernorm", 8, 768, 8)})
    assert [peer["name"] for peer in found] == ["MASE", "FINN"]
    assert all((peer["norm"], peer["lanes"], peer["n"]) == ("layernorm", 8, 768) for peer in found)
    assert peer_counts({("layernorm", 8, 767, 8)}) == []
    assert peer_figures()["source"]


def test_a_peers_clock_is_told_where_just_this_shape_was_placed():
    def clocks(*shape):
        placed = ((peer["name"], peer["bits"], peer["placed"], peer["note"]) for peer in peer_counts({shape}))
        return [(name, bits, at and at["clock_mhz"], note) for name, bits, at, note in placed]

    finn = ("FINN", None, None, "does not place on ECP5")
    assert clocks("layernorm", 8, 768, 8) == [("MASE", 8, 47.9, ""), finn]
    assert clocks("layernorm", 4, 768, 16) == [("MASE", 16, 37.1, "results are wrong"), finn]
    assert clocks("layernorm", 8, 768, 16) == [
        ("MASE", None, None, ""),
        finn,
    ]  # so wide, with so many lanes: not placed
    assert clocks("rmsnorm", 8, 768, 8) == [("MASE", 8, 49.3, "")]
    assert clocks("rmsnorm", 4, 768, 8) == [("MASE", None, None, "")]
    [mase, _] = peer_counts({("layernorm", 8, 768, 8)})
    assert mase["placed"]["L1_ns"] == pytest.approx(216e3 / 47.9)
    assert mase["placed"]["rows_per_second"] == pytest.approx(47.9e6 / 96)
    both = peer_counts({("layernorm", 4, 768, bits) for bits in (8, 12, 16)})
    assert [(peer["name"], peer["bits"]) for peer in both] == [("MASE", 8), ("MASE", 16), ("FINN", None)]


def test_a_timeline_shows_every_beat_in_its_block(config):
    lengths = (24, 1, 7, 24)
    timeline = record_timeline(config, lengths, sink=Stall.random(0.4), seed=5)
    assert list(timeline.spans) == BLOCKS
    beats = [-(-length // config.lanes) for length in lengths]
    for name, spans in timeline.spans.items():
        assert [row for row, _, _ in spans] == sorted(row for row, _, _ in spans)
        if name != "statistic":
            taken = np.zeros(len(lengths), int)
            for row, first, last in spans:
                taken[row] += last - first + 1
            assert taken.tolist() == beats, name
    # Each block works on a row after the one before it.
    for earlier, later in pairwise(BLOCKS[3:]):
        assert timeline.spans[earlier][0][1] < timeline.spans[later][0][1]


@pytest.mark.parametrize(
    ("architecture", "blocks"),
    [
        ("one-pass", BLOCKS),
        ("two-pass", ["beats in", "ingest", "squares", *BLOCKS[2:]]),
        ("three-scan", ["beats in", "ingest", "mean", "variance", "apply", "beats out"]),
        ("five-scan", ["beats in", "ingest", "mean", "variance", "normalize", "scale", "shift", "beats out"]),
        ("three-scan:welford", ["beats in", "ingest", "mean and variance", "apply", "beats out"]),
    ],
)
def test_a_timeline_has_the_architectures_blocks_and_latency(config, architecture, blocks):
    spans = record_timeline(config.replace(architecture=architecture), (24, 8)).spans
    assert list(spans) == blocks
    latency = Plan.of(config.replace(architecture=architecture)).latency(24)
    assert spans["beats out"][0][1] - spans["beats in"][0][1] == latency.L1
    for name in set(blocks) - {"statistic"}:
        beats = [sum(last - first + 1 for row, first, last in spans[name] if row == of) for of in (0, 1)]
        assert beats == [12, 4]
    # Each row's step begins after that of the row before it.
    assert all(spans[name] == sorted(spans[name], key=lambda span: span[1]) for name in blocks)


def test_a_timeline_of_rows_that_cannot_be(config):
    for lengths in ((), (0,), (25,)):
        with pytest.raises(ConfigError, match="lengths of counted: one or more, each from 1 to 24"):
            record_timeline(config, lengths)


@pytest.mark.parametrize(
    ("suffix", "what"), [(".png", "growth"), (".svg", "growth"), (".svg", "losses"), (".svg", "timelines")]
)
def test_pictures_are_the_same_every_time(config, suffix, what, tmp_path):
    pytest.importorskip("matplotlib")
    counts = [computed(config, length, 5) for length in (4, 24)]
    timelines = [record_timeline(config.replace(architecture=name), (24, 3)) for name in ("one-pass", "five-scan")]
    draws = {
        "growth": lambda path: plot_cycles(path, counts, peer_counts({("layernorm", 8, 768, 8)})),
        "losses": lambda path: plot_losses(path, counts, "none"),
        "timelines": lambda path: draw_timeline(path, *timelines),
    }
    draw = draws[what]
    for name in ("a", "b"):
        draw(tmp_path / f"{name}{suffix}")
    pictures = [(tmp_path / f"{name}{suffix}").read_bytes() for name in ("a", "b")]
    assert pictures[0] == pictures[1]
    assert len(pictures[0]) > 5000
    with pytest.raises(StreamnormError, match=r"cannot be written: there is no directory .*nowhere$"):
        draw(tmp_path / "nowhere" / f"picture{suffix}")
