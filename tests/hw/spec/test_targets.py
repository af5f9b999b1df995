"""What a device does in a clock cycle, as the pipeline asks for it."""

from dataclasses import fields
from typing import Any

import pytest

from streamnorm import NormConfig
from streamnorm.logic.primitives import FAMILIES
from streamnorm.logic.primitives.multiplier import tile_limit
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.targets import TARGET_NAMES, TARGETS, Family, Target

DELAYS = [f.name for f in fields(Family) if f.type in (float, "float") and not f.name.startswith("margin")]


@pytest.mark.parametrize("name", TARGET_NAMES)
def test_every_target_is_complete(name):
    family = Target(name, 100.0).family
    assert family.primitives in FAMILIES
    assert all(getattr(family, delay) >= 0 for delay in DELAYS)
    assert min(family.register, family.lut, family.mux, family.adder, family.adder_bit) > 0
    assert 0 <= family.margin < 1
    assert family.block_ram_output < family.block_ram


@pytest.mark.parametrize("name", TARGET_NAMES)
def test_the_multiplier_tile_is_one_the_primitives_can_build(name):
    family = Target(name, 100.0).family
    limit = tile_limit(family.primitives)
    if family.tile is None:
        assert limit is None
        return
    assert limit is None or max(family.tile) <= limit
    assert 0 < family.multiplier_setup <= family.multiplier
    assert 0 < family.multiplier_output < family.multiplier


@pytest.mark.parametrize("size", ["12k", "25k", "45k", "85k"])
def test_a_faster_speed_grade_is_faster_everywhere(size):
    slow, middle, fast = (Target(f"ecp5-{size}-{grade}", 100.0).family for grade in (6, 7, 8))
    for delay in DELAYS:
        if delay == "block_ram_limit_mhz":
            continue
        assert getattr(slow, delay) > getattr(middle, delay) > getattr(fast, delay)
    limits = [family.block_ram_limit_mhz for family in (slow, middle, fast)]
    assert limits == [212.0, 254.0, 271.0]
    assert slow.tile == middle.tile == fast.tile


def test_large_wide_and_slow_units_are_planned_for_more():
    family = Target("ecp5-85k-6", 100.0).family
    margins = [family.margin_of(lanes, 8, 8, 200.0) for lanes in (1, 4, 8, 12, 16, 23, 64)]
    assert margins[:3] == [family.margin] * 3 == [0.06] * 3
    assert sorted(set(margins[2:6])) == margins[2:6]
    assert margins[5:] == [family.margin_large] * 2 == [0.14] * 2
    assert [family.margin_of(1, 8, bits, 200.0) for bits in (8, 16, 20, 24)] == [0.06, 0.06, 0.1, 0.14]
    assert [family.margin_of(1, bits, 8, 200.0) for bits in (8, 16, 20, 24)] == [0.06, 0.06, 0.1, 0.14]
    assert [family.margin_of(1, 8, 8, clock) for clock in (1.0, 159.0, 159.1)] == [0.1, 0.1, 0.06]
    assert family.margin_of(64, 8, 8, 1.0) == 0.14
    keys: dict[str, Any] = {
        "norm": "rmsnorm", "max_length": 64, "lanes": 16, "epsilon": 1e-5,
        "input": IntFormat(8, scale=0.1), "output": IntFormat(8, scale=0.1),
    }  # fmt: skip
    at_200 = NormConfig(target="ecp5-85k-6", clock_mhz=200.0, **keys)
    assert at_200.margin == family.margin_of(16, 8, 8, 200.0) == 0.1
    for target in ("generic", "ice40-hx8k"):
        assert NormConfig(target=target, **keys).margin == TARGETS[target].margin_of(64, 24, 24, 1.0) == 0.08


@pytest.mark.parametrize("name", TARGET_NAMES)
def test_a_slower_clock_leaves_more_room(name):
    targets = [Target(name, clock) for clock in (1000.0, 400.0, 200.0, 100.0, 50.0, 5.0, 1.0)]
    family = targets[0].family
    budgets = [target.budget for target in targets]
    assert budgets == sorted(budgets)
    assert budgets[0] == family.lut  # never less than one level of logic
    assert budgets[-1] == pytest.approx(1000 / (1 + family.margin) - family.register)
    chunks = [target.adder_chunk for target in targets]
    assert chunks == sorted(chunks)
    assert chunks[0] == 8


@pytest.mark.parametrize("name", TARGET_NAMES)
@pytest.mark.parametrize("clock_mhz", [5.0, 48.0, 100.0, 200.0])
def test_a_chunk_is_the_widest_that_fits(name, clock_mhz):
    target = Target(name, clock_mhz)
    for chunk, delay in ((target.adder_chunk, target.adder), (target.accumulator_chunk, target.accumulator)):
        assert chunk == 8 or delay(chunk) <= target.budget + 1e-9
        assert delay(chunk + 1) > target.budget - 1e-9
    assert target.accumulator_chunk <= target.adder_chunk


def test_logic_counts_levels_of_4_input_luts():
    target = Target("generic", 100.0)
    lut = target.family.lut
    levels = {inputs: round(target.logic(inputs) / lut) for inputs in (1, 2, 4, 5, 16, 17, 64, 65)}
    assert levels == {1: 1, 2: 1, 4: 1, 5: 2, 16: 2, 17: 3, 64: 3, 65: 4}


def test_a_wider_operation_takes_longer():
    for name in TARGET_NAMES:
        target = Target(name, 100.0)
        for operation in (target.adder, target.accumulator, target.logic):
            delays = [operation(width) for width in (1, 8, 16, 48, 64)]
            assert delays == sorted(delays)


def test_there_is_no_unknown_target():
    with pytest.raises(AssertionError, match=r"^spartan$"):
        Target("spartan", 100.0)
