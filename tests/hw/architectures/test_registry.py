"""Every architecture of the registry: hardware, ports, a report in one shape, and signals that tell what it does."""

from math import ceil

import pytest

from hw.architectures.test_architectures import configuration
from streamnorm.architectures import UNITS, unit_of
from streamnorm.architectures.connections import unit_ports
from streamnorm.plan import Plan, plan_rows
from streamnorm.spec.architectures import ARCHITECTURES, ONE_PASS

CONFIGURATIONS = {
    "ecp5": {"target": "ecp5-85k-6", "clock_mhz": 150},
    "ice40": {"target": "ice40-hx8k", "clock_mhz": 30, "lanes": 1},
    "ram": {"storage": "ram", "banks": 2, "gamma": None, "beta": None},
    "rmsnorm": {"norm": "rmsnorm"},
    "affine": {"norm": "affine", "epsilon": None},
}


UNITS_TO_BUILD = [
    (keys, name)
    for keys, changes in CONFIGURATIONS.items()
    for name, architecture in ARCHITECTURES.items()
    if architecture.goes_with(configuration(**changes).formula)
]


@pytest.fixture(params=UNITS_TO_BUILD, ids="-".join)
def config(request):
    keys, name = request.param
    return configuration(**CONFIGURATIONS[keys], architecture=name)


def test_what_may_be_asked_for_is_what_is_built():
    assert list(UNITS) == list(ARCHITECTURES)
    assert all(architecture.name == name for name, architecture in ARCHITECTURES.items())


def test_ports_do_not_depend_on_the_architecture(config):
    unit = unit_of(config)
    assert set(unit.signature.members) == set(unit_ports(config))


def test_the_report_adds_up(config):
    report, plan = unit_of(config).report, Plan.of(config)
    assert report == plan.report
    assert report.architecture in (config.architecture, ONE_PASS)
    names = [stage.name for stage in report.stages]
    assert len(set(names)) == len(names)
    assert (names[0], names[-1]) == ("ingest", "output queue")
    assert all(stage.cycles >= 0 for stage in report.stages)
    assert min(report.row_slots, report.output_entries) > 0
    assert report.buffer_beats >= (config.max_beats if config.formula.has_statistic else 0)
    counts = [*report.multipliers.values(), *report.block_rams.values()]
    assert all(isinstance(count, int) and count >= 0 for count in counts)


def test_formulas_are_what_latency_counts(config):
    plan = Plan.of(config)
    for n in (1, 2, 3, config.lanes, config.lanes + 1, 33, config.max_length - 1, config.max_length):
        counted = {key: eval(text, {"ceil": ceil, "n": n}) for key, text in plan.latency_formulas().items()}
        assert counted == vars(plan.latency(n))
    for n in (0, config.max_length + 1):
        with pytest.raises(ValueError, match=f"n = {n}: must be an integer from 1 to {config.max_length}"):
            plan.latency(n)


def test_the_plan_is_told_to_people_and_machines(config):
    plan = Plan.of(config)
    told = plan.to_dict()
    assert told["architecture"] == config.architecture
    assert (told["error_bound_lsb"] is None) == (not ARCHITECTURES[config.architecture].exact)
    rows = plan_rows(plan)
    pipeline = [row.name for row in rows if row.section == "Pipeline"]
    assert pipeline == [stage.name for stage in plan.report.stages if stage.meaning] + ["all"]
    assert all(row.value for row in rows)


def test_it_tells_when_its_blocks_work(config):
    activity = unit_of(config).activity()
    assert next(iter(activity)) == "ingest"
    assert all(len(signal) == 1 for signal in activity.values())
