"""Every wrong value, beat and count of a board is reported."""

import numpy as np
import pytest

from float_stand_in import StandInModel
from float_stand_in import config as float_config
from fpga.host import fake_board
from fpga.host.fake_board import FakeBoard
from streamnorm.errors import CheckFailed
from streamnorm.verilog.vector_files import Vectors
from streamnorm_fpga.host.check import check_rows, measure_cycles
from streamnorm_fpga.host.info import ask_info
from streamnorm_fpga.host.link import BoardLink
from streamnorm_fpga.link.protocol import ROWS_HEADER, Status
from streamnorm_sim.reference.answers import answers
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.vectors import make_vectors


@pytest.fixture(scope="module")
def vectors(config):
    return make_vectors(config, 60, seed=3)


def checked(config, vectors, **options):
    board = FakeBoard(config, **options)
    link = BoardLink(board, "fake", 1_000_000)
    info, _ = ask_info(link)
    return check_rows(link, info, config, vectors), board


def changed_once(row, element, change, at=4):
    def spoil(count, values):
        values = values.copy()
        if count == at and values.shape[1] > element:
            values[row, element] += change
        return values

    return spoil


def test_one_wrong_element(config, vectors):
    wrong = Vectors(**vars(vectors))
    report, _ = checked(config, wrong, spoil=changed_once(0, 0, 1))
    assert report.mismatches == 1
    row = int(np.flatnonzero((report.values != vectors.expected).any(axis=1))[0])
    got, want = report.values[row, 0], vectors.expected[row, 0]
    assert report.first_mismatch == (
        f"row {row} lane 0: got {got}, want {want} in beat 0; sent once more, the answer is another one"
    )


def test_what_is_always_wrong(config, vectors):
    report, _ = checked(config, vectors, spoil=lambda count, values: np.full_like(values, 3))
    assert report.mismatches == int((vectors.expected != 3)[
        np.arange(config.max_length) < vectors.lengths[:, None]].sum())  # fmt: skip
    assert report.first_mismatch.endswith("; sent once more, the answer is the same")


def test_flags_of_rows(monkeypatch):
    monkeypatch.setattr(fake_board, "GoldenModel", StandInModel)
    config = float_config()
    batch = random_rows(config, 60, np.random.default_rng(1))
    want = answers(StandInModel(config), batch)
    vectors = Vectors(batch.x, batch.lengths, batch.banks, want.x, flags=want.flags)
    assert set(want.flags) > {0, 1}
    report, _ = checked(config, vectors)
    assert (report.mismatches, report.first_mismatch) == (0, None)
    want.flags[7] ^= 2
    report, _ = checked(config, vectors)
    assert report.mismatches >= batch.lengths[7]
    assert "every value is right, but tkeep, tlast or tuser of a beat is not" in (report.first_mismatch or "")


def test_beats_that_are_framed_wrong(config, vectors):
    report, _ = checked(config, vectors, record={"signature": 0x1234})
    assert report.mismatches == report.elements
    assert "every value is right, but tkeep, tlast or tuser of a beat is not (signature 00001234, want" in (
        report.first_mismatch
    )


def test_a_row_too_few(config, vectors):
    report, _ = checked(config, vectors, record={"rows_out": 0})
    assert report.mismatches == report.elements
    assert ": got 0 rows and " in report.first_mismatch


def test_beats_too_few(config, vectors):
    board = FakeBoard(config)
    original = board.play

    def play(count, body):
        status, octets, rows, signature = original(count, body)
        return status, octets[:-1], rows, signature

    board.play = play
    link = BoardLink(board, "fake", 1_000_000)
    info, _ = ask_info(link)
    report = check_rows(link, info, config, vectors)
    assert report.mismatches == report.elements
    assert "octets, want" in report.first_mismatch


def test_a_board_that_refuses_rows(config, vectors):
    board = FakeBoard(config)
    board.play = lambda count, body: (Status.MALFORMED, b"", 0, 0)
    link = BoardLink(board, "fake", 1_000_000)
    info, _ = ask_info(link)
    with pytest.raises(CheckFailed, match=r"fake: the board refuses rows \(status 1\)"):
        check_rows(link, info, config, vectors)


def test_a_unit_that_has_hung(config, vectors):
    board = FakeBoard(config)
    board.play = lambda count, body: (Status.HUNG, b"", 2, 0)
    link = BoardLink(board, "fake", 1_000_000)
    info, _ = ask_info(link)
    with pytest.raises(CheckFailed, match="fake: the unit has hung: 2 rows of a request came out, and then no beat"):
        check_rows(link, info, config, vectors)


def test_stalls_are_asked_for(config, vectors):
    for stalls in (False, True):
        board = FakeBoard(config)
        bodies = []
        original = board.play
        board.play = lambda count, body, seen=bodies, play=original: seen.append(body) or play(count, body)
        link = BoardLink(board, "fake", 1_000_000)
        info, _ = ask_info(link)
        check_rows(link, info, config, vectors, stalls=stalls)
        assert {ROWS_HEADER.unpack_from(body)[1] for body in bodies} == {int(stalls)}


def test_progress_ends_with_all_rows(config, vectors):
    board = FakeBoard(config, ignored={7})
    link = BoardLink(board, "fake", 1_000_000, patience=0.01)
    info, _ = ask_info(link)
    told = []
    check_rows(link, info, config, vectors, progress=lambda *done: told.append(done))
    assert told[-1] == (60, 60)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) > len({done for done, _ in told})  # once more for the request that was sent again


def test_cycles_are_those_of_a_row_alone_and_of_rows_back_to_back(config):
    board = FakeBoard(config)
    original = board.play

    def play(count, body):
        result = original(count, body)
        board.latency = (11, 12, 13, 0) if result[2] == 1 else (91, 92, 93, result[2])
        return result

    board.play = play
    link = BoardLink(board, "fake", 1_000_000)
    info, _ = ask_info(link)
    x = np.ones((5, config.max_length), np.int64)
    lengths, banks = np.full(5, config.max_length), np.zeros(5, np.int64)
    vectors = Vectors(input=x, lengths=lengths, banks=banks, expected=GoldenModel(config).normalize(x))
    cycles, (alone, train) = measure_cycles(link, info, config, vectors)
    assert vars(cycles) == {"L1": 11, "L2": 12, "L3": 13, "SS": 4}
    assert (alone.rows, train.rows, alone.mismatches, train.mismatches) == (1, 4, 0, 0)
