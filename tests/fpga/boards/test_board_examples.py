"""What `streamnorm boards` says of the examples was measured of today's; python tools/example_fits.py does that."""

import json
from pathlib import Path

import pytest

import example_fits
from ladder.verilog_hashes import NAMES
from streamnorm.spec.config import NormConfig
from streamnorm_fpga.boards import BOARDS
from streamnorm_fpga.boards.examples import FAMILIES, family_of, fingerprint, fitting

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))
RECORDED = json.loads((ROOT / "fpga/streamnorm_fpga/boards/examples.json").read_text())["examples"]


def own_family(example):
    target = NormConfig.from_toml(example).target
    return next((family_of(board) for board in BOARDS.values() if board.target == target), "ecp5")


def is_fresh(example, family):
    return RECORDED[example.stem][family]["sha256"] == fingerprint(example_fits.design_of(example, family))


def test_every_example_was_measured():
    assert set(RECORDED) == {example.stem for example in EXAMPLES}
    assert all(own_family(example) in RECORDED[example.stem] for example in EXAMPLES)


def for_every_run():
    """All examples; those whose Verilog is kept by hash, where a change shows all the same, for `make test-slow`."""
    marks = {example: [pytest.mark.slow] if f"example:{example.stem}" in NAMES else [] for example in EXAMPLES}
    return [pytest.param(example, id=example.stem, marks=marks[example]) for example in EXAMPLES]


@pytest.mark.parametrize("example", for_every_run())
def test_the_figures_are_of_todays_text(example):
    assert is_fresh(example, own_family(example)), "python tools/example_fits.py"


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_figures_of_other_families_too(example):
    families = [family for family in FAMILIES if family in RECORDED[example.stem]]
    assert all(is_fresh(example, family) for family in families), "python tools/example_fits.py"


@pytest.mark.parametrize(
    ("example", "board"),
    [
        ("ulx3s_bert_base", "ulx3s-85f"),
        ("orangecrab_minilm", "orangecrab-25f"),
        ("icebreaker_rms", "icebreaker"),
        ("hx8k_layernorm", "hx8k-b-evn"),
        ("ulx3s_llama_bf16", "ulx3s-85f"),
        ("orangecrab_llama_bf16", "orangecrab-85f"),
        ("up5k_bf16_rms", "icebreaker"),
    ],
)
def test_examples_for_a_board_fit_it(example, board):
    assert any(fit.name == example and fit.clock_mhz is None for fit in fitting(BOARDS[board]))
