"""The plan: formulas, numbers for machines, the table for people."""

import json
import math
from itertools import groupby

import pytest

from streamnorm.architectures.one_pass import NormUnit
from streamnorm.plan import Plan, plan_rows
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat

EXAMPLES = ("bert_int8", "bert_int8_50mhz", "ice40_int8", "llama_rms_int16", "minilm_int16", "short_rows")
SECTIONS = ["Unit", "Accuracy", "Latency", "Pipeline", "Widths", "Cost"]


def unit(**changes) -> NormConfig:
    keys = {
        "norm": "layernorm",
        "lanes": 4,
        "max_length": 50,
        "input": IntFormat(8, scale=0.05),
        "output": IntFormat(8, scale=0.05),
        "epsilon": 1e-5,
    }
    return NormConfig(**{**keys, **changes})


@pytest.fixture(params=EXAMPLES)
def plan(request, examples) -> Plan:
    return Plan.of(NormConfig.from_toml(examples / f"{request.param}.toml"))


def lookup(plan: Plan, section: str, name: str) -> tuple[str, str]:
    (row,) = [row for row in plan_rows(plan) if (row.section, row.name) == (section, name)]
    return row.value, row.meaning


def test_the_formulas_give_the_latency(plan):
    formulas = plan.latency_formulas()
    lengths = {1, 2, plan.config.lanes, plan.config.lanes + 1, plan.config.max_length - 1, plan.config.max_length}
    for n in sorted(length for length in lengths if length <= plan.config.max_length):
        values = {name: eval(text, {"ceil": math.ceil, "max": max, "n": n}) for name, text in formulas.items()}
        assert values == vars(plan.latency(n)), n


def test_latencies_hang_together(plan):
    for n in (1, plan.config.max_length):
        beats, latency = -(-n // plan.config.lanes), plan.latency(n)
        assert latency.L2 == plan.latency_cycles == sum(plan.stages.values())
        assert latency.L2 + beats - 1 == latency.L1
        assert latency.L1 + beats - 1 == latency.L3
        assert max(beats, plan.interval) == latency.SS


def test_a_row_of_min_length_and_more_keeps_full_rate(plan):
    config = plan.config
    for n in range(config.min_length, config.max_length + 1):
        assert -(-n // config.lanes) == plan.latency(n).SS


@pytest.mark.parametrize("n", [0, -1, 51])
def test_a_length_out_of_range_is_refused(n):
    with pytest.raises(ValueError, match=rf"^n = {n}: must be an integer from 1 to 50 \(max_length\)$"):
        Plan.of(unit()).latency(n)


def test_the_stages_add_up_to_what_the_blocks_are_wired_for(plan):
    assert sum(plan.stages.values()) == NormUnit(plan.config).latency
    assert min(plan.stages.values()) >= 0
    assert plan.buffer_beats >= plan.config.max_beats


def test_a_plan_is_made_once():
    assert Plan.of(unit()) is Plan.of(unit())
    assert Plan.of(unit()) is not Plan.of(unit(lanes=5))


def test_a_faster_clock_takes_more_cycles_and_no_other_width():
    slow, fast = (Plan.of(unit(target="ecp5-85k-6", clock_mhz=clock)) for clock in (25.0, 200.0))
    assert slow.latency_cycles < fast.latency_cycles
    assert slow.to_dict()["widths"] == fast.to_dict()["widths"]
    assert slow.multipliers == fast.multipliers


def test_longer_rows_share_multipliers():
    short, long = (
        Plan.of(unit(min_length=n, max_length=768, input=IntFormat(16), target="ecp5-85k-6")) for n in (1, 64)
    )
    assert short.interval == 1
    assert long.interval > 1
    assert long.multipliers["statistic"] < short.multipliers["statistic"]
    assert long.multipliers["moments"] == short.multipliers["moments"]


def test_few_tiles_are_left_to_what_needs_them_every_cycle():
    short, long = (
        Plan.of(unit(min_length=n, max_length=768, lanes=1, target="ice40-up5k", clock_mhz=20.0)) for n in (1, 64)
    )
    assert short.multipliers["statistic"] > 0
    assert long.multipliers["statistic"] == 0
    assert long.multipliers["apply"] == short.multipliers["apply"] > 0
    assert long.latency_cycles > short.latency_cycles


def test_a_target_without_multipliers_has_none(plan):
    in_logic = plan.config.target.startswith("ice40-hx")
    assert (sum(plan.multipliers.values()) == 0) == in_logic


def test_json_holds_everything(plan):
    values = json.loads(json.dumps(plan.to_dict()))
    assert values["error_bound_lsb"] == pytest.approx(0.5 + plan.precision.error_bound)
    assert values["latency_at_max_length"] == vars(plan.latency(plan.config.max_length))
    assert values["latency_formulas"] == plan.latency_formulas()
    assert sum(values["stages"].values()) == plan.latency_cycles
    widths = values["widths"]
    assert widths["scale_bits"] == plan.precision.scale_bits
    assert widths["table_word_bits"] == plan.precision.root.word_width
    assert all(isinstance(width, int) for width in widths.values())


def test_the_table_is_complete_and_in_order(plan):
    rows = plan_rows(plan)
    assert [section for section, _ in groupby(rows, key=lambda row: row.section)] == SECTIONS
    for section, lines in groupby(rows, key=lambda row: row.section):
        names = [line.name for line in lines]
        assert len(set(names)) == len(names), section
    assert all(row.name and (row.value or row.name == "note") for row in rows)
    assert all(row.meaning for row in rows if row.section != "Cost")
    stages = [row for row in rows if row.section == "Pipeline"]
    assert {row.name for row in stages} >= {name for name, cycles in plan.stages.items() if cycles}
    assert sum(int(row.value.split()[0]) for row in stages if row.name != "all") == plan.latency_cycles


def test_the_table_gives_latency_and_rate():
    plan = Plan.of(unit(clock_mhz=130.0))
    latency = plan.latency_cycles
    value, meaning = lookup(plan, "Latency", "L1")
    assert value == f"ceil(n / 4) + {latency - 1} = {latency + 12}"
    assert meaning == f"cycles, first beat in to first beat out; n = 50 ({latency} for one beat)"
    assert lookup(plan, "Latency", "L2") == (str(latency), "cycles, last beat in to first beat out")
    assert lookup(plan, "Latency", "rows") == ("10 M/s", "of 50 elements, back to back")
    assert lookup(plan, "Latency", "elements") == ("500 M/s", "in such rows")
    assert lookup(plan, "Unit", "clock")[0] == "130 MHz"


def test_the_table_gives_widths_and_binary_points():
    plan = Plan.of(unit())
    precision, table = plan.precision, plan.precision.root
    assert lookup(plan, "Widths", "d") == ("9 bits", "element less the row's first element, exact")
    assert lookup(plan, "Widths", "S1")[0] == "15 bits"
    assert lookup(plan, "Widths", "rho")[0] == f"{table.rho_bits} bits, {table.rho_bits} fraction"
    frac = precision.normalized_frac_bits
    assert lookup(plan, "Widths", "z")[0] == f"{precision.normalized_bits} bits, {frac} fraction"
    rms = Plan.of(unit(norm="rmsnorm"))
    assert "S1" not in [row.name for row in plan_rows(rms)]
    assert lookup(rms, "Widths", "KF")[1] == "half a step of z"
    assert lookup(rms, "Widths", "d")[1] == "element less the zero point, exact"


def test_the_table_says_what_is_stored():
    for changes, value in (
        ({"gamma": None}, "absent"),
        ({"gamma": 0.5}, "one constant"),
        ({"gamma": [1.0, 2.0] * 25}, "rom, 50 values"),
        ({"gamma": None, "storage": "ram"}, "ram, 50 values"),
        ({"gamma": [[1.0, 2.0] * 25] * 3, "banks": 3}, "rom, 3 banks of 50 values"),
    ):
        assert lookup(Plan.of(unit(**changes)), "Unit", "gamma")[0] == value, changes
    assert lookup(Plan.of(unit(epsilon=0.0)), "Widths", "epsilon") == ("none", "zero")
    assert lookup(Plan.of(unit(epsilon=1e-30)), "Widths", "epsilon")[1] == "too small to change any result"
    assert lookup(Plan.of(unit(epsilon=1.0)), "Widths", "epsilon")[1] == "constant, in squared input steps"


def test_the_table_says_that_multipliers_are_shared():
    plan = Plan.of(unit(min_length=16, max_length=768))
    assert plan.interval > 1
    assert lookup(plan, "Unit", "full rate")[0] == f"rows of {plan.interval} beats and more"
    assert "full rate" not in [row.name for row in plan_rows(Plan.of(unit()))]
    assert "spacing" not in [row.name for row in plan_rows(Plan.of(unit()))]


def test_the_table_says_what_is_made_of_logic():
    plan = Plan.of(unit(target="ice40-hx8k", clock_mhz=40.0))
    assert lookup(plan, "Cost", "multipliers: apply") == ("in logic", "the target has none: built from logic")
    assert "multipliers: all" not in [row.name for row in plan_rows(plan)]
    plan = Plan.of(unit(target="ecp5-25k-6"))
    assert lookup(plan, "Cost", "multipliers: all")[0] == str(sum(plan.multipliers.values()))
    assert lookup(plan, "Cost", "multipliers: apply")[1] == "multipliers of 18 × 18 bits"
