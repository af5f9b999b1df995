"""What a plan says of floating-point numbers, whatever the datapath is."""

import numpy as np
import pytest

from streamnorm.plan.notices import notices
from streamnorm.plan.plan import Plan
from streamnorm.plan.table import plan_rows
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat


def unit(**changes) -> NormConfig:
    keys = {"norm": "layernorm", "lanes": 4, "max_length": 4, "input": "fp16", "output": "bf16", "epsilon": 1e-5}
    return NormConfig(**{**keys, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parameter_format": "bf16"}, "2 of 4 values of gamma are stored as 0 and are not 0: too small for bf16"),
        ({"parameter_format": "fp32"}, None),
        ({"gamma": 1e-42, "parameter_format": "bf16"}, "4 of 4 values of gamma are stored as 0 and are not 0: "),
        ({"gamma": 1e-42, "gamma_offset": 1.0, "parameter_format": "bf16"}, None),
        ({"gamma": 0.0}, None),
    ],
)
def test_gamma_that_is_too_small_for_its_format(changes, said):
    found = list(notices(unit(**{"gamma": np.array([1.0, 1e-42, 0.0, -1e-42]), **changes}), 1.0))
    assert len(found) == bool(said)
    assert not said or found[0].startswith(said)


def test_parameters_that_cost_accuracy():
    found = list(notices(unit(gamma=1.001, parameter_format="bf16"), 1.5))
    assert found == [
        "with gamma and beta as given, a result can be off by 1.5 ulp: parameter_format = bf16 does not hold them any "
        "better"
    ]


def test_the_formats_are_told_without_scale():
    config = unit(output=IntFormat(8, scale=0.05))
    told = {row.name: (row.value, row.meaning) for row in plan_rows(Plan.of(config)) if row.section == "Unit"}
    assert told["input"] == ("fp16", "11 significant bits; up to 65504, in steps of 5.96046e-08 around 0")
    assert told["output"] == ("int8, scale 0.05", "real values -6.4 … 6.35")
    assert told["epsilon"] == ("1e-05", "")
