"""Requests over a line that loses and spoils: each is answered in the end, nothing is lost silently."""

import itertools

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fpga.host.fake_board import FakeBoard
from streamnorm.errors import ToolMissing
from streamnorm_fpga.host.check import check_rows
from streamnorm_fpga.host.info import Info, ask_info
from streamnorm_fpga.host.link import BoardLink
from streamnorm_fpga.host.messages import Request
from streamnorm_fpga.host.rows import group_rows
from streamnorm_fpga.link.protocol import Operation, Status
from streamnorm_fpga.virtual_board import Faults
from streamnorm_sim.vectors import make_vectors

INFO = Request(Operation.INFO, answer_octets=200, beats=None)


def linked(board, **options):
    return BoardLink(board, "fake", 1_000_000, **{"patience": 0.01, **options})


def sent_rows(link, config, vectors, **options):
    info = Info("fake_unit", "0", "generic", 100.0, 100.0, 64)
    return check_rows(link, info, config, vectors, **options)


@pytest.fixture(scope="module")
def vectors(config):
    return make_vectors(config, 60, seed=3)


def test_a_clean_line(config, vectors):
    board = FakeBoard(config)
    link = linked(board, patience=1.0)
    report = sent_rows(link, config, vectors)
    assert (report.mismatches, report.first_mismatch) == (0, None)
    assert (report.values == vectors.expected).all()
    statistics = link.statistics
    assert (statistics.retries, statistics.spoilt, statistics.late, statistics.resets) == (0, 0, 0, 0)
    assert statistics.requests == board.count == len(group_rows(
        config, vectors.lengths, vectors.banks, memory_beats=64, stalls=False
    ))  # fmt: skip
    assert statistics.octets_out == board.octets
    assert statistics.dropped_by_board == board.overrun == 0
    assert statistics.seconds > 0


def test_a_request_goes_out_as_soon_as_the_answer_before_begins(config):
    board = FakeBoard(config)
    link = linked(board, patience=1.0)
    most = 0

    def watched():
        nonlocal most
        for _ in range(5):
            yield INFO
            most = max(most, len(board.responses))

    assert len(list(link.exchange(watched()))) == 5
    assert most == 1  # an answer is still being read when the next request is made
    assert board.overrun == 0


def test_answers_come_in_the_order_of_the_requests(config):
    board = FakeBoard(config, ignored={1, 4})
    operations = [Operation.INFO, Operation.SELF_TEST] * 4
    requests = [Request(operation, answer_octets=10, beats=None) for operation in operations]
    responses = list(linked(board).exchange(requests))
    assert [bool(response.payload) for response in responses] == [True, False] * 4
    assert [response.attempts for response in responses].count(2) == 2


@pytest.mark.parametrize("fault", ["corrupt", "drop", "garbage", "framing"])
def test_faults_of_one_kind(fault, config, vectors):
    board = FakeBoard(config, faults=Faults(**{fault: 3e-3}, seed=8))
    link = linked(board)
    report = sent_rows(link, config, vectors)
    assert report.mismatches == 0
    assert (report.values == vectors.expected).all()
    assert board.to_board.hit + board.from_board.hit > (2 if fault == "framing" else 5)
    # Every fault is seen by one side or the other, or takes a request that is then sent again.
    assert link.statistics.retries + link.statistics.spoilt + link.statistics.dropped_by_board > 0


@settings(max_examples=30, phases=[Phase.explicit, Phase.generate])
@given(
    seed=st.integers(0, 2**32),
    corrupt=st.sampled_from([0.0, 3e-4, 1e-3]),
    drop=st.sampled_from([0.0, 3e-4, 1e-3]),
    garbage=st.sampled_from([0.0, 3e-4, 1e-3]),
    ignored=st.sets(st.integers(0, 20), max_size=4),
    resets=st.sets(st.integers(0, 20), max_size=2),
)
def test_any_faults(config, seed, corrupt, drop, garbage, ignored, resets):
    vectors = make_vectors(config, 20, seed=seed)
    faults = Faults(corrupt=corrupt, drop=drop, garbage=garbage, seed=seed)
    board = FakeBoard(config, faults=faults, ignored=ignored, resets=resets)
    link = linked(board, patience=0.003, attempts=100)
    report = sent_rows(link, config, vectors)
    assert (report.mismatches, report.rows) == (0, 20)
    assert (report.values == vectors.expected).all()
    assert link.statistics.requests == len(
        group_rows(config, vectors.lengths, vectors.banks, memory_beats=64, stalls=False)
    )


def test_a_lost_request_is_sent_again_and_counted(config):
    board = FakeBoard(config, ignored={0, 1})
    link = linked(board)
    retried = []
    (response,) = link.exchange([INFO], retried=lambda: retried.append(1))
    assert response.attempts == 3
    assert len(retried) == link.statistics.retries == 2


def test_a_reset_is_seen(config, vectors):
    board = FakeBoard(config, resets={5})
    link = linked(board)
    assert sent_rows(link, config, vectors).mismatches == 0
    assert link.statistics.resets == 1


def test_an_answer_that_comes_too_late_is_counted(config):
    board = FakeBoard(config)
    link = linked(board)
    ask_info(link)
    for response in (first := board.responses, first):
        assert not response
    link.ask(INFO)
    board.hear(bytes((Operation.INFO, 77)))  # as if a program before had asked
    link.ask(INFO)
    assert link.statistics.late == 1


def test_a_request_that_was_spoilt_unseen_is_refused_once_and_sent_again(config):
    board = FakeBoard(config)
    original = board.play
    refused = []

    def play(count, body):
        if not refused:
            refused.append(count)
            return Status.MALFORMED, b"", 0, 0
        return original(count, body)

    board.play = play
    link = linked(board)
    assert sent_rows(link, config, make_vectors(config, 4)).mismatches == 0
    assert link.statistics.retries == 1


def test_nobody_answers(config):
    board = FakeBoard(config, ignored=range(1000))
    with pytest.raises(ToolMissing) as error:
        ask_info(linked(board))
    assert str(error.value).startswith("fake: no answer at 1000000 baud: is the bitstream loaded")
    assert board.count == 5


def test_something_answers_that_is_no_frame(config):
    board = FakeBoard(config, faults=Faults(corrupt=1.0))
    board.decoder.feed = lambda octets: iter([bytes((Operation.INFO, 0))])  # it hears all the same
    with pytest.raises(ToolMissing, match="fake: something answers at 1000000 baud, but no frame of it is good"):
        ask_info(linked(board))


def test_the_board_falls_silent(config, vectors):
    board = FakeBoard(config, ignored=range(3, 1000))
    with pytest.raises(ToolMissing) as error:
        sent_rows(linked(board, patience=0.001, attempts=4), config, vectors)
    assert "the board has stopped answering: 4 attempts, after 3 answered requests" in str(error.value)


@pytest.mark.parametrize("after", [1, 50, 300])
def test_the_port_goes_away(after, config, vectors):
    board = FakeBoard(config, gone_after=after)
    with pytest.raises(ToolMissing, match=r"fake: the port has gone away after \d+ answered requests"):
        sent_rows(linked(board), config, vectors)


def test_endless_garbage_ends(config):
    board = FakeBoard(config, ignored=range(1000))
    noise = itertools.cycle(b"\x7e\x01\x02\x7d\x55")
    board.read = lambda size=1: bytes(itertools.islice(noise, 5))
    with pytest.raises(ToolMissing, match="no frame of it is good"):
        ask_info(linked(board, patience=0.005))


def test_a_slow_line_is_learned(config):
    link = linked(FakeBoard(config))
    quick = link.wait_seconds(1000, 1)
    link.observe_speed(100, 1.0)
    assert link.wait_seconds(1000, 1) > 20
    for _ in range(60):
        link.observe_speed(100, 1e-6)
    assert link.wait_seconds(1000, 1) == pytest.approx(quick, rel=0.01)
    assert link.wait_seconds(1000, 2) == pytest.approx(1.5 * quick, rel=0.01)
    assert link.wait_seconds(1000, 50) == pytest.approx(4 * quick, rel=0.01)
