"""What a plan says of units for floating-point numbers."""

import numpy as np
import pytest

from streamnorm.plan.limits import Limits
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


def told(config, section):
    return {row.name: (row.value, row.meaning) for row in plan_rows(Plan.of(config)) if row.section == section}


def test_stored_codes():
    gamma = np.array([1.0, 1.5, 2.0, 3.0])
    given = told(unit(norm="rmsnorm", gamma=gamma, beta=0.5), "Unit")
    assert given["gamma"] == ("rom, 4 values", "numbers of bf16")
    assert given["beta"] == ("one constant", "0.5 as bf16")
    absent = told(unit(norm="rmsnorm", storage="ram", banks=2), "Unit")
    assert absent["gamma"] == absent["beta"] == ("ram, 2 banks of 4 values", "numbers of fp32")


@pytest.mark.parametrize("keys", [{"norm": "rmsnorm"}, {}, {"output": IntFormat(8, scale=0.05)}, {"input": "int8"}])
def test_every_width_is_told_once(keys):
    if keys.get("input"):
        keys = {"input": IntFormat(8, scale=0.05)}
    rows = [row for row in plan_rows(Plan.of(unit(**keys))) if row.section == "Widths"]
    names = [row.name for row in rows]
    assert len(set(names)) == len(names)
    assert {"m", "S2", "V", "rho", "RF", "R", "y"} <= set(names)
    assert ("S1" in names) == ("norm" not in keys)
    assert ("top" in names) == ("input" not in keys)
    assert all(row.value and row.meaning for row in rows)


def test_nobody_has_measured_how_large_they_are():
    assert Limits(Plan.of(unit(target="ecp5-85k-6"))).luts is None


def test_the_formats_are_told_without_scale():
    config = unit(output=IntFormat(8, scale=0.05))
    lines = told(config, "Unit")
    assert lines["input"] == ("fp16", "11 significant bits; up to 65504, in steps of 5.96046e-08 around 0")
    assert lines["output"] == ("int8, scale 0.05", "real values -6.4 … 6.35")
    assert lines["epsilon"] == ("1e-05", "")
