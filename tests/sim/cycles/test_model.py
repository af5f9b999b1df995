import time
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from ladder.configurations import configuration
from streamnorm.architectures import one_pass
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm_sim.cycles import CycleModel, Losses, predict
from streamnorm_sim.cycles.model import timing
from streamnorm_sim.streams.stalls import Stall
from streamnorm_sim.streams.traffic import Traffic

LONG_AGO = [[10**12, 10**12 + 1]]
"""A stall so late that it never comes, but keeps rows from being solved as wholes."""


@pytest.fixture
def config():
    return configuration("bert_ecp5_200")


@pytest.fixture
def model(config):
    return CycleModel(config)


@pytest.mark.parametrize("name", ["bert_ecp5_200", "l1_ecp5_200", "affine", "dyt"])
def test_rows_of_one_length_take_the_planned_cycles(name):
    config = configuration(name)
    model = CycleModel(config)
    for n in (1, 8, 9, 40, config.max_length):
        trace, planned = model.run([n] * 50), Plan.of(config).latency(n)
        assert trace.first_out[0] - trace.first_in[0] == planned.L1
        assert trace.first_out[0] - trace.last_in[0] == planned.L2
        assert trace.last_out[0] - trace.first_in[0] == planned.L3
        assert set(np.diff(trace.first_out)) == {planned.SS}
        assert trace.losses == Losses(fill=planned.L1)


@pytest.mark.parametrize("name", ["bert_ecp5_200", "min_length", "l1_ecp5_200", "affine"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3])
def test_rows_as_wholes_and_beat_by_beat_agree(name, share):
    config = configuration(name)
    model, rng = CycleModel(config), np.random.default_rng(3)
    lengths = np.where(rng.random(20_000) < 0.05, config.max_length, rng.integers(1, 12, 20_000))
    lengths[rng.random(20_000) < share] = 3 * config.max_length
    times = np.cumsum(rng.integers(0, 12, 20_000))
    for offered in (None, times):
        wholes = model.run(lengths, offered, cut=True)
        beats = model.run(lengths, offered, sink=LONG_AGO, cut=True)
        np.testing.assert_array_equal(wholes.input_cycles, beats.input_cycles)
        np.testing.assert_array_equal(wholes.output_cycles, beats.output_cycles)
        assert wholes.losses == beats.losses
    assert wholes.losses.source > 0
    assert wholes.losses.slots > 0 or name != "min_length"


@pytest.mark.parametrize("name", ["bert_ecp5_200", "l1_ecp5_200", "dyt"])
def test_a_stream_in_parts_is_the_whole(name):
    model, rng = CycleModel(configuration(name)), np.random.default_rng(4)
    lengths, sink = rng.integers(1, model.config.max_length, 3000, endpoint=True), rng.random(777) < 0.8
    times = np.cumsum(rng.integers(0, 20, 3000))
    whole = model.run(lengths, times, sink=sink)
    stream = model.stream(sink=sink)
    edges = [0, 1, 2, 700, 700, 2999, 3000]
    parts = [stream.feed(lengths[a:b], times[a:b]) for a, b in pairwise(edges)]
    assert [len(part) for part in parts] == np.diff(edges).tolist()
    assert np.concatenate([part.input_cycles for part in parts]).tolist() == whole.input_cycles.tolist()
    assert np.concatenate([part.output_cycles for part in parts]).tolist() == whole.output_cycles.tolist()
    assert stream.losses == whole.losses
    assert stream.rows == 3000


def test_a_slow_source_loses_its_own_cycles_only(model):
    trace = model.run([64] * 10, np.arange(10) * 20 + 2)
    assert (trace.losses.source, trace.losses.slots, trace.losses.buffer) == (9 * 12, 0, 0)
    assert (trace.losses.rows, trace.losses.sink) == (9 * 12, 0)


@pytest.mark.parametrize("architecture", ["one-pass", "two-pass"])
@pytest.mark.parametrize(("name", "cause"), [("bert_ecp5_200", "slots"), ("length_1000", "buffer")])
def test_a_sink_that_stops_fills_the_unit(name, cause, architecture):
    model = CycleModel(configuration(name, architecture=architecture))
    lengths = [model.config.max_length if cause == "buffer" else 1] * 3000
    free, stopped = model.run(lengths), model.run(lengths, sink=[[500, 3000]])
    assert stopped.losses.sink == stopped.cycles - free.cycles == 2500
    absorbed = (stopped.last_out[-1] - stopped.last_in[-1]) - (free.last_out[-1] - free.last_in[-1])
    assert getattr(stopped.losses, cause) == 2500 - absorbed
    assert 0 < absorbed <= Plan.of(model.config).buffer_beats
    assert stopped.losses.credits > 0


def test_a_static_unit_takes_in_what_its_output_queue_holds():
    """And no more than that, whatever the row's length."""
    model = CycleModel(configuration("affine"))
    limit = model.timing.limit
    for length in (1, model.config.max_length):
        stopped = model.run([length] * 3000, sink=[[500, 3000]])
        # What came in meanwhile is let out before the source may go on at full rate: in the end, it has lost as much.
        assert stopped.losses.sink == stopped.losses.buffer == 2500
        assert stopped.losses.slots == stopped.losses.credits == 0
        inside = (stopped.input_cycles < 3000).sum() - (stopped.output_cycles < 3000).sum()
        # The beat with which there are enough is known to ready late: three more come in, and one is past the queue.
        assert inside == limit + 4


@pytest.mark.parametrize("interval", [1, 3, 4, 8])
def test_there_are_exactly_as_many_slots_as_full_rate_takes(interval, monkeypatch):
    """Whatever the interval; memories are made of 16 entries, so few units would show it."""
    config = configuration("bert_ecp5_200").replace(name=f"interval_{interval}", min_length=8 * (interval - 1) + 1)

    def losses(fewer):
        asked = []

        def exactly(entries):
            asked.append(entries)
            return entries - (fewer if len(asked) == 1 else 0)  # slots, then the output queue

        monkeypatch.setattr(one_pass, "whole_columns", exactly)
        timing._timing.cache_clear()
        model = CycleModel(config)
        assert model.timing.interval == interval
        return model.run([config.min_length] * 300).losses.slots

    try:
        assert losses(0) == 0
        assert losses(1) > 0
    finally:
        timing._timing.cache_clear()


def test_short_rows_wait_for_a_shared_statistic():
    config = configuration("min_length")
    interval = Plan.of(config).interval
    trace = CycleModel(config).run([1] * 1000)
    assert np.diff(trace.last_out).tolist() == [interval] * 999
    assert trace.losses.interval == 999 * (interval - 1)
    assert trace.losses.slots > 0.9 * trace.losses.interval
    assert trace.losses.rows == trace.losses.sink == 0
    assert set(trace.losses.to_dict()) == set(Losses().to_dict())


def test_rows_that_are_too_long_are_cut(config, model):
    trace = model.run([350, 100], cut=True)
    assert trace.beats_in.tolist() == [44, 13]
    assert trace.beats_out.tolist() == [13, 13]
    assert trace.input_cycles.tolist() == list(range(2, 59))


def test_no_rows_take_no_cycles(model):
    trace = model.run([])
    assert (len(trace), trace.cycles, len(trace.input_cycles), trace.losses) == (0, 0, 0, Losses())


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([3, -1], r"lengths\[1\] = -1: must be from 1 to 100 \(max_length\)"),
        ([0], r"lengths\[0\] = 0: must be from 1 to 100 \(max_length\)"),
        ([7, 7, 101], r"lengths\[2\] = 101: must be from 1 to 100 \(max_length\)"),
        ([1.5], r"lengths are an array of float64 of shape \(1,\): must be integers \(rows,\)"),
        ([[1, 2]], r"lengths are an array of int64 of shape \(1, 2\): must be integers \(rows,\)"),
    ],
)
def test_lengths_out_of_range_are_refused(model, lengths, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        model.run(lengths)


def test_where_rows_are_cut_only_empty_ones_are_refused(model):
    with pytest.raises(ConfigError, match=r"^lengths\[1\] = 0: must be from 1 to 9007199254740992 \(2\*\*53\)$"):
        model.run([500, 0], cut=True)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([5, 4, 9], "row 1 is offered in cycle 4: must be not before cycle 5 of the row ahead of it"),
        ([-1, 4, 9], r"offered\[0\] = -1: must be from 0 to 9007199254740992"),
        ([1, 2, 3, 2], "beat 3 is offered in cycle 2: must be not before cycle 3 of the beat ahead of it"),
        (
            [1, 2],
            r"offered is an array of int64 of shape \(2,\): must be integers, one for each of 3 rows or of 4 beats",
        ),
        ([1.0, 2.0, 3.0], r"offered is an array of float64 of shape \(3,\): must be integers"),
    ],
)
def test_times_that_cannot_be_are_refused(model, times, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        model.run([8, 16, 8], times)


def test_times_must_not_decrease_from_part_to_part(model):
    stream = model.stream()
    stream.feed([8, 8], [3, 90])
    with pytest.raises(ConfigError, match=r"^row 0 is offered in cycle 89: must be not before cycle 90 of"):
        stream.feed([8], [89])
    assert stream.feed([8], [90]).first_in.tolist() == [91]


def test_what_cannot_be_predicted_is_refused(config):
    with pytest.raises(ValueError, match="a run with loads or a reset"):
        predict(config, Traffic(rows=np.zeros((2, 8), np.int64), reset_at=9))
    beats = Traffic(rows=np.zeros((2, 8), np.int64)).encode(config)
    beats.last[-1] = False
    with pytest.raises(ValueError, match="the last beat lacks tlast"):
        predict(config, Traffic(beats=beats))


def test_a_prediction_follows_seeded_stalls(config):
    traffic = Traffic(rows=np.zeros((50, 40), np.int64), sink=Stall.random(0.5), seed=7)
    assert predict(config, traffic).losses.sink > 100


def test_memory_is_that_of_a_part(model):
    stream, lengths = model.stream(), np.random.default_rng(5).integers(1, 101, 100_000)
    stream.feed(lengths)
    tracemalloc.start()
    try:
        stream.feed(lengths)
        once = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        for _ in range(98):
            stream.feed(lengths)
        assert tracemalloc.get_traced_memory()[1] < 1.2 * once
    finally:
        tracemalloc.stop()
    assert stream.rows == 10_000_000


@pytest.mark.bench
def test_a_million_rows_a_second(model):
    """With room for a busy machine: it is several millions."""
    rng = np.random.default_rng(6)
    for lengths in (np.full(500_000, 100), rng.integers(1, 101, 500_000)):
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            model.run(lengths)
            seconds.append(time.perf_counter() - start)
        assert len(lengths) / min(seconds) > 1e6


def test_a_model_needs_a_configuration():
    with pytest.raises(ConfigError, match=r"^config = 'unit.toml': must be a NormConfig; NormConfig.from_toml"):
        CycleModel("unit.toml")


def test_a_unit_that_is_not_modelled_is_refused(model):
    with pytest.raises(
        ConfigError,
        match=r"^architecture = 'three-scan': the cycle model knows these units only: one-pass, two-pass, static, "
        "deferred$",
    ):
        CycleModel(model.config.replace(architecture="three-scan"))


STREAM = {"storage": "stream", "gamma_max": 2.0, "beta_max": 1.0}
RESIDUAL = {"residual": {"format": "int8", "scale": 0.1, "emit_sum": True}}
DYNAMIC = {"format": "int8", "scale": "row"}
BANKS = {"banks": 2, "bank_order": "interpolated", "gamma": np.array([[1.0] * 40, [0.5] * 40])}

FUSED = {
    "results": {"results": [{"output": {"format": "int16", "scale": 0.01}}]},
    "stream": STREAM,
    "interpolated": BANKS,
    "interpolated behind a residual": {**BANKS, "residual": {"format": "int8", "scale": 0.1}},
    "input scale": {"input": {"format": "int8", "scale": "row"}},
    "deferred": {"norm": "rmsnorm", "defer": True},
    "deferred, centred": {"defer": True},
    "deferred behind a residual": {"norm": "rmsnorm", "defer": True, **RESIDUAL},
    "row scale": {"output": DYNAMIC},
    "row scale of two passes behind a residual": {"output": DYNAMIC, "architecture": "two-pass", **RESIDUAL},
    "row scale of rows with a scale": {"output": DYNAMIC, "input": {"format": "int8", "scale": "row"}},
    "row scale, static, streamed": {"output": DYNAMIC, "norm": "dyt", "alpha": 0.7, "epsilon": None, **STREAM},
    "static, streamed": {"norm": "affine", "epsilon": None, **STREAM},
    "static behind a residual": {"norm": "affine", "epsilon": None, **RESIDUAL},
}


def fused(name):
    int8 = {"format": "int8", "scale": 0.1}
    keys = {"norm": "layernorm", "lanes": 4, "max_length": 40, "input": int8, "output": int8, "epsilon": 1e-5}
    keys |= FUSED[name]
    if "defer" in keys and "residual" in keys:
        keys["output"] = {"format": "int9", "scale": 0.1}
    return NormConfig(**{key: of for key, of in keys.items() if of is not None})


def beside(config, per_beat, per_row):
    """A pattern for every stream beside the rows, by whether it has a beat of each beat or of each row."""
    sides = (*config.side_inputs, *config.side_outputs)
    return {side.stream: per_row if side.per_row else per_beat for side in sides}


@pytest.mark.parametrize("name", FUSED)
def test_fused_units_as_arrays_and_beat_by_beat_agree(name):
    model, rng = CycleModel(fused(name)), np.random.default_rng(9)
    for most, sink in ((40, None), (8, rng.random(301) < 0.9), (40, [[300, 900]])):
        lengths = rng.integers(1, most, 500, endpoint=True)
        free = model.run(lengths, sink=sink)
        held = model.run(lengths, sink=sink, beside=beside(model.config, LONG_AGO, LONG_AGO))
        np.testing.assert_array_equal(free.input_cycles, held.input_cycles)
        np.testing.assert_array_equal(free.output_cycles, held.output_cycles)


@pytest.mark.parametrize("name", FUSED)
def test_a_stream_in_parts_is_the_whole_of_a_fused_unit(name):
    config = fused(name)
    rng = np.random.default_rng(8)
    lengths = rng.integers(1, 60, 400)
    ends = {"source": rng.random(91) < 0.7, "sink": rng.random(77) < 0.8}
    ends["beside"] = beside(config, np.arange(83) % 3 == 2, np.arange(83) % 20 == 2)
    model = CycleModel(config)
    whole, stream = model.run(lengths, **ends, cut=True), model.stream(**ends, cut=True)
    parts = [stream.feed(part) for part in np.split(lengths, [1, 2, 3, 150, 151])]
    for end in ("input_cycles", "output_cycles"):
        assert np.concatenate([getattr(part, end) for part in parts]).tolist() == getattr(whole, end).tolist()
    assert stream.losses == whole.losses
    held = model.run(lengths, source=ends["source"], sink=ends["sink"], cut=True)
    assert held.cycles < whole.cycles
    # Where nothing is stalled, it is the plan's cycles.
    trace, planned = model.run([40] * 20), Plan.of(config).latency(40)
    assert trace.first_out[0] - trace.first_in[0] == planned.L1
    assert set(np.diff(trace.last_out)) == {planned.SS}


def test_two_passes_that_are_one_are_computed_as_one():
    one = configuration("row_of_one_beat")
    assert CycleModel(one.replace(architecture="two-pass")).timing == CycleModel(one).timing


def test_a_row_whose_beats_take_too_much_memory_is_refused_before_any_is_fed(model):
    stream = model.stream(sink=[True, False], cut=True)
    with pytest.raises(ConfigError, match=r"^lengths: with patterns, a row has 16,777,216 beats at most, 134,2"):
        stream.feed([8, 2**52])
    assert stream.rows == 0
    assert len(model.run([2**53], cut=True)) == 1
