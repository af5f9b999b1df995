"""The self-test's rows: hardware against Python, and what they are good for."""

import time

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from fpga.top.bench_board import beat_octets
from fpga.top.stand_in import config
from streamnorm.spec.formats import IntFormat
from streamnorm_fpga.top import self_test
from streamnorm_fpga.top.memory import memory_beats
from streamnorm_fpga.top.pattern import Pattern, PatternModel
from streamnorm_fpga.top.self_test import batches, expected_signature, pattern
from streamnorm_fpga.top.signature import rows_signature
from streamnorm_sim.reference.golden import GoldenModel

CONFIGS = [
    config(lanes=1, max_length=50),
    config(lanes=2, max_length=50, input=IntFormat(4)),
    config(lanes=8, max_length=50, input=IntFormat(16)),
    config(lanes=3, max_length=50, input=IntFormat(12, signed=False)),
    config(lanes=64, max_length=200, input=IntFormat(24)),
]


FLOATS = [
    config(lanes=3, max_length=50, input=name)
    for name in ("bf16", "fp16", "fp32", "fp8_e5m2", "fp8_e4m3fn", "float(2, 1)", "float(8, 3)")
]


@pytest.mark.parametrize("unit", [*CONFIGS, *FLOATS], ids=lambda unit: f"{unit.lanes} x {unit.input.name}")
def test_hardware_and_python_make_the_same_pattern(unit):
    dut = Pattern(unit)
    module = Module()
    module.submodules.dut = dut
    simulator = Simulator(module)
    simulator.add_clock(1e-6)

    async def bench(context):
        for _ in range(2):  # once more from the beginning
            context.set(dut.restart, 1)
            await context.tick()
            context.set(dut.restart, 0)
            model = PatternModel(unit)
            for narrow in (False, True, False):
                rows = model.rows(2, 3 * unit.lanes, narrow=narrow)
                rows = rows & ((1 << unit.input.bits) - 1)  # bits above the format's are zero in the pattern
                octets = beat_octets(unit.lanes, unit.input, rows)
                size = unit.lanes * unit.input.bytes
                context.set(dut.narrow, narrow)
                for place in range(0, len(octets), size):
                    await context.tick()  # a beat stays until it is taken
                    assert context.get(dut.data) == int.from_bytes(octets[place : place + size], "little")
                    context.set(dut.advance, 1)
                    await context.tick()
                    context.set(dut.advance, 0)

    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("unit", CONFIGS, ids=lambda unit: f"{unit.lanes} x {unit.input.name}")
def test_elements_use_the_format_and_narrow_ones_a_corner_of_it(unit):
    wide = PatternModel(unit).rows(40, 50, narrow=False)
    spread = unit.input.max - unit.input.min
    assert unit.input.min <= wide.min() < unit.input.min + spread / 4
    assert unit.input.max >= wide.max() > unit.input.max - spread / 4
    assert abs(wide.mean() - (unit.input.max + unit.input.min) / 2) < spread / 10
    narrow = PatternModel(unit).rows(40, 50, narrow=True)
    assert narrow.max() - narrow.min() == 7
    if unit.input.bits > 4:
        assert narrow.min() >= spread / 8


@pytest.mark.parametrize("unit", FLOATS, ids=lambda unit: unit.input.name)
def test_floating_point_elements_are_around_1(unit):
    number = unit.input
    wide = number.dequantize(PatternModel(unit).rows(40, 50, narrow=False))
    assert np.isfinite(wide).all()
    assert 1 <= np.abs(wide).max() < 2
    assert np.signbit(wide).mean() == pytest.approx(0.5, abs=0.1)
    exponents = np.unique(number.parts(number.quantize(wide)).binade)
    assert len(exponents) == min(8, number.bias)  # binade 0 is that of two exponents
    codes = PatternModel(unit).rows(40, 50, narrow=True)
    low = min(3, number.fraction_bits)
    assert sorted(set(codes.ravel() - number.quantize([1.0]))) == list(range(1 << low))


def test_lanes_differ():
    rows = PatternModel(config(lanes=31, max_length=310)).rows(4, 310, narrow=False).reshape(-1, 31)
    assert len({tuple(lane) for lane in rows.T}) == 31


@pytest.mark.parametrize(
    "unit",
    [*CONFIGS, config(lanes=4, max_length=1), config(lanes=1, max_length=16384), config(lanes=8, max_length=8)],
    ids=lambda unit: f"{unit.lanes} lanes, {unit.max_length}",
)
def test_batches_hold_what_a_self_test_needs(unit):
    listed = batches(unit)
    assert all(1 <= batch.length <= unit.max_length for batch in listed)
    # Counters of the board, on every board.
    assert all(batch.rows <= memory_beats(unit) for batch in listed)
    last = listed[-1]
    assert (last.length, last.stalls, last.narrow) == (unit.max_length, False, False)
    assert last.rows >= 3
    assert any(batch.stalls for batch in listed)
    assert any(batch.narrow for batch in listed)
    assert any(batch.length == 1 for batch in listed)
    if unit.max_length > unit.lanes > 1:
        assert any(batch.length % unit.lanes and batch.length > unit.lanes for batch in listed)


def test_banks_take_turns():
    unit = config(max_length=9, banks=3, gamma=np.ones((3, 9)))
    assert [batch.bank for batch in batches(unit)] == [0, 1, 2, 0, 1]


def test_where_rows_take_the_banks_in_turn_a_batch_begins_where_the_one_before_has_ended():
    rng = np.random.default_rng(1)
    unit = config(max_length=9, banks=5, bank_order="cyclic", gamma=rng.uniform(0.5, 1, (5, 9)))
    assert [batch.bank for batch in batches(unit)] == [0, 3, 12 % 5, 21 % 5, 24 % 5]
    rows = [row for _, batch in pattern(unit) for row in batch]
    golden, signature = GoldenModel(unit), 0
    for number, row in enumerate(rows):
        outputs = golden.normalize(row[None, :], banks=np.array([number % 5]))
        signature = rows_signature(unit, outputs, signature=signature)
    assert expected_signature(unit) == signature


def test_the_longest_pattern_has_the_rows_of_its_batches():
    rows = pattern(config(lanes=1, max_length=16384))
    assert [(batch.rows, batch.length) for batch, _ in rows] == [each.shape for _, each in rows]


@pytest.mark.bench
def test_the_longest_pattern_is_made_in_two_seconds():
    start = time.monotonic()
    pattern(config(lanes=1, max_length=16384))
    assert time.monotonic() - start < 2


def test_signature_runs_through_all_batches(monkeypatch):
    unit = config(max_length=9)
    signature = expected_signature(unit)
    assert 0 <= signature < 1 << 32

    class WrongOnce(GoldenModel):
        """One bit of the last element of one batch is another."""

        batches, wrong = 0, 0

        def normalize(self, *rows):
            outputs = super().normalize(*rows)
            outputs[-1, -1] ^= WrongOnce.batches == WrongOnce.wrong
            WrongOnce.batches += 1
            return outputs

    monkeypatch.setattr(self_test, "golden_model", WrongOnce)
    for WrongOnce.wrong in range(len(batches(unit))):
        WrongOnce.batches = 0
        assert expected_signature(unit) != signature
    WrongOnce.batches, WrongOnce.wrong = 0, None
    assert expected_signature(unit) == signature


def test_what_must_come_out_is_what_the_architecture_gives():
    unit = config(lanes=1, max_length=50, input=IntFormat(16), output=IntFormat(16, scale=1e-4))
    signatures = {
        name: expected_signature(unit.replace(architecture=name))
        for name in ("one-pass", "two-pass", "five-scan", "five-scan:welford")
    }
    assert signatures["one-pass"] == signatures["two-pass"] == signatures["five-scan"]
    assert signatures["one-pass"] != signatures["five-scan:welford"]
