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
    assert lines["input"] == ("fp16", "11 significant bits; up to 65504, in steps of 5.96e-08 around 0")
    assert lines["output"] == ("int8, scale 0.05", "real values -6.4 … 6.35")
    assert lines["epsilon"] == ("1e-05", "")


STATIC_UNITS = {
    "affine": {"norm": "affine"},
    "affine to int8": {"norm": "affine", "output": IntFormat(8, scale=0.05)},
    "affine of int8": {"norm": "affine", "input": IntFormat(8, scale=0.05)},
    "dyt": {"norm": "dyt", "alpha": 0.7},
    "dyt of fp8": {"norm": "dyt", "alpha": 0.7, "input": "fp8_e5m2"},
    "dyt to int8": {"norm": "dyt", "alpha": 0.7, "output": IntFormat(8, scale=0.05)},
}


@pytest.mark.parametrize("keys", STATIC_UNITS.values(), ids=STATIC_UNITS)
@pytest.mark.parametrize("beta", [None, 0.3])
def test_static_units_have_a_plan(keys, beta):
    config = NormConfig(
        **{"lanes": 4, "max_length": 4, "input": "fp16", "output": "bf16", "gamma": 1.25, **keys}, beta=beta
    )
    widths, exactness = (told(config, section) for section in ("Widths", "Exactness"))
    to_floats = config.output.is_float
    assert ("Z" if to_floats else "z") in widths
    assert ("sum" in widths) == (to_floats and beta is not None)
    assert ("product" in widths) == (to_floats and beta is None)
    assert exactness["elements"][0] == "exact"
    assert (exactness["z"][0] == "exact") == (config.norm == "affine" and to_floats)
    assert exactness["result"][0] == "one rounding"
    assert "row_sums" not in Plan.of(config).to_dict()


WINDOWS = {
    "bf16": ({"norm": "rmsnorm", "input": "bf16", "max_length": 4096}, (8, 3, 32)),
    "fp16": ({"output": "fp16", "max_length": 768}, (16, 2, 2)),
    "fp8_e4m3fn": (
        {"norm": "rmsnorm", "input": "fp8_e4m3fn", "output": "fp8_e4m3fn", "max_length": 1024, "lanes": 8},
        (4, 3, 4),
    ),
    "all in one": ({"norm": "rmsnorm", "input": "float(3, 4)", "max_length": 16}, (8, 1, 1)),
}


@pytest.mark.parametrize(("keys", "windows"), WINDOWS.values(), ids=WINDOWS)
def test_the_windows_and_why_there_are_so_many(keys, windows):
    config = unit(**keys)
    lines, plan = told(config, "Exactness"), Plan.of(config)
    figures = plan.to_dict()["row_sums"]
    window, count, every = windows
    assert (figures["window_binades"], figures["windows"], figures["windows_of_all_binades"]) == windows
    dropped = 0 if count == every else 2.0 ** (-window * (count - 1))
    assert figures["dropped_below"] == dropped
    assert lines["sums"][0] == (f"to 2^{-window * (count - 1)}" if dropped else "exact")
    assert (f"{count} of {every} windows of {window} binades" in lines["sums"][1]) == bool(dropped)
    # What sums cost is a part of the bound; with one window less it would be all of it and more.
    assert 0 < figures["error_lsb"] < plan.error_bound - 0.5
    assert (f"… in {count - 1}" in lines) == (count > 1)
    if count > 1:
        assert figures["error_with_one_window_less_lsb"] > 0.5
    else:
        assert figures["error_with_one_window_less_lsb"] is None
    assert (f"… in {every}" in lines) == bool(dropped)
    assert (figures["logic_of_all_windows"] > 1) == bool(dropped)


def test_what_is_exact_of_a_row():
    plain = told(unit(norm="rmsnorm"), "Exactness")
    assert plain["V"][0] == "exact"
    assert plain["z"][1].startswith("of itself")
    assert "z gamma" not in plain
    assert "z + beta" not in plain
    assert told(unit(norm="rmsnorm", gamma=1.25), "Exactness")["z gamma"][0] == "exact"
    both = told(unit(gamma=1.25, beta=0.3), "Exactness")
    assert both["z gamma + beta"][0].startswith("to ")
    assert both["z"][1].startswith("fixed point, as a mean")
    integers = told(unit(input=IntFormat(8, scale=0.05), output="bf16"), "Exactness")
    assert integers["sums"] == ("exact", "of integers")
    assert told(unit(epsilon=0.0), "Exactness")["epsilon"] == ("none", "zero")
    assert told(unit(output=IntFormat(8, scale=0.05)), "Exactness")["result"] == (
        "one rounding",
        "half to even, saturated",
    )
    twice = told(unit(norm="rmsnorm", gamma=1.25, gamma_rounding="output"), "Exactness")
    assert twice["z, rounded"] == ("one rounding", "to bf16, half to even")
    assert not told(unit(input=IntFormat(8, scale=0.05), output=IntFormat(8, scale=0.05)), "Exactness")


def test_the_pipeline_says_nothing_of_a_pivot():
    assert "pivot" not in told(unit(), "Pipeline")["ingest"][1]
    assert "pivot" in told(unit(input=IntFormat(8, scale=0.05)), "Pipeline")["ingest"][1]


@pytest.mark.parametrize(
    ("keys", "of"),
    [
        ({"norm": "rmsnorm"}, "of y"),
        ({"norm": "rmsnorm", "beta": 0.3}, "of the larger of y and beta"),
        ({}, "of the larger of y and gamma"),
        ({"beta": 0.3}, "of the largest of y, gamma and beta"),
    ],
)
def test_what_an_ulp_is_of(keys, of):
    assert told(unit(**keys), "Accuracy")["ulp"] == ("the last place", of)
    assert "ulp" not in told(unit(**{**keys, "output": IntFormat(8, scale=0.05)}), "Accuracy")
