"""Runs within a simulator, on ``faulty.v``: what sources, sinks and the scoreboard do with a unit, right or wrong."""

from pathlib import Path

import cocotb
import numpy as np
import pytest
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from streamnorm import CheckFailed, ConfigError, NormConfig
from streamnorm_sim.benches.axi_bench import Bench
from streamnorm_sim.cocotb import RowSink, RowSource, Scoreboard, Stall, load_parameters, reset
from streamnorm_sim.engines.cocotb import save_stimulus
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.streams.beats import encode_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.stimulus import HangError, Stimulus, StreamViolation
from streamnorm_sim.streams.traffic import Traffic

CONFIG = NormConfig.from_toml(Path("unit.toml"))
RANDOM = Stall.random(0.5)
RARELY_OPEN = Stall.explicit(np.arange(150) != 60)
"""Each time closed for longer than `DRAIN_CYCLES`."""
RNG = np.random.default_rng(7)


async def start(dut, *, fault=0, sink=RANDOM, seed=0, config=CONFIG):
    """A unit behind its reset, and a scoreboard on it."""
    Clock(dut.aclk, 10, unit="ns").start()
    dut.fault.value = 0
    source = RowSource(dut, config, stall=0.2, seed=1)
    scoreboard = Scoreboard(source, RowSink(dut, config, stall=sink, seed=seed))
    await reset(dut)
    dut.fault.value = fault
    return scoreboard


def some_row(length=5):
    return RNG.integers(-128, 128, length)


@cocotb.test()
async def rows_come_out_as_golden(dut):
    scoreboard = await start(dut)
    rows = [some_row(length) for length in (5, 32, 1)]
    for row in rows:
        scoreboard.source.send(row, bank=1)
    assert scoreboard.pending == 3
    for row in rows:
        got = await scoreboard.check()
        np.testing.assert_array_equal(got.elements, GoldenModel(CONFIG).normalize(row[None], banks=1)[0])
        assert not got.error
    await scoreboard.finish()
    assert (scoreboard.checked, scoreboard.pending) == (3, 0)


@cocotb.test()
async def what_helpers_cannot_take_is_told(dut):
    for wrong, message in (
        (lambda: RowSource(dut, CONFIG, stall=None), "^stall None: must be none, P, "),
        (lambda: RowSource(dut, CONFIG, stall="often"), "^stall 'often': must be "),
        (lambda: Scoreboard(None, None), r"^Scoreboard\(None, None\): must be given a RowSource, then a RowSink$"),
        (lambda: RowSink(dut, "unit.toml"), "^config = 'unit.toml': must be a NormConfig"),
    ):
        with pytest.raises(ConfigError, match=message):
            wrong()
    for cycles in (0, 1, 1.5, None):
        with pytest.raises(ConfigError, match=f"^cycles = {cycles}: must be an integer of at least 2$"):
            await reset(dut, cycles)
    scoreboard = await start(dut)
    scoreboard.source.send(some_row())
    assert repr(scoreboard) == "<Scoreboard of norm: 0 rows checked, 1 pending>"
    assert repr(scoreboard.source) == "<RowSource of norm: 1 sent and not compared>"
    assert repr(scoreboard.sink) == "<RowSink of norm: 0 rows to receive>"
    await scoreboard.finish()


@cocotb.test()
async def real_values_are_quantized(dut):
    scoreboard = await start(dut)
    scoreboard.source.send([0.1, -0.26, 1000.0])
    sent = scoreboard.source.sent[0]
    assert isinstance(sent, RowBatch)
    np.testing.assert_array_equal(sent.x[0], [2, -5, 127])
    await scoreboard.finish()


@cocotb.test()
async def long_and_malformed_rows_are_flagged(dut):
    scoreboard = await start(dut)
    scoreboard.source.send(some_row(40))
    beats = encode_rows(CONFIG, RowBatch.arrange([some_row(6)]))
    beats.keep[0, 0] = False
    scoreboard.source.send_beats(beats)
    scoreboard.source.send(some_row())
    assert [(await scoreboard.check()).error for _ in range(3)] == [True, True, False]
    await scoreboard.finish()


@cocotb.test()
async def loads_count_from_the_next_row_on(dut):
    scoreboard = await start(dut)
    source, length = scoreboard.source, CONFIG.max_length
    source.send(some_row(length))
    await load_parameters(source, 2.0, -0.5)
    source.send(some_row(length))
    await load_parameters(source, np.linspace(-1, 1, 4), 0.25)
    await load_parameters(source, 0.5, np.arange(length) / length, bank=1)
    for bank in (0, 1):
        source.send(some_row(length), bank=bank)
    whole, loaded, *_ = [await scoreboard.check() for _ in range(4)]
    assert not np.array_equal(whole.elements, loaded.elements)
    await scoreboard.finish()


@cocotb.test()
async def a_reset_in_between(dut):
    scoreboard = await start(dut)
    await load_parameters(scoreboard.source, 1.5, 0.0)
    for _ in range(20):
        scoreboard.source.send(some_row(20))
    await scoreboard.check()
    await ClockCycles(dut.aclk, 30)
    await reset(dut, 2)
    scoreboard.clear()
    assert scoreboard.pending == 0
    scoreboard.source.send(some_row(9))
    await scoreboard.finish()
    assert scoreboard.checked == 2


@cocotb.test()
async def what_cannot_be_sent_is_refused(dut):
    source = (await start(dut)).source
    for row, bank, message in (
        ([1, 200], 0, r"row 0 element 1 is 200: must be from -128 to 127"),
        ([1], 2, r"banks\[0\] = 2: must be from 0 to 1"),
        ([[1]], 0, "row 0 is an array of int64 of shape"),
        ([], 0, "row 0 is an array"),
        ([[1], [1, 2]], 0, "must all have the same length"),
        (np.ma.masked_less(np.arange(4), 1), 0, "masked"),
    ):
        with pytest.raises(ConfigError, match=message):
            source.send(row, bank=bank)
    with pytest.raises(ConfigError, match="beats must be one row"):
        source.send_beats(encode_rows(CONFIG, RowBatch.arrange([[1], [2]])))
    with pytest.raises(ConfigError, match=r"^beats = None: must be Beats; encode_rows makes them of rows$"):
        source.send_beats(None)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigError, match="one shape"):
        await load_parameters(source, np.ones(4), np.ones(6))
    for gamma, bank, message in (
        (np.ones(3), 0, "load: 3 elements must be whole beats of 2, or all"),
        (1.0, 5, "load names bank 5: must be from 0 to 1"),
        (1000.0, 0, "gamma: 1000 does not fit"),
        (np.ones((2, 2)), 0, r"load: gamma and beta must have one shape \(n,\)"),
        (np.ones(4), "x", "load names bank x: must be from 0 to 1"),
        (np.ones(4), 1.0, "load names bank 1.0: must be from 0 to 1"),
        (np.ones(4), True, "load names bank True: must be from 0 to 1"),
        ("x", 0, "gamma: x: no such file"),
        (["x"] * 4, 0, "gamma"),
        (np.ma.masked_less(np.arange(4), 1), 0, "masked"),
    ):
        with pytest.raises(ConfigError, match=message):
            await load_parameters(source, gamma, 0.0, bank=bank)
    assert not source.sent
    source.send(some_row())
    load = cocotb.start_soon(load_parameters(source, 1.0, 0.0))
    await ClockCycles(dut.aclk, 1)
    with pytest.raises(ConfigError, match="before load_parameters had returned"):
        source.send(some_row())
    await load


@cocotb.test()
async def gamma_and_beta_that_are_fixed(dut):
    scoreboard = await start(dut, config=CONFIG.replace(storage="rom", gamma=np.ones((2, 32))))
    with pytest.raises(ConfigError, match='only with storage = "ram"'):
        await load_parameters(scoreboard.source, 1.0, 0.0)


@cocotb.test()
async def wrong_element(dut):
    scoreboard = await start(dut, fault=3)
    row = some_row(4), some_row(8)
    for each in row:
        scoreboard.source.send(each)
    want = GoldenModel(CONFIG).normalize(row[1][None])[0, 3]
    await scoreboard.check()
    with pytest.raises(CheckFailed, match=f"^row 1 lane 1: got {want ^ 1}, want {want} in beat 1$"):
        await scoreboard.check()


@cocotb.test()
async def wrong_flag(dut):
    scoreboard = await start(dut, fault=5)
    scoreboard.source.send(some_row(4))
    with pytest.raises(CheckFailed, match=r"^row 0: got error flag 1, want 0$"):
        await scoreboard.finish()


@cocotb.test()
async def hang(dut):
    scoreboard = await start(dut, fault=1)
    for _ in range(5):
        scoreboard.source.send(some_row(4))
    message = "^the unit hangs: 1 of 5 rows came out, and nothing moves any more$"
    with pytest.raises(HangError, match=message):
        await scoreboard.finish()


@cocotb.test()
@cocotb.parametrize(sink=[Stall(), RARELY_OPEN])
async def a_beat_too_many(dut, sink):
    scoreboard = await start(dut, fault=6, sink=sink)
    for _ in range(2):
        scoreboard.source.send(some_row(2))
    with pytest.raises(CheckFailed, match=r"^more came out than the 2 rows that were sent$"):
        await scoreboard.finish()


@cocotb.test()
async def a_beat_too_many_in_the_bench_of_engines(dut):
    traffic = Traffic(rows=[[1, 2], [3, 4]], sink=RARELY_OPEN)
    save_stimulus(Stimulus.of(CONFIG, traffic), traffic, Path("stimulus.npz"))
    Clock(dut.aclk, 10, unit="ns").start()
    dut.fault.value = 6
    with np.load("stimulus.npz") as stimulus:
        bench = Bench(dut, dict(stimulus))
    await bench.play()
    assert [beat.last for beat in bench.results.beats] == [1, 1, 1]


@cocotb.test()
@cocotb.parametrize((("sink", "seed"), [(RARELY_OPEN, 0), *((Stall.burst(8, 3), seed) for seed in (0, 14, 16, 28))]))
async def nothing_too_many(dut, sink, seed):
    scoreboard = await start(dut, sink=sink, seed=seed)
    scoreboard.source.send(some_row(2))
    await scoreboard.finish()


@cocotb.test(timeout_time=10, timeout_unit="us")
async def no_end_of_a_row(dut):
    scoreboard = await start(dut, fault=8, sink=Stall())
    with pytest.raises(CheckFailed, match=r"^row 0: 16 beats without tlast, and 16 are the most$"):
        await scoreboard.check()


@cocotb.test()
async def seeds_of_stalls(dut):
    source, sink = RowSource(dut, CONFIG, stall=RANDOM), RowSink(dut, CONFIG, stall=RANDOM)
    assert not np.array_equal(source.open, sink.open)
    for side in (RowSource, RowSink):
        for seed in (-1, 2.5, 1 << 63):
            with pytest.raises(ConfigError, match=f"seed.*{seed}"):
                side(dut, CONFIG, stall=RANDOM, seed=seed)


@cocotb.test(expect_error=StreamViolation)
async def a_beat_that_does_not_wait(dut):
    scoreboard = await start(dut, fault=2, sink=Stall.explicit([True, True, False]))
    scoreboard.source.send(some_row(32))
    await scoreboard.finish()


@cocotb.test(expect_error=(pytest.RaisesExc(CheckFailed, match=r"^m_axis has unknown bits \(X\): output beat 3, "),))
@cocotb.parametrize(fault=[4, 7])
async def unknown_bits(dut, fault):
    scoreboard = await start(dut, fault=fault)
    scoreboard.source.send(some_row(32))
    await scoreboard.finish()
