"""docs/rsqrt.md: every method with its contract, tables that tell what plans tell, and docstrings as Markdown."""

import re

import pytest

import rsqrt_figures
import rsqrt_page
from figures import example
from streamnorm.plan import Plan
from streamnorm.spec.roots import ROOTS
from streamnorm_cli.tables.rsqrt import power_of_two
from streamnorm_sim.roots import measure_errors

PAGE = rsqrt_page.PAGE.read_text("utf-8")


def cells(text):
    """Cells of each line of a table, the heading left out."""
    lines = (line for line in text.splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines][2:]


def part(name):
    """What stands on the page between a part's marks; that it is up to date is asked of all pages."""
    return re.search(rf"<!-- generated: {name} -->\n(.*?)<!-- end -->", PAGE, re.DOTALL)[1]


def test_every_method_is_in_every_table():
    for name in ("methods", *rsqrt_figures.EXAMPLES):
        assert [line[0].strip("`") for line in cells(part(name))] == list(ROOTS)
    headings = re.findall(r"^### (.*)$", part("contracts"), re.MULTILINE)
    assert headings == [*(kind.title for kind in ROOTS.values()), "Parts"]


@pytest.mark.parametrize("method", ["table", "quadratic", "binary-search"])
def test_a_line_is_what_plan_and_model_say(method):
    (line,) = (line for line in cells(part("bert_int8")) if line[0] == f"`{method}`")
    plan = Plan.of(example("bert_int8", rsqrt=method))
    root, latency = plan.precision.root, plan.latency(768)
    assert line[1:3] == [root.about, str(root.rho_bits)]
    assert line[3:5] == [power_of_two(root.relative_error), power_of_two(measure_errors(root).largest)]
    assert line[5:10] == [
        f"{plan.error_bound:.3f}",
        "tight",
        *(str(getattr(latency, key)) for key in ("L1", "L2", "SS")),
    ]
    assert line[10:13] == [
        *(str(plan.interval), str(sum(plan.multipliers.values())), str(sum(plan.block_rams.values())))
    ]


def test_multipliers_are_those_of_the_plan():
    planned = Plan.of(example("bert_int8")).multipliers
    lanes, statistic = planned["moments"] + planned["apply"], planned["statistic"]
    text = " ".join(part("multipliers").split())
    assert f"{lanes + statistic} multipliers: the lanes take {lanes}, the statistic {statistic}," in text
    for method in ("non-restoring", "binary-search", "cordic"):
        more = (
            Plan.of(example("bert_int8", rsqrt=method)).latency(768).L1 - Plan.of(example("bert_int8")).latency(768).L1
        )
        assert f"`{method}` +{more} cycles of L1" in text


def test_every_step_allowed_is_told_where_they_are_few():
    told = [(line[0].strip("`"), int(line[1])) for line in cells(part("steps"))]
    assert {name for name, _ in told} == {name for name, kind in ROOTS.items() if kind.steps_allowed}
    for name in {"table-newton", "vfrsqrt7", "iterl2norm"}:
        steps = [count for method, count in told if method == name]
        assert steps == sorted(set(steps))
        assert set(steps) <= set(ROOTS[name].steps_allowed)
    assert ("vfrsqrt7", 0) in told


def test_what_is_placed_is_what_was_stored():
    lines = {
        (line[0].strip("`"), line[1].strip("`")): line for line in cells(rsqrt_page.placed_table("hx8k_layernorm"))
    }
    entries = rsqrt_figures.stored()
    assert len(lines) == 2 * len(ROOTS)
    for (method, target), line in lines.items():
        entry = entries.get(f"hx8k_layernorm/{method}/{target}")
        if entry is None or "refusal" in entry:
            assert line[4:] == ["–"] * 7
        else:
            assert line[3:5] == [str(entry["cycles"]), str(entry["comb"])]
            assert set(line[10].split(", ")) <= set(entry["fmax_mhz"])


def test_what_cannot_be_placed_is_said(monkeypatch):
    entry = {"tools": {"yosys": "0.70"}, "refusal": "reciprocal_root does not fit", "cycles": 9}
    monkeypatch.setattr(rsqrt_page, "stored", lambda: {"bert_int8/cordic/ice40-hx8k": entry})
    text = rsqrt_page.placed_table("bert_int8")
    assert "`cordic` cannot be placed on ice40-hx8k: reciprocal_root does not fit." in " ".join(text.split())
    assert ["`cordic`", "`ice40-hx8k`", "80", "9", *["–"] * 7] in cells(text)


def test_a_docstring_becomes_markdown():
    def documented():
        """As :class:`.Newton` and ``a -  b``, see :mod:`division <.division>`.

        1. first
           of all
        2. :class:`~some.where.Second`

        Attributes
        ----------
        a : left out
        """

    text = rsqrt_page.from_docstring(documented, "**Before.** ")
    assert text == "**Before.** As `Newton` and `a - b`, see division.\n\n1. first of all\n2. `Second`\n"


def test_no_role_is_left_and_no_code_is_torn():
    text = part("contracts")
    assert not re.search(r":\w+:`", text)
    assert "``" not in text
    for line in text.splitlines():
        assert line.count("`") % 2 == 0, line
