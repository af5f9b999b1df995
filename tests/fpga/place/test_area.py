"""The area of many units from their plans, and what share of the largest part it is."""

import json
from math import inf

import pytest

from streamnorm import NormConfig
from streamnorm.plan import Plan
from streamnorm_fpga.devices import DEVICES
from streamnorm_fpga.place.area import Area, largest_device, units_area


@pytest.fixture
def unit(examples):
    return NormConfig.from_toml(examples / "bert_int8.toml")


def test_area_is_that_of_the_plans(unit):
    plan = Plan.of(unit)
    dsp, bram = sum(plan.multipliers.values()), sum(plan.block_rams.values())
    area = units_area([unit, unit]).times(3)
    assert (area.dsp, area.bram) == (6 * dsp, 6 * bram)
    assert area.device is DEVICES["ecp5-85k-6"]


def test_luts_are_those_that_were_measured(unit, examples):
    stored = json.loads((examples.parent / "docs/figures.json").read_text())["fit-bert_int8"]["comb"]
    area = units_area([unit]).times(2)
    assert area.comb == 2 * stored
    assert area.shares["comb"] == pytest.approx(2 * stored / 83640)
    # One that was not measured leaves the sum unknown.
    assert units_area([unit, unit.replace(clock_mhz=100)]).comb is None


@pytest.mark.parametrize(
    ("target", "largest"),
    [("ecp5-12k-8", "ecp5-85k-8"), ("ice40-hx1k", "ice40-hx8k"), ("ice40-up5k", "ice40-up5k"), ("generic", None)],
)
def test_the_largest_part_is_one_of_the_same_kind_and_speed(target, largest):
    assert largest_device(target) is (None if largest is None else DEVICES[largest])


def test_what_is_scarcest_decides():
    device = DEVICES["ecp5-85k-6"]
    for area, share in ((Area(156, 1, None, device), 1), (Area(1, 416, 9, device), 2), (Area(0, 0, 83641, device), 1)):
        assert area.share == pytest.approx(share, rel=1e-3)
        assert area.fits is (area.share == 1)


def test_a_part_may_have_none_or_there_may_be_no_part():
    assert Area(1, 1, None, DEVICES["ice40-hx8k"]).share == inf
    lacking = Area(1, 1, None, DEVICES["ice40-hx8k"]).to_dict()
    assert (lacking["shares"], lacking["fits"]) == ({"multipliers": None, "block_rams": 1 / 32}, False)
    assert Area(0, 1, None, DEVICES["ice40-hx8k"]).fits
    assert Area(1, 1, None, None).to_dict() == {
        "multipliers": 1, "block_rams": 1, "luts": None, "largest_device": None, "shares": {}, "fits": None
    }  # fmt: skip
