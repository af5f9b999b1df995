"""The parts of docs/architecture.md that are made from a plan and from the device families."""

import re
from pathlib import Path

import pytest

from architecture_page import block_diagram, delay_table, period_table, timeline
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.targets import Target

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(params=["bert_int8", "bert_int8_50mhz", "ice40_int8", "minilm_int16"])
def plan(request, examples) -> Plan:
    return Plan.of(NormConfig.from_toml(examples / f"{request.param}.toml"))


def table(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]


def test_every_arrow_joins_two_blocks(plan):
    text = block_diagram(plan)
    blocks = set(re.findall(r"^    (\w+)[\[(]", text, re.MULTILINE))
    arrows = re.findall(r"^    (\w+) -\.?->(?:\|\"[^\"]*\"\|)? (\w+)$", text, re.MULTILINE)
    assert {end for arrow in arrows for end in arrow} == blocks
    assert ("spacing" in blocks) == (plan.interval > 1)
    lines = text.splitlines()
    assert len(lines) == 5 + len(blocks) - 2 + len(arrows)
    assert (lines[0], lines[-1]) == ("```mermaid", "```")


def test_the_diagram_has_the_figures_of_the_plan(plan):
    text = block_diagram(plan)
    assert f"<b>apply</b><br>{plan.stages['apply']} cycles" in text
    assert f"<br>{plan.buffer_beats} beats" in text
    assert f"<br>{plan.row_slots} rows" in text
    if plan.multipliers["apply"]:
        assert f"<br>{plan.multipliers['apply']} multipliers" in text
    else:
        assert "multiplier" not in text


def test_the_timeline_ends_with_l2(plan):
    rows = table(timeline(plan))[2:]
    cycles = [int(row[0]) for row in rows]
    assert cycles == sorted(cycles)
    assert (cycles[0], cycles[-1]) == (0, plan.latency_cycles)
    announce, issue, meeting = (
        next(int(row[0]) for row in rows if text in row[1]) for text in ("announce:", "issue:", "enter apply")
    )
    assert announce < issue < meeting
    assert meeting == plan.latency_cycles - plan.stages["apply"] - plan.stages["output queue"]


def test_the_delays_are_those_of_the_targets():
    head, _, *rows = table(delay_table())
    names = [name.strip("`") for name in head[1:]]
    lut = next(row for row in rows if row[0] == "one level of logic")
    assert lut[1:] == [f"{Target(name, 100.0).family.lut:.3g}" for name in names]
    assert len(rows) == 17


def test_the_periods_are_those_of_the_targets():
    _, _, *rows = table(period_table())
    for row in rows:
        name, clock = re.fullmatch(r"`(.*)`, (.*) MHz", row[0]).groups()  # pyright: ignore
        target = Target(name, float(clock))
        assert row[1:4] == [f"{target.budget:.2f}", str(target.adder_chunk), str(target.accumulator_chunk)]


def test_widths_in_numerics_are_those_of_the_code(examples):
    plan = Plan.of(NormConfig.from_toml(examples / "bert_int8.toml"))
    precision, known = plan.precision, set()
    for source in (precision, precision.ranges, precision.root, plan, plan.config):
        known |= {name for name in dir(source) if not name.startswith("_")}
    text = (DOCS / "numerics.md").read_text("utf-8")
    names = set(re.findall(r"`(?:root\.)?([a-z]+(?:_[a-z]+)+)`", text))
    assert names - known == set()
    assert len(names) > 15
