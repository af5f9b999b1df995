import json

import pytest

from fpga.host.fake_board import FakeBoard
from streamnorm.errors import CheckFailed, ConfigError
from streamnorm_fpga.host.info import Info, ask_info, run_self_test, self_test_of
from streamnorm_fpga.host.link import BoardLink
from streamnorm_fpga.link.protocol import FLAG_SELF_TEST_FINISHED, Operation
from streamnorm_fpga.top.board_top import identity, info


def linked(board):
    return BoardLink(board, "fake", 1_000_000, patience=0.01)


def test_what_a_board_says_is_read(config):
    said = Info.parse("fake", info(config.replace(target="ecp5-25k-6", clock_mhz=80.0), 75.0))
    assert said == Info("fake_unit", identity(config), "ecp5-25k-6", 75.0, 80.0, 64)
    said.check_identity("fake", config.name, identity(config))


def test_another_unit_is_refused_by_both_names(config):
    said = Info.parse("fake", info(config, 75.0))
    with pytest.raises(ConfigError) as error:
        said.check_identity("fake", "other_unit", "feedfeedfeedfeed")
    assert str(error.value).startswith(
        f"fake: the board holds fake_unit ({identity(config)}), the configuration is other_unit (feedfeedfeedfeed): "
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocol": 9}, "fake: the board speaks version 9 of the link, this program version 1: build"),
        ({"memory_beats": "many"}, "fake: the board's description is incomplete: invalid literal"),
    ],
)
def test_a_board_that_cannot_be_understood(change, message, config):
    with pytest.raises(ConfigError) as error:
        ask_info(linked(FakeBoard(config, said=change)))
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("payload", [b"", b"hello", b"[]", b"{}", b"\xff\xfe", b"3"])
def test_something_else_answers(payload):
    with pytest.raises(ConfigError, match="fake: what answers is no board of streamnorm: it says"):
        Info.parse("fake", payload)


def test_a_description_with_something_missing(config):
    said = json.loads(info(config, 75.0))
    del said["target"]
    with pytest.raises(ConfigError, match="fake: the board's description is incomplete: 'target'"):
        Info.parse("fake", json.dumps(said).encode())


def test_the_end_of_the_self_test_is_awaited(config):
    board = FakeBoard(config, self_test_flags=0)
    hear = board.hear

    def slow(content):
        if board.count == 4:
            board.self_test_flags = FLAG_SELF_TEST_FINISHED
        hear(content)

    board.hear = slow
    _, record = ask_info(linked(board))
    assert self_test_of(record).words == "failed"
    assert board.heard == [Operation.INFO] * 5


def test_a_self_test_that_never_ends(config, monkeypatch):
    monkeypatch.setattr("streamnorm_fpga.host.info._SELF_TEST_SECONDS", 0.05)
    with pytest.raises(CheckFailed, match=r"fake: the board's self-test has not finished in 0.05 s"):
        run_self_test(linked(FakeBoard(config, self_test_flags=0)))


def test_the_self_test_is_run_again(config):
    board = FakeBoard(config)
    assert self_test_of(run_self_test(linked(board))).words == "passed"
    assert board.heard == [Operation.SELF_TEST, Operation.INFO]
