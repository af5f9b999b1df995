"""Whole boards: examples built as a user would, unit, link and self-test and all."""

import hashlib
import json
import re
from pathlib import Path

import pytest

import board_figures
from streamnorm_cli import main
from streamnorm_fpga.bitstream.pack import is_for
from streamnorm_fpga.boards import BOARDS

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
BOARDS_PAGE = (ROOT / "docs/boards.md").read_text("utf-8")


def recorded_seed(example):
    """The placement that met the clock, the ones before it having missed it."""
    row = board_figures.row_of(BOARDS_PAGE, example)
    assert row is not None
    return re.fullmatch(r".* \((\d+)\)", row[4])[1]


@pytest.mark.parametrize(
    ("example", "board", "options"),
    [
        pytest.param("ulx3s_bert_base", "ulx3s-85f", [], marks=pytest.mark.slow),
        pytest.param("orangecrab_minilm", "orangecrab-25f", [], marks=pytest.mark.slow),
        pytest.param("hx8k_layernorm", "hx8k-b-evn", [], marks=pytest.mark.slow),
        pytest.param("ulx3s_llama_bf16", "ulx3s-85f", [], marks=pytest.mark.slow),
        pytest.param("orangecrab_llama_bf16", "orangecrab-85f", [], marks=pytest.mark.slow),
        pytest.param("up5k_bf16_rms", "icebreaker", [], marks=pytest.mark.slow),
        # Of several placements, only the one that was good enough.
        pytest.param(
            "icebreaker_rms", "icebreaker", ["--seed", recorded_seed("icebreaker_rms")], marks=pytest.mark.slow
        ),
    ],
    ids=lambda value: " ".join(value) or "default seeds" if isinstance(value, list) else value,
)
def test_an_example_on_its_board(example, board, options, tmp_path, capsys):
    path = EXAMPLES / f"{example}.toml"
    assert main(["build", str(path), "--board", board, "-o", str(tmp_path), "--json", *options]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["meets_clock"]
    assert report["fmax_mhz"] >= report["clock"]["mhz"]
    assert abs(report["clock"]["mhz"] - report["clock"]["asked_mhz"]) <= 0.01 * report["clock"]["asked_mhz"]
    assert all(report["used"][kind] <= count for kind, count in report["available"].items())
    bitstream = (tmp_path / report["bitstream"]["file"]).read_bytes()
    assert report["bitstream"]["sha256"] == hashlib.sha256(bitstream).hexdigest()
    assert is_for(bitstream, BOARDS[board])
    if set(report["tools"].items()) <= set(board_figures.recorded_tools(BOARDS_PAGE).items()):
        recorded = board_figures.row_of(BOARDS_PAGE, example)
        assert recorded is not None, "make board-figures"
        assert recorded[3:9] == board_figures.built_cells(report), "make board-figures"
    # The unit inside is the one `streamnorm generate` writes, in full: none of its blocks was optimized away.
    blocks = {block.split(".")[1] for block in report["blocks"] if block.startswith("unit.")}
    assert {"ingest", "moments", "statistic", "apply", "output_queue"} <= blocks
    assert report["board_logic"]["bram"] > 0
