"""The whole board logic around a stand-in for the unit, bit by bit over its serial line."""

import json
from dataclasses import replace

import numpy as np
import pytest

from fpga.top.bench_board import CLOCK_MHZ, NoAnswer, beat_octets, rows_body, run
from fpga.top.stand_in import LATENCY, config, outputs
from marks import slow_among
from streamnorm.spec.formats import IntFormat
from streamnorm_fpga.link.codec import encode_frame
from streamnorm_fpga.link.protocol import (
    CONTROL_STALLS,
    FLAG_SELF_TEST_FINISHED,
    FLAG_SELF_TEST_PASSED,
    Operation,
    Status,
)
from streamnorm_fpga.top.banks import in_turn
from streamnorm_fpga.top.board_top import identity, info, memory_beats
from streamnorm_fpga.top.self_test import batches, pattern
from streamnorm_fpga.top.signature import rows_signature

CONFIGS = {
    "2 x int8": config(),
    "1 x int8": config(lanes=1, max_length=9),
    "3 x int16 to uint8, 3 banks": config(
        lanes=3, max_length=11, banks=3, input=IntFormat(16), output=IntFormat(8, signed=False), gamma=np.ones((3, 11))
    ),
    "3 x int16 to uint8, 5 banks in turn": config(
        **{"lanes": 3, "max_length": 11, "banks": 5, "bank_order": "cyclic", "gamma": np.ones((5, 11))},
        input=IntFormat(16),
        output=IntFormat(8, signed=False),
    ),
    "2 x int8 to int16, 300 banks": config(banks=300, storage="ram", output=IntFormat(16)),
    "2 x uint12 to int20, parameters in RAM": config(
        storage="ram", input=IntFormat(12, signed=False), output=IntFormat(20)
    ),
}
PASSED = FLAG_SELF_TEST_FINISHED | FLAG_SELF_TEST_PASSED


def draw_rows(config, rows, length, seed):
    return np.random.default_rng(seed).integers(config.input.min, config.input.max + 1, (rows, length))


LATER = ("1 x int8", "3 x int16 to uint8, 3 banks", "2 x int8 to int16, 300 banks")
"""Of no other width than the first, but for the lanes; and whose banks are named as those of the last, or wider."""

UNITS = slow_among(CONFIGS, LATER)


@pytest.fixture(params=UNITS)
def unit(request):
    return CONFIGS[request.param]


WIDE = pytest.mark.parametrize("unit", UNITS[2:], indirect=True)
"""Those with several octets to an element, with banks and with parameters in RAM."""


def test_self_test_passes_at_power_up_and_again(unit):
    async def bench(host):
        await host.until(lambda: host.context.get(host.dut.leds) >> 1 & 3)
        assert host.context.get(host.dut.leds) >> 1 & 3 == 1
        first, _ = await host.ask(Operation.SELF_TEST)
        second, payload = await host.ask(Operation.SELF_TEST)
        played = sum(batch.rows * -(-batch.length // unit.lanes) for batch in batches(unit))
        # Rows of a beat, until it is the turn of bank 0 again.
        ahead = -sum(batch.rows for batch in batches(unit)) % unit.banks if in_turn(unit) else 0
        assert first.flags == second.flags == PASSED
        assert (first.beats_in, first.beats_out) == (2 * played + ahead, 2 * played + ahead)
        assert (second.beats_in, second.beats_out) == (3 * played + 2 * ahead, 3 * played + 2 * ahead)
        assert first.signature == second.signature
        assert (second.status, second.rows_out, second.row_errors, payload) == (Status.OK, 4, 0, b"")
        assert (second.l1, second.l3, second.ss) == (LATENCY, LATENCY + unit.max_beats - 1, unit.max_beats)

    run(unit, bench)


@pytest.mark.parametrize("beat", [0, *(pytest.param(beat, marks=pytest.mark.slow) for beat in (50, -1))])
def test_self_test_finds_one_wrong_bit(beat):
    unit = CONFIGS["2 x int8"]
    played = sum(batch.rows * -(-batch.length // unit.lanes) for batch in batches(unit))

    async def bench(host):
        await host.until(lambda: host.context.get(host.dut.leds) >> 1 & 3)
        assert host.context.get(host.dut.leds) >> 1 & 3 == 2
        record, _ = await host.ask(Operation.INFO)
        assert record.flags == FLAG_SELF_TEST_FINISHED
        record, _ = await host.ask(Operation.SELF_TEST)  # the stand-in does it once only
        assert record.flags == PASSED

    run(unit, bench, wrong_beat=beat % played)


@WIDE
def test_info(unit):
    async def bench(host):
        record, payload = await host.ask(Operation.INFO)
        assert record.status == Status.OK
        assert payload == info(unit, CLOCK_MHZ)
        said = json.loads(payload)
        assert said["memory_beats"] == memory_beats(unit)
        assert (said["name"], said["clock_mhz"], said["planned_mhz"]) == ("stand_in", CLOCK_MHZ, 100.0)

    run(unit, bench)


def test_rows_come_back(unit):
    async def bench(host):
        record, _ = await host.ask(Operation.INFO)
        lengths = (1, unit.lanes, unit.lanes + 1, unit.max_length, unit.max_length)
        turn = sum(batch.rows for batch in batches(unit))
        for seed, length in enumerate(lengths):
            control = CONTROL_STALLS if seed == len(lengths) - 1 else 0
            rows, bank = draw_rows(unit, 3, length, seed), seed * 71 % unit.banks
            ahead = (bank - turn) % unit.banks if in_turn(unit) else 0
            turn = bank + 3
            before, beats = record, 3 * -(-length // unit.lanes)
            record, payload = await host.ask(Operation.ROWS, rows_body(unit, rows, bank=bank, control=control))
            wanted = outputs(unit, rows, bank)
            assert payload == beat_octets(unit.lanes, unit.output, wanted), f"seed {seed}"
            assert record.signature == rows_signature(unit, wanted)
            assert (record.status, record.rows_out, record.line_errors, record.row_errors) == (0, 3, 0, 0)
            assert record.beats_in - before.beats_in == record.beats_out - before.beats_out == beats + ahead
            if not control:
                cycles = beats // 3
                assert (record.l1, record.l2) == (LATENCY, LATENCY - cycles + 1)
                assert (record.l3, record.ss) == (LATENCY + cycles - 1, cycles)

    run(unit, bench)


def test_lone_row_has_no_row_before_it():
    unit = CONFIGS["2 x int8"]

    async def bench(host):
        for _ in range(2):
            record, _ = await host.ask(Operation.ROWS, rows_body(unit, draw_rows(unit, 1, 7, 1)))
            assert (record.l1, record.ss) == (LATENCY, 0)

    run(unit, bench)


def test_full_memory_is_played_back_to_back():
    unit = CONFIGS["1 x int8"]
    rows = draw_rows(unit, memory_beats(unit) // 8, 8, 5)

    async def bench(host):
        record, payload = await host.ask(Operation.ROWS, rows_body(unit, rows))
        assert payload == beat_octets(1, unit.output, outputs(unit, rows))
        assert (record.rows_out, record.l1, record.ss) == (len(rows), LATENCY, 8)

    run(unit, bench)


def test_too_long_row_is_counted():
    unit = CONFIGS["2 x int8"]
    rows = draw_rows(unit, 2, unit.max_length + 3, 5)

    async def bench(host):
        record, _ = await host.ask(Operation.ROWS, rows_body(unit, rows))
        assert (record.status, record.rows_out, record.row_errors) == (Status.OK, 2, 2)
        assert record.signature == rows_signature(unit, outputs(unit, rows), errors=True)
        record, _ = await host.ask(Operation.INFO)
        assert record.row_errors == 2

    run(unit, bench)


@WIDE
def test_malformed_rows_are_refused(unit):
    good = rows_body(unit, draw_rows(unit, 2, unit.max_length, 1))

    async def bench(host):
        before, _ = await host.ask(Operation.ROWS, good)
        for body in (b"", good[:2], good + b"\0", good[:-1]):
            record, payload = await host.ask(Operation.ROWS, body)
            assert record.status == Status.MALFORMED, body
            assert (record.beats_in, record.rows_out, record.signature, payload) == (before.beats_in, 0, 0, b"")
        record, payload = await host.ask(Operation.ROWS, good)
        assert (record.status, record.signature) == (Status.OK, before.signature)
        assert record.line_errors == 0

    run(unit, bench)


@pytest.mark.parametrize("operation", [4, *(pytest.param(code, marks=pytest.mark.slow) for code in (0, 127))])
def test_unknown_operation(operation):
    async def bench(host):
        record, payload = await host.ask(operation, b"whatever")
        assert (record.status, payload) == (Status.UNKNOWN, b"")
        record, _ = await host.ask(Operation.INFO)
        assert record.status == Status.OK

    run(CONFIGS["2 x int8"], bench)


def test_request_follows_as_soon_as_the_response_begins():
    unit = CONFIGS["2 x int8"]
    batches_of_rows = [draw_rows(unit, rows, 7, rows) for rows in (9, 1, 5, 1, 2)]

    async def bench(host):
        sequences = []
        for place, rows in enumerate(batches_of_rows):
            if place:
                await host.until(lambda: host.decoder.started == bytes([0x80 | Operation.ROWS, sequences[-1]]))
            sequences.append(await host.request(Operation.ROWS, rows_body(unit, rows)))
        for rows, sequence in zip(batches_of_rows, sequences, strict=True):
            operation, answered, record, payload = await host.response()
            assert (operation, answered) == (Operation.ROWS, sequence)
            assert payload == beat_octets(unit.lanes, unit.output, outputs(unit, rows))
            assert (record.rows_out, record.line_errors) == (len(rows), 0)

    run(unit, bench)


def test_request_that_finds_the_memory_in_use_is_dropped_and_counted():
    unit = CONFIGS["2 x int8"]
    rows = [draw_rows(unit, count, 7, count) for count in (9, 3, 4)]

    async def bench(host):
        # The first is answered at length while the second waits; for the third there is no room.
        sequences = [await host.request(Operation.ROWS, rows_body(unit, each)) for each in rows]
        for each, sequence in zip(rows[:2], sequences[:2], strict=True):
            _, answered, record, payload = await host.response()
            assert answered == sequence
            assert payload == beat_octets(unit.lanes, unit.output, outputs(unit, each))
        with pytest.raises(NoAnswer):
            await host.response(patience=3000)
        record, _ = await host.ask(Operation.INFO)
        assert record.line_errors == 1

    run(unit, bench)


def test_request_during_the_self_test_waits():
    unit = config(max_length=300)
    rows = draw_rows(unit, 1, 3, 1)

    async def bench(host):
        record, payload = await host.ask(Operation.ROWS, rows_body(unit, rows))
        assert record.flags == PASSED
        assert payload == beat_octets(unit.lanes, unit.output, outputs(unit, rows))

    run(unit, bench)


def spoilt(frame, place):
    octets = bytearray(frame)
    octets[place] ^= 0x20
    return bytes(octets)


def test_spoilt_requests_are_dropped_and_counted():
    unit = CONFIGS["2 x int8"]
    body = rows_body(unit, draw_rows(unit, 3, 7, 2))

    async def bench(host):
        before, _ = await host.ask(Operation.ROWS, body)
        frame = encode_frame(bytes([Operation.ROWS, 77]) + body)
        await host.send(spoilt(frame, 2))
        await host.send(spoilt(frame, len(frame) - 3))
        await host.send(frame[:-2])  # cut off; the flag of the next one ends it
        record, _ = await host.ask(Operation.ROWS, body)
        assert record.beats_in - before.beats_in == 12
        assert replace(record, beats_in=0, beats_out=0, line_errors=0) == replace(
            before, beats_in=0, beats_out=0, line_errors=0
        )
        assert record.line_errors == 3

    run(unit, bench)


def test_identity_is_that_of_what_is_computed():
    unit = CONFIGS["2 x int8"]
    assert identity(unit) == identity(unit.replace(target="ecp5-25k-6", clock_mhz=50.0))
    assert identity(unit) != identity(unit.replace(epsilon=1e-4))


def test_a_unit_that_hangs_fails_the_self_test_and_is_reset():
    unit = config()
    rows = draw_rows(unit, 2, unit.max_length, 1)
    beats = sum(-(-rows.shape[1] // unit.lanes) * len(rows) for _, rows in pattern(unit))

    async def bench(host):
        record, _ = await host.ask(Operation.INFO)
        assert record.flags == FLAG_SELF_TEST_FINISHED
        assert host.context.get(host.dut.leds) >> 1 & 0b11 == 0b10  # failed, not passed
        # The unit has been reset, and does some beats again before it hangs once more.
        for _ in range(2):
            record, payload = await host.ask(Operation.ROWS, rows_body(unit, rows))
            assert (record.status, record.rows_out) == (Status.OK, 2)
            assert payload == beat_octets(unit.lanes, unit.output, outputs(unit, rows))
        record, _ = await host.ask(Operation.SELF_TEST)
        assert record.status == Status.HUNG
        assert record.flags == FLAG_SELF_TEST_FINISHED

    run(unit, bench, hangs_at=beats - 3)


def test_a_unit_that_hangs_while_rows_are_played_is_told():
    unit = config()
    rows = draw_rows(unit, 3, unit.max_length, 1)
    beats = sum(-(-rows.shape[1] // unit.lanes) * len(rows) for _, rows in pattern(unit))

    async def bench(host):
        record, _ = await host.ask(Operation.INFO)
        assert record.flags == FLAG_SELF_TEST_FINISHED | FLAG_SELF_TEST_PASSED
        record, _ = await host.ask(Operation.ROWS, rows_body(unit, rows))
        assert (record.status, record.rows_out) == (Status.HUNG, 0)
        record, payload = await host.ask(Operation.ROWS, rows_body(unit, rows))
        assert (record.status, record.rows_out) == (Status.OK, 3)
        assert payload == beat_octets(unit.lanes, unit.output, outputs(unit, rows))

    run(unit, bench, hangs_at=beats + 7)


def test_a_unit_that_hangs_before_it_is_the_turn_of_the_first_row_is_told():
    unit = CONFIGS["3 x int16 to uint8, 5 banks in turn"]
    rows = draw_rows(unit, 3, unit.max_length, 1)
    played = [batch.rows * -(-batch.length // unit.lanes) for batch in batches(unit)]

    async def bench(host):
        record, _ = await host.ask(Operation.INFO)
        assert record.flags == PASSED
        # The self-test has ended with bank 2: banks 3 and 4 come before that of these rows.
        record, payload = await host.ask(Operation.ROWS, rows_body(unit, rows, bank=0))
        assert (record.status, record.rows_out, record.signature, payload) == (Status.HUNG, 0, 0, b"")
        record, payload = await host.ask(Operation.ROWS, rows_body(unit, rows, bank=3))
        assert (record.status, record.rows_out) == (Status.OK, 3)
        assert payload == beat_octets(unit.lanes, unit.output, outputs(unit, rows, 3))

    run(unit, bench, hangs_at=sum(played) + 1)
