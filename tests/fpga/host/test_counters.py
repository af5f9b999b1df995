import dataclasses

from streamnorm_fpga.host.counters import Counters
from streamnorm_fpga.link.protocol import Record

START = Record(0, 3, 37, 37, 0, 0, 0, 0, 0, 0, 0, 0)


def record(beats_in, line_errors=0):
    return dataclasses.replace(START, beats_in=beats_in % (1 << 32), line_errors=line_errors)


def counters(beats_in=37):
    result = Counters()
    result.sent(None)
    assert result.take(record(beats_in), None) == (False, 0)
    result.sent(8)
    assert result.take(record(beats_in + 8), 8) == (False, 0)
    return result


def test_beats_add_up():
    board = counters()
    for beats_in in (53, 61, 69):
        board.sent(8)
        assert board.take(record(beats_in), 8) == (False, 0)


def test_beats_that_were_played_twice_are_no_reset():
    board = counters()
    board.sent(8)
    board.sent(8)
    assert board.take(record(45 + 16), 8) == (False, 0)


def test_the_counter_runs_over():
    board = counters((1 << 32) - 12)
    board.sent(8)
    assert board.take(record(4), 8) == (False, 0)


def test_going_back_is_a_reset():
    board = counters()
    board.sent(8)
    assert board.take(record(8), 8) == (True, 0)
    board.sent(8)
    assert board.take(record(16), 8) == (False, 0)


def test_too_many_or_too_few_beats_are_a_reset():
    for beats_in in (45 + 9, 45 + 7, 45):
        board = counters()
        board.sent(8)
        assert board.take(record(beats_in), 8) == (True, 0)


def test_after_a_self_test_any_number_of_beats_may_have_gone_in():
    board = counters()
    board.sent(None)
    assert board.take(record(10_000), None) == (False, 0)
    board.sent(None)
    assert board.take(record(37), None) == (True, 0)


def test_frames_that_the_board_dropped():
    board = counters()
    board.sent(8)
    assert board.take(record(53, line_errors=3), 8) == (False, 3)
    board.sent(8)
    assert board.take(record(61, line_errors=4), 8) == (False, 1)
    board.sent(8)
    assert board.take(record(8, line_errors=2), 8) == (True, 2)
