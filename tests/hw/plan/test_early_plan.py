"""The plan of units whose rows leave before they have come in."""

from math import ceil

import pytest

from hw.plan.test_plan import lookup, unit
from streamnorm.plan import Plan
from streamnorm.spec.architectures import ARCHITECTURES
from streamnorm.verilog.emit import verilog

EXACT = [name for name, one in ARCHITECTURES.items() if one.exact and one.has_statistic and not one.defers]
PART = {"norm": "rmsnorm", "statistic_length": 13}


def test_latencies_hang_together():
    plan = Plan.of(unit(**PART))
    for n in range(1, 51):
        beats, latency = ceil(n / 4), plan.latency(n)
        assert plan.latency_cycles + min(beats, 4) - 1 == latency.L1
        assert latency.L1 - (beats - 1) == latency.L2
        assert latency.L1 + beats - 1 == latency.L3
        assert beats == latency.SS
    assert plan.latency_cycles - 9 == plan.latency(50).L2
    assert sum(plan.stages.values()) == plan.latency_cycles


def test_the_table_says_what_the_stages_add_up_to():
    plan = Plan.of(unit(**PART))
    assert lookup(plan, "Pipeline", "all")[1] == "L2 of a row of one beat"
    assert (
        lookup(plan, "Latency", "L1")[0] == f"min(ceil(n / 4), 4) + {plan.latency_cycles - 1} = {plan.latency(50).L1}"
    )


@pytest.mark.parametrize("length", [49, 50])
def test_a_part_of_as_many_beats_leaves_as_any_row(length):
    plan = Plan.of(unit(norm="rmsnorm", statistic_length=length))
    assert plan.report.statistic_beats is None
    assert plan.latency(50).L2 == plan.latency(1).L2


def test_a_part_that_is_all_is_the_unit_without_it():
    texts = [verilog(unit(norm="rmsnorm", statistic_length=length)) for length in (None, 50)]
    bodies = [text[text.index("module ") :] for text in texts]
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("architecture", EXACT)
def test_only_one_pass_leaves_early(architecture):
    plan = Plan.of(unit(architecture=architecture, **PART))
    early = plan.report.architecture == "one-pass"
    assert (plan.report.statistic_beats == 4) == early
    assert (plan.latency(50).L2 < plan.latency(1).L2) == early
