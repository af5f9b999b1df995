"""What `streamnorm boards` says of the examples was measured of today's examples; python tools/boards.py does that."""

import json
from pathlib import Path

import pytest

from fpga.load_tool import load_tool
from streamnorm.config import NormConfig
from streamnorm_fpga.boards import BOARDS
from streamnorm_fpga.boards.examples import FAMILIES, family_of, fingerprint, fitting

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))
RECORDED = json.loads((ROOT / "fpga/streamnorm_fpga/boards/examples.json").read_text())["examples"]


@pytest.fixture(scope="module")
def tool():
    return load_tool("boards")


def own_family(example):
    target = NormConfig.from_toml(example).target
    return next((family_of(board) for board in BOARDS.values() if board.target == target), "ecp5")


def is_fresh(tool, example, family):
    return RECORDED[example.stem][family]["sha256"] == fingerprint(tool.design_of(example, family))


def test_every_example_was_measured():
    assert set(RECORDED) == {example.stem for example in EXAMPLES}
    assert all(own_family(example) in RECORDED[example.stem] for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_figures_are_of_todays_text(tool, example):
    assert is_fresh(tool, example, own_family(example)), "python tools/boards.py"


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_figures_of_other_families_too(tool, example):
    families = [family for family in FAMILIES if family in RECORDED[example.stem]]
    assert all(is_fresh(tool, example, family) for family in families), "python tools/boards.py"


@pytest.mark.parametrize(
    ("example", "board"),
    [
        ("ulx3s_bert_base", "ulx3s-85f"),
        ("orangecrab_minilm", "orangecrab-25f"),
        ("icebreaker_rms", "icebreaker"),
        ("hx8k_layernorm", "hx8k-b-evn"),
    ],
)
def test_examples_for_a_board_fit_it(example, board):
    assert any(fit.name == example and fit.clock_mhz is None for fit in fitting(BOARDS[board]))
