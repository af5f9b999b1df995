"""``streamnorm boards``: tables and JSON."""

import json

import pytest

from streamnorm_cli import main
from streamnorm_fpga.boards import BOARDS

MEASURED = {
    "examples": {
        "small": {"clock_mhz": 30.0, "ice40-up": {"clock_mhz": 30.0, "comb": 999, "ff": 9, "dsp": 5, "bram": 9}},
        "quick": {"clock_mhz": 90.0, "ice40-up": {"clock_mhz": 30.0, "comb": 999, "ff": 9, "dsp": 5, "bram": 9}},
    }
}


@pytest.fixture(autouse=True)
def _measured(monkeypatch):
    monkeypatch.setattr("streamnorm_fpga.boards.examples._measured", lambda: MEASURED)


def test_all_boards(capsys):
    assert main(["boards"]) == 0
    out = capsys.readouterr().out
    for board in BOARDS.values():
        assert sum(line.startswith(f"{board.name} ") for line in out.splitlines()) == 2  # and its serial line
        assert board.part in out
    [icebreaker] = [line for line in out.splitlines() if line.startswith("icebreaker ") and "UP5K" in line]
    assert icebreaker.split() == [
        *("icebreaker", "iCE40UP5K", "12", "5,280", "8", "30", "openFPGALoader", "or", "iceprog"),
        *("small,", "quick@30"),
    ]
    assert "header pins 0 (RX of the board) and 1 (TX)" in out
    assert "clock_mhz in the example's file is lowered" in out


def test_one_board(capsys):
    assert main(["boards", "upduino-v3"]) == 0
    out = capsys.readouterr().out
    for text in (
        "iCE40UP5K, target ice40-up5k",
        "red: failed, green: passed, blue: running",
        "jumper OSC",
        "pins 25, 23",
    ):
        assert text in out
    assert "icebreaker" not in out


def test_every_board_in_full(capsys):
    assert main(["boards", "-v"]) == 0
    out = capsys.readouterr().out
    assert all(f"{board.name}: {board.title}" in out for board in BOARDS.values())
    assert all(note in out for board in BOARDS.values() for note in board.notes)


def test_json(capsys):
    assert main(["boards", "--json"]) == 0
    boards = json.loads(capsys.readouterr().out)["boards"]
    assert [board["name"] for board in boards] == list(BOARDS)
    [icebreaker] = [board for board in boards if board["name"] == "icebreaker"]
    assert icebreaker["available"] == {"comb": 5280, "ff": 5280, "dsp": 8, "bram": 30, "logic_cells": 5280}
    assert icebreaker["examples"] == [{"name": "small", "clock_mhz": None}, {"name": "quick", "clock_mhz": 30.0}]
    assert icebreaker["loaders"][1] == {"program": "iceprog", "arguments": [], "usb": "0403:6010"}


def test_an_unknown_board(capsys):
    assert main(["boards", "ulx3s"]) == 2
    assert "unknown board 'ulx3s': did you mean ulx3s-" in capsys.readouterr().err
    assert main(["boards", ""]) == 2
    assert "unknown board '': boards are " in capsys.readouterr().err


def test_quiet(capsys):
    assert main(["boards", "-q"]) == 0
    assert capsys.readouterr() == ("", "")
