"""What is known of a unit's size before synthesis."""

import json
from functools import partial

import numpy as np
import pytest

from lut_figures import estimated, lines, unit_of
from streamnorm.plan import Limits, Plan
from streamnorm.plan.luts import LUT_ERROR, LUT_MODELS, estimated_luts, kind_of
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.targets import CAPACITIES, TARGET_NAMES

WORST_MEASURED = 0.18
"""As docs/fit.md and `LUT_ERROR` have it."""

unit = partial(
    NormConfig,
    name="unit",
    norm="rmsnorm",
    lanes=4,
    max_length=64,
    input=IntFormat(8, scale=0.05),
    output=IntFormat(8, scale=0.05),
    epsilon=1e-5,
)


@pytest.mark.parametrize("line", estimated(), ids=lambda line: f"{line['target']}-{line['norm']}-{line['luts']}")
def test_luts_of_synthesized_units_are_estimated(line):
    estimate = estimated_luts(Plan.of(unit_of(line)))
    assert estimate == pytest.approx(line["luts"], rel=WORST_MEASURED)
    assert WORST_MEASURED < LUT_ERROR


@pytest.mark.parametrize("name", ["bert_int8", "bert_int8_50mhz", "bert_int16"])
def test_luts_of_placed_units_are_estimated(name, examples):
    placed = json.loads((examples.parent / "docs/figures.json").read_text())[f"fit-{name}"]["comb"]
    assert estimated_luts(Plan.of(NormConfig.from_toml(examples / f"{name}.toml"))) == pytest.approx(
        placed, rel=WORST_MEASURED
    )


def test_no_luts_are_told_where_none_were_measured():
    assert estimated_luts(Plan.of(unit(target="generic"))) is None
    assert estimated_luts(Plan.of(unit(target="ice40-up5k", clock_mhz=20))) is None
    assert estimated_luts(Plan.of(unit(target="ecp5-85k-6", architecture="five-scan"))) is None


@pytest.mark.parametrize("kind", [kind for kind in LUT_MODELS if "floating" in kind])
def test_units_that_are_to_be_synthesized_tell_the_terms_of_floats_apart(kind):
    of_floats = [line for line in lines() if {str} & {type(line["input"]), type(line["output"])}]
    plans = [Plan.of(unit_of(line)) for line in of_floats]
    terms = [LUT_MODELS[kind].terms(plan) for plan in plans if kind_of(plan) == kind]
    table = np.array([list(each.values()) for each in terms], float)
    assert np.isfinite(table).all()
    assert (table >= 0).all()
    assert np.linalg.matrix_rank(table / table.max(axis=0)) == len(terms[0]) < len(terms)


def test_every_part_has_a_capacity():
    assert set(CAPACITIES) == set(TARGET_NAMES) - {"generic"}


def test_nothing_is_said_of_no_part():
    limits = Limits(Plan.of(unit(target="generic", lanes=64, clock_mhz=400)))
    assert (limits.why_not(), limits.notices) == ("", ())
    assert limits.to_dict()["multipliers"]["available"] is None


def test_luts_count_only_where_they_are_surely_too_many():
    small = Limits(Plan.of(unit(target="ice40-hx1k", clock_mhz=30)))
    assert "of 1280 logic cells" in small.why_not()
    near = Limits(Plan.of(unit(target="ice40-hx8k", clock_mhz=30, norm="layernorm", lanes=8)))
    assert near.why_not() == ""
    [notice] = near.notices
    assert notice.startswith(f"unit may not fit ice40-hx8k: about {near.luts} of 7680 logic cells (estimated, ± 25%)")


def test_many_lanes_near_the_limit_of_the_clock_may_miss_it():
    for lanes, clock, notices in ((16, 191, 1), (16, 190, 0), (8, 212, 0), (16, 213, 1)):
        limits = Limits(Plan.of(unit(target="ecp5-85k-6", lanes=lanes, clock_mhz=clock, max_length=64)))
        assert len(limits.notices) == notices
        assert any("may miss 191 MHz" in notice for notice in limits.notices) == (clock == 191)
    assert Limits(Plan.of(unit(target="generic", lanes=64, clock_mhz=400))).notices == ()


def test_the_clock_counts_where_there_are_block_rams():
    limits = Limits(Plan.of(unit(target="ecp5-85k-8", clock_mhz=250)))
    assert limits.why_not() == ""
    assert limits.why_not(300) == "300 MHz: block RAM allows 271"
    assert limits.refusal(300).endswith("try a lower clock or another family, for no part of this one will do")
