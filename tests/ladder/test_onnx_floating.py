"""The node tests of ONNX through units of floating point: a unit has the rows of all that are of its norm and epsilon.

Besides, each result is the golden model's, to the last bit.
"""

import pytest

from ladder.checks import agree
from ladder.together import compile_with_its_like
from onnx_floats import FORMATS, NOT_YET, Unit, units
from streamnorm_sim.streams.stalls import Stall
from streamnorm_sim.streams.traffic import Traffic

LANES = 1
"""The golden model has the same rows for more; that more lanes give its bits, the matrix tells."""

UNITS = {
    f"{number_format} {about}": unit for number_format in FORMATS for about, unit in units(number_format, LANES).items()
}

COMPILED = (
    "fp32 layernorm 1e-05",
    "fp32 rmsnorm 1e-05",
    "fp32 l2norm",
    "fp32 affine",
    "fp32 layernorm root 1e-09",
    "bf16 layernorm 1e-05",
    "fp16 rmsnorm 1e-01",
)
"""The others differ from these in constants; compiling each takes seconds."""


def marks(name: str, unit: Unit) -> list[pytest.MarkDecorator]:
    if unit.config.norm in NOT_YET:
        return [pytest.mark.skip(reason="the norm has no arithmetic for floating point yet")]
    return [] if name in COMPILED else [pytest.mark.slow]


def test_what_is_compiled_is_there():
    assert set(COMPILED) <= set(UNITS)


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name, unit)) for name, unit in UNITS.items()])
@pytest.mark.usefixtures("unoptimized")
def test_node_tests(name):
    unit = UNITS[name]
    if name in COMPILED:
        compile_with_its_like(unit.config, (UNITS[other].config for other in COMPILED))
    batch = unit.batch
    sink = Stall.random(0.1)
    trace = agree(unit.config, Traffic(rows=batch.list(), banks=batch.banks, sink=sink))
    for test, errors in unit.errors(trace.rows.x).items():
        assert errors.max() <= 1, f"{name}: {test}"
