"""The method for the reciprocal square root: asked for, refused, taken as it is."""

import re

import numpy as np
import pytest

from drawn import drawn_config, drawn_rows
from family import WITH_STATISTIC
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.plan.table import plan_rows
from streamnorm.precision.automatic_root import CYCLE_SHARE, RootCost
from streamnorm.precision.demand import FAITHFUL_ERROR
from streamnorm.precision.interval import statistic_interval
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.root_choice import RootChoice
from streamnorm.spec.roots import ROOTS
from streamnorm.spec.targets import CAPACITIES
from streamnorm.units.root_alone import RootAlone
from streamnorm.verilog.emit import manifest, verilog
from streamnorm.verilog.root_alone import root_verilog
from streamnorm_sim.reference.exact import exact_result
from streamnorm_sim.reference.golden import GoldenModel

EXACT_GRID = 1e-6
INEXACT = ({"method": "iterl2norm"}, {"method": "vfrsqrt7", "steps": 0}, {"method": "fast-inverse", "steps": 1})


def unit(**changes: object) -> NormConfig:
    keys = {
        "norm": "layernorm",
        "lanes": 4,
        "max_length": 64,
        "epsilon": 1e-5,
        "input": IntFormat(8, scale=0.05),
        "output": IntFormat(8, scale=0.08),
    }
    return NormConfig(**{**keys, **changes})


@pytest.mark.parametrize("method", ROOTS)
def test_the_method_that_is_asked_for_is_taken(method):
    config = unit(rsqrt=method, accuracy="as-is")
    assert isinstance(Precision.of(config).root, ROOTS[method])
    assert config.rsqrt == RootChoice(method)
    assert config.replace(rsqrt="table") == config.replace(rsqrt={"method": "table"})


def test_the_number_of_steps_that_is_asked_for_is_taken():
    for steps in (1, 2, 3):
        root = Precision.of(unit(rsqrt={"method": "table-newton", "steps": steps})).root
        assert root.figures()["root_steps"] == steps


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("tabel", "in [rsqrt]: method = 'tabel': must be one of table, linear, "),
        ({"methods": "table"}, "in [rsqrt]: unknown key 'methods'; did you mean method?"),
        ({"method": "table", "steps": 1}, 'in [rsqrt]: steps = 1: method = "table" has no steps to choose; those that'),
        ({"method": "auto", "steps": 1}, 'in [rsqrt]: steps = 1: method = "auto" has no steps to choose; those that'),
        (
            {"method": "vfrsqrt7", "steps": 3},
            'in [rsqrt]: steps = 3: must be an integer from 0 to 2 for method = "vfrsqrt7"',
        ),
        (
            {"method": "vfrsqrt7", "steps": True},
            'in [rsqrt]: steps = True: must be an integer from 0 to 2 for method = "vfrsqrt7"',
        ),
        (7, 'rsqrt = 7: must be a table, for example [rsqrt] with method = "table"'),
    ],
)
def test_a_choice_that_is_none_is_refused(given, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        unit(rsqrt=given)


def test_norms_without_a_root_take_no_method():
    affine = {"norm": "affine", "lanes": 2, "max_length": 8, "input": IntFormat(8), "output": IntFormat(8)}
    with pytest.raises(ConfigError, match='norm = "affine" has no reciprocal square root; leave it out'):
        NormConfig(**affine, rsqrt="cordic")
    with pytest.raises(ConfigError, match='norm = "affine" has no root to be inexact; leave it out'):
        NormConfig(**affine, accuracy="as-is")
    assert NormConfig(**affine, rsqrt="table").rsqrt == RootChoice()


def test_a_method_that_is_not_exact_enough_is_refused_and_the_others_named():
    with pytest.raises(ConfigError) as caught:
        Plan.of(unit(rsqrt={"method": "vfrsqrt7", "steps": 0}))
    message = str(caught.value)
    assert message.startswith('in [rsqrt]: method = "vfrsqrt7", steps = 0: off by up to 0.0063 of the root at best, ')
    named = re.search(r"Allowed: method = (.*); or accuracy", message)
    assert named is not None
    able = [name.strip('"') for name in named[1].split(", ")]
    for method in ROOTS:
        if method in able:
            assert Precision.of(unit(rsqrt=method)).error_bound <= FAITHFUL_ERROR
        else:
            with pytest.raises(ConfigError):
                Precision.of(unit(rsqrt=method))


def test_a_method_that_rounds_too_few_correctly_is_refused():
    with pytest.raises(ConfigError, match=r"and fewer than 99.9 % of the results would be rounded correctly"):
        Plan.of(unit(rsqrt={"method": "iterl2norm", "steps": 7}))


@pytest.mark.parametrize("choice", INEXACT, ids=lambda choice: choice["method"])
@pytest.mark.parametrize("seed", range(3))
def test_as_is_tells_a_bound_that_holds(seed, choice):
    config = drawn_config(seed, members=WITH_STATISTIC, rsqrt=choice, accuracy="as-is")
    plan = Plan.of(config)
    batch = drawn_rows(config, np.random.default_rng(seed), 20)
    got = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks)
    exact = exact_result(config, batch.x, batch.lengths, batch.banks)
    saturated = np.clip(exact.scaled, config.output.min, config.output.max)
    assert np.abs(got - saturated)[batch.valid].max() <= plan.error_bound + EXACT_GRID, f"seed {seed}: {config}"


def test_as_is_is_told_everywhere():
    config = unit(rsqrt={"method": "vfrsqrt7", "steps": 0}, accuracy="as-is")
    plan = Plan.of(config)
    assert plan.promise == "as-is"
    assert plan.error_bound > 1
    lines = {row.name: row for row in plan_rows(plan)}
    assert lines["promise"].value == "as-is"
    assert lines["error bound"].value == f"{plan.error_bound:.4f} LSB"
    assert lines["root"].value == "vfrsqrt7"
    assert manifest(config, {})["plan"]["promise"] == "as-is"
    assert manifest(config, {})["plan"]["error_bound_lsb"] == plan.error_bound
    head = verilog(config).splitlines()[:4]
    assert head[3] == f"// Accuracy as it is: results are off by up to {plan.error_bound:.4g} output steps"


def test_as_is_is_as_good_as_ever_where_the_method_is():
    for method in ("table", "cordic"):
        kept, as_is = (Precision.of(unit(rsqrt=method, accuracy=accuracy)) for accuracy in ("faithful", "as-is"))
        assert vars(kept) == vars(as_is)
        assert as_is.promise == "tight"


def test_as_is_with_two_roundings_counts_the_steps_that_z_may_be_off():
    config = unit(
        rsqrt={"method": "fast-inverse", "steps": 1}, accuracy="as-is", gamma_rounding="output", gamma=0.5,
        input=IntFormat(12, scale=1e-3), output=IntFormat(12, scale=2e-3),
    )  # fmt: skip
    plan = Plan.of(config)
    assert plan.precision.error_bound > 1
    rng = np.random.default_rng(3)
    batch = drawn_rows(config, rng, 100)
    got = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks)
    exact = exact_result(config, batch.x, batch.lengths, batch.banks)
    saturated = np.clip(exact.scaled, config.output.min, config.output.max)
    assert np.abs(got - saturated)[batch.valid].max() <= plan.error_bound + EXACT_GRID


AUTOMATIC = {
    "a small part without multipliers": {"target": "ice40-hx8k", "clock_mhz": 60, "min_length": 64},
    "a slow clock": {"clock_mhz": 25},
    "one lane of a small part": {"target": "ecp5-25k-6", "clock_mhz": 150, "lanes": 1, "min_length": 64},
    "a fast clock": {"target": "ecp5-85k-6", "clock_mhz": 200},
}


@pytest.mark.parametrize("name", AUTOMATIC)
def test_auto_takes_what_costs_least_of_what_keeps_the_promise(name):
    config = unit(rsqrt="auto", **AUTOMATIC[name])
    taken = Precision.of(config)
    capacity = CAPACITIES.get(config.target, CAPACITIES["ecp5-85k-6"])
    shares = {}
    for method, kind in ROOTS.items():
        try:
            precision = Precision.of(config.replace(rsqrt=method))
        except ConfigError:
            assert not isinstance(taken.root, kind)
            continue
        shares[method] = RootCost.of(config, precision.root).share(capacity)
        if isinstance(taken.root, kind):
            assert vars(precision) == vars(taken)
            chosen = method
    assert shares[chosen] == min(shares.values())


def test_auto_saves_block_rams_where_they_are_few():
    keys = AUTOMATIC["a small part without multipliers"]
    automatic, default = (Plan.of(unit(rsqrt=method, **keys)) for method in ("auto", "table"))
    assert sum(automatic.block_rams.values()) <= sum(default.block_rams.values()) - 4
    assert automatic.latency(64).L1 <= default.latency(64).L1 + 10


def test_what_a_root_costs_is_what_is_built():
    """A table takes a block RAM and a product; a loop of digits neither, and fewer cells than all digits at once."""
    table, loop, unrolled = (
        RootCost.of(
            unit(rsqrt=method, target="ecp5-85k-6", clock_mhz=100, min_length=length), ROOTS[method].smallest(16)
        )
        for method, length in (("table", 1), ("non-restoring", 64), ("non-restoring", 1))
    )
    assert (table.multipliers, table.block_rams) == (1, 1)
    assert (loop.multipliers, loop.block_rams) == (0, 0)
    assert 3 * loop.cells < unrolled.cells
    assert loop.share(CAPACITIES["ecp5-25k-6"]) == pytest.approx(
        loop.cells / CAPACITIES["ecp5-25k-6"].luts + loop.cycles * CYCLE_SHARE
    )


@pytest.mark.parametrize("architecture", ["one-pass", "two-pass", "three-scan"])
@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm"])
def test_a_root_is_costed_at_the_interval_that_the_unit_has(architecture, norm):
    """Also where two passes come to one."""
    config = unit(
        norm=norm, architecture=architecture, rsqrt="non-restoring", target="ice40-hx8k", clock_mhz=48, lanes=1,
        min_length=64,
    )  # fmt: skip
    assert statistic_interval(config, Precision.of(config).root) == Plan.of(config).interval


def test_steps_one_behind_the_other_shift_by_constants():
    """CORDIC's shifts are wires there, so that no cycle goes into choosing them; a loop has to choose."""
    device, root = unit(target="ecp5-85k-6", clock_mhz=200).device, ROOTS["cordic"].smallest(16)
    at_once, loop = (root_verilog(RootAlone(root, device, interval), device.primitives) for interval in (1, 100))
    assert "shifted" not in at_once
    assert "shifted" in loop
