"""The signature: hardware against NumPy."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator
from hypothesis import given
from hypothesis import strategies as st

from fpga.top.bench_board import beat_octets
from fpga.top.stand_in import config
from streamnorm.spec.formats import IntFormat
from streamnorm_fpga.top.recorder import Recorder
from streamnorm_fpga.top.signature import SIGNATURE_BITS, next_signature, rows_signature

CONFIGS = [
    config(lanes=1),
    config(lanes=3, output=IntFormat(20)),
    config(lanes=8, max_length=40, output=IntFormat(8, signed=False)),
    config(lanes=64, max_length=300),
]


def draw_rows(config, rows, length, seed):
    return np.random.default_rng(seed).integers(config.output.min, config.output.max + 1, (rows, length))


@pytest.mark.parametrize("errors", [False, True])
@pytest.mark.parametrize("unit", CONFIGS, ids=lambda unit: f"{unit.lanes} x {unit.output.name}")
def test_hardware_and_python_agree(unit, errors):
    octets_of_beat = unit.lanes * unit.output.bytes
    data, keep = Signal(8 * octets_of_beat), Signal(octets_of_beat)
    last, error, signature = Signal(), Signal(), Signal(SIGNATURE_BITS)
    module = Module()
    module.d.sync += signature.eq(next_signature(signature, data, keep, last, error))
    simulator = Simulator(module)
    simulator.add_clock(1e-6)
    batches = [draw_rows(unit, rows, length, length) for rows, length in ((2, 1), (3, unit.max_length), (1, 5))]
    got = []

    async def bench(context):
        context.set(error, errors)  # it counts in a row's last beat only
        for rows in batches:
            octets = beat_octets(unit.lanes, unit.output, rows)
            beats = -(-rows.shape[1] // unit.lanes)
            kept = rows.shape[1] - (beats - 1) * unit.lanes
            for place in range(beats * len(rows)):
                ends = place % beats == beats - 1
                context.set(data, int.from_bytes(octets[place * octets_of_beat :][:octets_of_beat], "little"))
                context.set(keep, (1 << (kept if ends else unit.lanes) * unit.output.bytes) - 1)
                context.set(last, ends)
                await context.tick()
            got.append(context.get(signature))

    simulator.add_testbench(bench)
    simulator.run()
    wanted = 0
    for index, rows in enumerate(batches):
        wanted = rows_signature(unit, rows, errors=errors, signature=wanted)
        assert got[index] == wanted


def test_flags_of_rows_count_with_their_last_beats():
    unit = config(lanes=3, max_length=50, input="fp16", output="bf16")
    flags = [0, 1, 2, 4, 7, 3]
    rows = draw_rows(unit, len(flags), 7, 1)
    dut = Recorder(unit)
    module = Module()
    module.submodules.dut = dut
    simulator = Simulator(module)
    simulator.add_clock(1e-6)
    got = []

    async def bench(context):
        octets = beat_octets(3, unit.output, rows)
        context.set(dut.open, 1)
        context.set(dut.valid, 1)
        for row, of_row in enumerate(flags):
            for beat in range(3):
                context.set(dut.data, int.from_bytes(octets[6 * (3 * row + beat) :][:6], "little"))
                context.set(dut.keep, 0b11 if beat == 2 else 0b111111)
                context.set(dut.last, beat == 2)
                context.set(dut.flags, of_row if beat == 2 else row)  # elsewhere nobody looks
                context.set(dut.error, row == 4)
                await context.tick()
        context.set(dut.valid, 0)
        await context.tick().repeat(3)
        got.append(context.get(dut.result_signature))

    simulator.add_testbench(bench)
    simulator.run()
    wanted = rows_signature(unit, rows[:4], flags=np.array(flags[:4]))
    wanted = rows_signature(unit, rows[4:5], flags=np.array(flags[4:5]), errors=True, signature=wanted)
    assert got == [rows_signature(unit, rows[5:], flags=np.array(flags[5:]), signature=wanted)]


def test_each_flag_shows():
    unit = config(lanes=3, max_length=50, input="fp16", output="bf16")
    rows = draw_rows(unit, 1, 7, 1)
    signatures = {rows_signature(unit, rows, flags=np.array([flags])) for flags in range(8)}
    assert len(signatures | {rows_signature(unit, rows, errors=True)}) == 9
    assert rows_signature(unit, rows) == rows_signature(unit, rows, flags=np.array([0]))


@given(st.integers(0, len(CONFIGS) - 1), st.data())
def test_one_wrong_bit_shows(index, data):
    unit = CONFIGS[index]
    rows = draw_rows(unit, 3, unit.max_length, 1)
    wrong = rows.copy()
    row, element = data.draw(st.integers(0, 2)), data.draw(st.integers(0, unit.max_length - 1))
    wrong[row, element] ^= 1 << data.draw(st.integers(0, unit.output.bits - 2))
    assert rows_signature(unit, wrong) != rows_signature(unit, rows)


def test_rows_in_another_order_or_length_show():
    unit = CONFIGS[2]
    rows = draw_rows(unit, 4, 24, 1)
    signatures = {
        rows_signature(unit, rows),
        rows_signature(unit, rows[::-1]),
        rows_signature(unit, rows[:-1]),
        rows_signature(unit, rows.reshape(8, 12)),
        rows_signature(unit, rows.reshape(2, 48)),
        rows_signature(unit, rows, errors=True),
        rows_signature(unit, np.roll(rows, 1, axis=1)),
    }
    assert len(signatures) == 7


def test_signature_of_rows_is_that_of_their_parts():
    unit = CONFIGS[1]
    rows = draw_rows(unit, 5, 7, 1)
    assert rows_signature(unit, rows[3:], signature=rows_signature(unit, rows[:3])) == rows_signature(unit, rows)


@pytest.mark.parametrize("apart", [1, 2, 4])
def test_lanes_that_change_places_show(apart):
    unit = CONFIGS[2]
    rows = draw_rows(unit, 4, 40, 1)
    lanes = np.arange(unit.lanes) ^ apart
    swapped = rows.reshape(4, -1, unit.lanes)[:, :, lanes].reshape(4, 40)
    assert rows_signature(unit, swapped) != rows_signature(unit, rows)
    flipped = rows ^ np.tile(np.isin(np.arange(unit.lanes), (0, apart)), 40 // unit.lanes)
    assert rows_signature(unit, flipped) != rows_signature(unit, rows)
