"""The blocks that only scans need, in Amaranth's simulator against lists in Python."""

import random

import pytest

from hw.architectures.test_architectures import configuration
from hw.simulation import run
from streamnorm.architectures.replay_buffer import ReplayBuffer
from streamnorm.architectures.scan_control import ROW_END_TO_ISSUE, ScanControl
from streamnorm.spec.formats import IntFormat

ROWS = [3, 1, 1, 4, 2, 1, 3, 4, 4, 2]
"""Beats of rows of up to 4."""


def small(**changes):
    return configuration(lanes=2, max_length=8, input=IntFormat(17), gamma=None, beta=None, **changes)


@pytest.mark.parametrize("clock_mhz", [10, 400])
def test_the_replay_buffer_gives_each_row_as_often_as_it_is_read(clock_mhz):
    buffer = ReplayBuffer(small(clock_mhz=clock_mhz), depth=300)
    rng = random.Random(1)
    # Past the end of the memory more than once, also within a row.
    lengths = ROWS * (3 * buffer.depth // sum(ROWS))
    words = [rng.getrandbits(len(buffer.write_d.as_value())) for _ in range(sum(lengths))]
    reads, start = [], 0  # beat, rewind, forget, or None: a pause
    for beats in lengths:
        scans = rng.randint(1, 3)
        for scan in range(scans):
            for beat in range(beats):
                end, final = beat == beats - 1, scan == scans - 1
                reads.append((start + beat, int(end and not final), int(end and final)))
                reads += [None] * (rng.random() < 0.2)
        start += beats
    written, kept_from, position = 0, 0, 0
    asked, answers = [], []

    def step(cycle, seen):
        nonlocal written, kept_from, position
        if seen is not None and len(asked) > buffer.latency:
            beat = asked[-1 - buffer.latency]
            if beat is not None:
                answers.append(seen["d"] == words[beat])
        if cycle > len(reads) + 20:
            return None
        action = reads[position] if position < len(reads) else None
        if action is not None and written < min(action[0] + 2, len(words)):
            action = None  # not there yet
        elif position < len(reads):
            position += 1
        asked.append(None if action is None else action[0])
        inputs = {"read": int(action is not None), "write": 0}
        if action is not None:
            inputs |= {"rewind": action[1], "forget": action[2]}
            kept_from = action[0] + 1 if action[2] else kept_from
        if written < len(words) and written - kept_from < buffer.depth:
            inputs |= {"write": 1, "write_d": words[written]}
            written += 1
        return inputs

    run(buffer, step, ["d"])
    assert len(answers) == sum(read is not None for read in reads)
    assert all(answers)


@pytest.mark.parametrize(
    ("waits", "paces"), [((1, 2), (1, 1, 1)), ((3, 1), (2, 1, 1)), ((5,), (4, 1)), ((2, 7, 3, 1), (1,) * 5)]
)
def test_scan_control_issues_each_beat_in_every_scan_on_time(waits, paces):
    config = small()
    control = ScanControl(config, waits=waits, paces=paces, row_slots=16, output_depth=100, family="generic")
    seen_beats, ended = [], []
    wanted = [
        (row, scan, beat) for row, beats in enumerate(ROWS) for scan in range(len(paces)) for beat in range(beats)
    ]
    names = ("scan", "final", "first", "last", "issued_keep", "issued_error", "column", "before")

    def step(cycle, seen):
        if seen is not None and seen["issue"]:
            seen_beats.append((cycle - 1, *(seen[name] for name in names)))
        if cycle > 600:
            return None
        row = len(ended)
        if row < len(ROWS) and cycle % 3 == 0:
            ended.append(cycle)
            return {"row_end": 1, "index": ROWS[row] - 1, "keep": 1 + 2 * (row % 2), "error": 0}
        return {"row_end": 0, "index": 0, "keep": 0, "error": row > 0 and ended[-1] == cycle - 1 and (row - 1) % 3 == 0}

    run(control, step, ["issue", *names])
    assert len(seen_beats) == len(wanted)
    for (_, scan, final, first, last, keep, error, column, before), (row, want_scan, beat) in zip(
        seen_beats, wanted, strict=True
    ):
        end = beat == ROWS[row] - 1
        assert (scan, final, first, last) == (want_scan, want_scan == len(waits), beat == 0, end)
        assert (column, before, error) == (beat, 2 * beat, row % 3 == 0)
        assert keep == (1 + 2 * (row % 2) if end else 3)
    cycles = [beat[0] for beat in seen_beats]
    assert cycles[0] == ended[0] + ROW_END_TO_ISSUE
    for index in range(1, len(wanted)):
        (row, scan, _), (row_before, scan_before, _) = wanted[index], wanted[index - 1]
        gap = cycles[index] - cycles[index - 1]
        if row != row_before:
            assert gap == 1 or cycles[index] == ended[row] + ROW_END_TO_ISSUE
        else:
            assert gap == (waits[scan_before] if scan != scan_before else paces[scan])


def test_scan_control_waits_for_room_in_the_output_queue_only_in_the_last_scan():
    control = ScanControl(small(), waits=(2,), paces=(1, 1), row_slots=16, output_depth=3, family="generic")
    issued = []

    def step(cycle, seen):
        if seen is not None and seen["issue"]:
            issued.append((cycle - 1, seen["final"]))
        if cycle > 90:
            return None
        return {
            "row_end": int(cycle in (0, 1)),
            "index": 3,
            "keep": 3,
            "error": 0,
            "output_released": int(cycle in (30, 40, 50, 60, 70)),
        }

    run(control, step, ["issue", "final"])
    # Four beats are scanned at once, three of the last scan as well; each place that becomes free lets one go.
    cycles = [cycle for cycle, final in issued if final]
    assert len(issued) == 16
    assert [cycle for cycle, _ in issued[:4]] == [4, 5, 6, 7]
    assert cycles[:3] == [9, 10, 11]
    assert cycles[3:] == [32, 42, 52, 62, 72]
