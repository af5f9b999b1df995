"""Pictures of units say what the norm's description says, and are small and the same every time."""

import re
from xml.etree import ElementTree

import pytest

import norms_timeline
import unit_picture
from markdown import WHOLE
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm_sim.norm_units import norm_units

UNITS = norm_units()
MEASURING = [
    name
    for name, unit in UNITS.items()
    if unit.config.formula.has_statistic and not unit.config.formula.has_absolute_sum
]
PICTURES = {**{path.name: make for path, make in unit_picture.pages().items()}, "timeline": norms_timeline.parts}


def texts(svg):
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def drawn(name):
    return texts(unit_picture.picture(UNITS[name].config))


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_whole_small_and_the_same_every_time(name):
    svg = PICTURES[name]()[WHOLE]
    ElementTree.fromstring(svg)
    assert len(svg.encode()) < (2_000 * len(UNITS) if name == "timeline" else 20_000)
    assert PICTURES[name]()[WHOLE] == svg


@pytest.mark.parametrize("name", MEASURING)
def test_moments_and_centre_are_those_of_the_norm(name):
    words, norm = drawn(name), UNITS[name].config.formula
    [moments] = [line for line in words if line.endswith(", exact") or line.startswith("w, √w, Σd², of")]
    assert ("Σd," in moments) == norm.has_sum
    assert ("Σd²" in moments) == norm.has_squares
    assert (moments[0] in "nw") == (not norm.has_unit_weight)
    assert ("scale, centre" in words) == norm.centred == ("d = x - pivot" in words)
    assert any(line.startswith("d · scale - centre") for line in words) == norm.centred


def test_what_is_special_about_a_unit_is_drawn():
    assert {"U", "√V", "n Σd² - (Σd)²", "√U + n ε"} <= set(drawn("layernorm, root"))
    assert {"U", "V", "w (n Σd² - (Σd)²)", "(√U + w ε)²"} <= set(drawn("adanorm"))
    assert {"sum", "M = Σ|n d - Σd|", "M + w ε", "second row buffer"} <= set(drawn("l1norm"))
    assert "max(n Σd² - (Σd)², n² ε)" in drawn("layernorm, floor")
    assert {"w, √w, Σd², of 192", "Σd² + w ε", "√w / √V"} <= set(drawn("rmsnorm, a part"))
    assert "w (Σd² + (Σd)² + w ε)" in drawn("crmsnorm")
    assert "n (n e)" in drawn("frozen")
    assert "1 / √V" in drawn("l2norm")
    assert "U" not in drawn("layernorm")


def test_a_static_unit_has_nothing_but_its_lanes():
    for name, table in (("affine", False), ("dyt", True)):
        words, plan = drawn(name), Plan.of(UNITS[name].config)
        assert {"d = x - zero point", "· γ + β, round"} <= set(words)
        assert not {"moments", "V", "statistic queue", "row buffer"} & set(words)
        assert ("tanh(α x), a table for two lanes" in words) == table
        assert f"{plan.stages['lanes']} cycles, {plan.multipliers['lanes']} multipliers" in words
        assert (f"{plan.block_rams.get('function tables')} block RAMs" in words) == table


@pytest.mark.parametrize("name", UNITS)
def test_figures_are_those_of_the_plan(name):
    words, plan = " ".join(drawn(name)), Plan.of(UNITS[name].config)
    assert f"{plan.stages['ingest']} cycles" in words
    if name in MEASURING:
        for stage in ("moments", "variance", "reciprocal square root", "scale and centre", "statistic queue"):
            assert f"{plan.stages[stage]} cycles" in words, stage
        assert f"{plan.stages['apply']} cycles, {plan.multipliers['apply']} multipliers" in words
        assert f"statistic: {plan.multipliers['statistic']} multipliers" in words
    latency = plan.latency(768)
    assert f"{latency.L1} cycles: first beat in to first beat out (L1)" in words
    assert f"{latency.SS} cycles from row to row (SS)" in words


@pytest.mark.parametrize("name", UNITS)
def test_what_is_said_of_a_block_fits_in_it(name):
    svg = unit_picture.picture(UNITS[name].config)
    blocks = re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="66"', svg)
    lines = re.findall(r'<text x="(\d+)" y="(\d+)" text-anchor="middle" font-size="11" fill="#222">(.*?)</text>', svg)
    assert len(blocks) >= (9 if name in MEASURING else 4)
    for x, y, width in ([int(number) for number in block] for block in blocks):
        within = [words for at, height, words in lines if int(at) == x + width // 2 and y + 30 < int(height) <= y + 66]
        assert len(within) in (1, 2)
        for words in within:
            assert 5.7 * len(words) <= width, words  # letters of 11 px are about half as wide


def test_any_unit_can_be_drawn():
    config = NormConfig(
        norm="rmsnorm", lanes=2, max_length=16, epsilon=0.0, input="uint8", output={"format": "int8", "scale": 0.05}
    )
    assert "RMSNorm: uint8 in, int8 out, 2 elements a beat, planned for 100 MHz" in texts(unit_picture.picture(config))


def test_the_timeline_has_every_unit():
    words = texts(norms_timeline.parts()[WHOLE])
    for name, unit in UNITS.items():
        assert words[words.index(name) + 1] == f"L2 = {Plan.of(unit.config).latency_cycles}"
