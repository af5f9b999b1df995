"""The simulated board with the smallest design there is."""

import contextlib
import threading
import time

import pytest

from fpga.virtual_board.loop import design
from streamnorm.errors import StreamnormError, ToolMissing
from streamnorm_fpga.virtual_board import Faults, VirtualBoard

serial = pytest.importorskip("serial")

SECONDS = 20  # of waiting for what has to come


@pytest.fixture
def board():
    with VirtualBoard(*design(), 8) as board:
        yield board


def opened(board):
    return serial.Serial(board.port, 115200, timeout=SECONDS)


def eventually(condition):
    end = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def test_octets_go_through_the_design_and_come_back(board):
    text = bytes(range(256)) * 8
    with opened(board) as port:
        port.write(text)
        assert port.read(len(text)) == text
    assert board.cycle >= len(text) * 80
    assert board.cycles_per_second > 0
    assert (board.faults_hit, board.octets_lost) == (0, 0)


@pytest.mark.parametrize("bit_cycles", [4, 5, 13])
def test_any_rate(bit_cycles):
    with VirtualBoard(*design(), bit_cycles) as board, opened(board) as port:
        port.write(b"\x00\xff\x55\xaa~}")
        assert port.read(6) == b"\x00\xff\x55\xaa~}"


def test_programs_come_and_go(board):
    for text in (b"first", b"second"):
        with opened(board) as port:
            port.write(text)
            assert port.read(len(text)) == text


def test_lights_and_reset(board):
    assert eventually(lambda: board.leds == 0b1000)  # the last one: it runs
    with opened(board) as port:
        port.write(b"\xff\xff\xff")  # one falling edge each
        assert port.read(3) == b"\xff\xff\xff"
        assert eventually(lambda: board.leds == 0b1011)
        board.reset()
        assert eventually(lambda: board.leds == 0b1000)
        port.write(b"\xff")
        assert port.read(1) == b"\xff"
        assert eventually(lambda: board.leds == 0b1001)


def test_it_sleeps_when_nothing_happens_and_wakes(board):
    def asleep():
        before = board.cycle
        time.sleep(0.05)
        return board.cycle == before

    assert eventually(asleep)
    with opened(board) as port:
        port.write(b"wake up")
        assert port.read(7) == b"wake up"
    assert eventually(asleep)
    board.reset()
    assert board.leds == 0 or eventually(lambda: board.leds == 0b1000)


def test_faults_of_the_line(board):
    text = bytes(range(256)) * 8
    with VirtualBoard(*design(), 8, faults=Faults(drop=0.02, seed=5)) as bad, opened(bad) as port:
        port.write(text)
        port.timeout = 0.5
        arrived = port.read(len(text))
        assert 0 < len(text) - len(arrived) == bad.faults_hit < len(text) // 5
        octets = iter(text)
        assert all(octet in octets for octet in arrived)


def test_octets_without_a_stop_bit_reach_the_design_like_that():
    with VirtualBoard(*design(), 8, faults=Faults(framing=1.0)) as bad, opened(bad) as port:
        port.timeout = 0.3
        port.write(b"\xff\xff")
        assert port.read(2) == b""
        assert eventually(lambda: bad.leds == 0b1100)  # four falling edges: two start bits, two stop bits


def test_a_slow_reader_loses_nothing(board):
    text = bytes(octet % 251 for octet in range(150_000))
    with opened(board) as port:
        writer = threading.Thread(target=port.write, args=(text,))
        writer.start()
        time.sleep(1.0)  # the terminal's buffers are full
        arrived = b"".join(port.read(1000) for _ in range(150))
        writer.join()
    assert arrived == text


def test_what_nobody_reads_is_lost_and_counted(board, monkeypatch):
    monkeypatch.setattr("streamnorm_fpga.virtual_board.board._UNREAD_SECONDS", 0.05)
    with opened(board) as port:
        port.write_timeout = 0.2
        with contextlib.suppress(serial.SerialTimeoutException):  # the board reads no more, either
            for _ in range(100):
                port.write(bytes(4096))
        assert eventually(lambda: board.octets_lost > 0)


def test_unplugged(board):
    with opened(board) as port:
        board.close()
        with pytest.raises(serial.SerialException):
            port.read(1)
    with pytest.raises(StreamnormError) as error:
        board.reset()
    assert str(error.value) == "the virtual board is closed"
    board.close()


def test_a_bit_has_four_cycles():
    with pytest.raises(ValueError, match="bit_cycles = 3: must be at least 4"):
        VirtualBoard(*design(), 3)


def test_without_a_compiler(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ToolMissing, match="names 'no-such-compiler', which is no program"):
        VirtualBoard(*design(), 8)
