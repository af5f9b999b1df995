"""What is said of a unit with each method: that of its plan, and of the root built alone."""

import pytest

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.root_choice import RootChoice
from streamnorm.spec.roots import ROOTS
from streamnorm_sim.roots import measure_errors, root_alone, root_choices, root_facts, root_of, unit_with


def unit(**changes):
    keys = {
        "norm": "layernorm", "lanes": 2, "max_length": 16, "epsilon": 1e-5, "target": "ecp5-25k-6", "clock_mhz": 150,
        "input": {"format": "int8", "scale": 0.1}, "output": {"format": "int8", "scale": 0.05},
    }  # fmt: skip
    return NormConfig(**{**keys, **changes})


@pytest.mark.parametrize("method", ["table", "fast-inverse", "cordic"])
def test_facts_are_those_of_the_plan(method):
    config = unit()
    built = unit_with(config, RootChoice(method))
    facts = root_facts(config, RootChoice(method), built, measure_errors(root_of(built), 1 << 12))
    plan = Plan.of(config.replace(rsqrt=method))
    latency = plan.latency(16)
    assert (facts["L1"], facts["L2"], facts["SS"]) == (latency.L1, latency.L2, latency.SS)
    assert facts["interval"] == plan.interval
    assert facts["multipliers"] == sum(plan.multipliers.values())
    assert facts["block_rams"] == sum(plan.block_rams.values())
    assert facts["error_bound_lsb"] == plan.error_bound
    assert (facts["promise"], facts["keeps_promise"]) == ("tight", True)
    assert facts["chosen"] == (method == "table")
    assert facts["error"]["measured"] <= facts["error"]["proven"] == plan.precision.root.relative_error


def test_facts_of_a_unit_for_floating_point():
    config = unit(input="bf16", output="bf16")
    for choice in root_choices(config):
        built = unit_with(config, choice)
        facts = root_facts(config, choice, built, measure_errors(root_of(built), 1 << 12))
        plan = Plan.of(config.replace(rsqrt=choice, accuracy=built.accuracy))
        assert (facts["L1"], facts["error_bound_lsb"]) == (plan.latency(16).L1, plan.error_bound), choice
        assert facts["chosen"] == (choice.method == "table"), choice
        assert facts["error"]["measured"] <= facts["error"]["proven"] == plan.precision.root.relative_error, choice


@pytest.mark.parametrize(
    ("target", "clock"), [("ecp5-25k-6", 150.0), ("ice40-hx8k", 60.0)], ids=["multipliers", "logic"]
)
def test_the_root_alone_is_what_the_unit_has_of_it(target, clock):
    """What another method changes in the unit is what it changes in the root, widths being alike."""
    config = unit(target=target, clock_mhz=clock)
    units = [unit_with(config, RootChoice(name)) for name in ("non-restoring", "binary-search")]
    roots = [root_alone(each) for each in units]
    assert root_of(units[0]).rho_bits == root_of(units[1]).rho_bits
    plans = [Plan.of(each) for each in units]
    for count in ("multipliers", "block_rams"):
        of_units = [sum(getattr(plan, count).values()) for plan in plans]
        of_roots = [getattr(root, count) for root in roots]
        assert of_units[0] - of_units[1] == of_roots[0] - of_roots[1]
    first, second = (plan.latency(16).L1 for plan in plans)
    assert abs((first - second) - (roots[0].cycles - roots[1].cycles)) <= 1  # a register may fall together with another


def test_rows_that_leave_time_share_the_roots_logic():
    once, often = (unit(lanes=1, max_length=64, min_length=length, rsqrt="fast-inverse") for length in (1, 64))
    assert root_alone(often).multipliers < root_alone(once).multipliers
    assert root_alone(often).cycles > root_alone(once).cycles


def test_a_method_that_is_not_exact_enough_is_taken_as_it_is():
    config = unit()
    with pytest.raises(ConfigError, match="iterl2norm"):
        Plan.of(config.replace(rsqrt="iterl2norm"))
    built = unit_with(config, RootChoice("iterl2norm"))
    assert built.accuracy == "as-is"
    facts = root_facts(config, RootChoice("iterl2norm"), built, measure_errors(root_of(built), 1 << 12))
    assert (facts["promise"], facts["keeps_promise"]) == ("as-is", False)
    assert unit_with(config, RootChoice("table")).accuracy == "faithful"


def test_every_method_is_compared_the_configurations_own_with_its_steps():
    choices = root_choices(unit(rsqrt={"method": "iterl2norm", "steps": 7}))
    assert [choice.method for choice in choices] == list(ROOTS)
    assert {choice.method: choice.steps for choice in choices if choice.steps is not None} == {"iterl2norm": 7}
    assert root_choices(unit(), ["cordic", "table"]) == [RootChoice("table"), RootChoice("cordic")]


def test_a_norm_without_a_root_is_refused():
    config = unit(norm="dyt", epsilon=None, alpha=0.5)
    with pytest.raises(ConfigError, match=r'^norm = "dyt": has no reciprocal square root'):
        root_choices(config)
    with pytest.raises(ConfigError, match=r"^method 'cordc': must be one of table, "):
        root_choices(unit(), ["cordc"])


def test_integers_of_a_publication_have_a_root_of_their_own():
    config = unit(algorithm="i-bert", epsilon=0.0)
    with pytest.raises(ConfigError, match='algorithm = "i-bert": has a root of its own'):
        root_choices(config)


def test_nothing_is_promised_where_the_plan_promises_nothing():
    config = unit(algorithm="q-layernorm-dyadic")
    built = unit_with(config, RootChoice("table"))
    facts = root_facts(config, RootChoice("table"), built, measure_errors(root_of(built), 1 << 12))
    assert facts["promise"] is None
    assert facts["keeps_promise"] is None


def test_the_configurations_own_is_the_one_with_its_steps_or_what_auto_comes_to():
    config = unit(rsqrt={"method": "iterl2norm", "steps": 12})
    for steps in (None, 12, 14):
        choice = RootChoice("iterl2norm", steps)
        built = unit_with(config, choice)
        facts = root_facts(config, choice, built, measure_errors(root_of(built), 1 << 12))
        assert facts["chosen"] == (steps == 12)
        assert facts["name"] == ("iterl2norm" if steps is None else f"iterl2norm:{steps}")
    config = unit(rsqrt="auto")
    chosen = []
    for choice in root_choices(config, ["table", "linear"]):
        built = unit_with(config, choice)
        facts = root_facts(config, choice, built, measure_errors(root_of(built), 1 << 12))
        chosen += [choice.kind] if facts["chosen"] else []
    assert chosen in ([type(root_of(config))], [])
