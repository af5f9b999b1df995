import re

import pytest

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_fpga.bitstream.design import board_design
from streamnorm_fpga.boards import BOARDS

SMALL = {"lanes": 2, "max_length": 16, "clock_mhz": 25.0, "input": IntFormat(8), "output": IntFormat(8, scale=0.1)}


@pytest.mark.parametrize("board", ["ulx3s-85f", "icebreaker"])
@pytest.mark.parametrize(
    "norm",
    [
        {"norm": "affine", "gamma": 0.5, "beta": 0.25},  # no memory of its own, but the board has some
        {"norm": "dyt", "alpha": 0.5},  # another kind of memory than the board's
        {"norm": "layernorm", "epsilon": 1e-5},
    ],
    ids=lambda norm: norm["norm"],
)
def test_every_cell_around_a_primitive_is_in_one_of_the_texts(norm: dict, board: str) -> None:
    config = NormConfig(name="tiny", **SMALL, **norm)
    sources = board_design(config, BOARDS[board], expected_signature=0).sources
    used = {name for text in sources.values() for name in re.findall(r"\bstreamnorm_\w+(?= [\\#])", text)}
    used |= set(re.findall(r"cell \\(streamnorm_\w+)", sources["board.il"]))
    modules = re.compile(r"^module (streamnorm_\w+)", re.MULTILINE)
    defined = [name for text in sources.values() for name in modules.findall(text)]
    assert used
    assert used <= set(defined)
    assert len(defined) == len(set(defined))
