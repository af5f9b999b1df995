"""What was measured of units of floating point, beside others, is of today's units, and told as it was measured."""

import numpy as np
import pytest

import float_truth
import float_truth_page
from marks import slow_among
from streamnorm_sim.float_figures import float_figures

ENTRIES = {(entry["norm"], entry["format"], entry["kind"]): entry for entry in float_truth.stored()["rows"]}

NAMES = {" ".join(each): each for each in float_truth.everything()}

MEASURED = ("layernorm fp32 normal", "layernorm fp32 largest", "layernorm fp16 large mean", "rmsnorm fp32 one huge")
"""Those that are measured anew each time; they take most of a second each."""

ORDER_OF_MAGNITUDE = 4.0
"""What the largest errors of others may differ by: the order in which they add depends on the processor."""


def test_everything_has_been_measured():
    assert list(ENTRIES) == list(float_truth.everything())
    assert list(float_truth.stored()["minilm"]) == list(float_truth.REAL_FORMATS)
    assert set(MEASURED) < set(NAMES)


def test_no_result_of_a_unit_is_a_unit_off():
    for entry in ENTRIES.values():
        assert entry["unit"]["max_ulp"] < 1
        assert entry["unit"]["not_finite"] == 0


@pytest.mark.parametrize("name", slow_among(NAMES, set(NAMES) - set(MEASURED)))
def test_the_errors_are_those_of_today(name):
    stored, today = ENTRIES[NAMES[name]], float_truth.measured(*NAMES[name])
    assert today["unit"] == stored["unit"]
    for other in float_truth.OTHERS:
        assert today[other]["not_finite"] == pytest.approx(stored[other]["not_finite"], rel=0.1)
        least = stored[other]["max_ulp"] / ORDER_OF_MAGNITUDE
        assert least <= today[other]["max_ulp"] <= least * ORDER_OF_MAGNITUDE**2
        nearer = today[other]["unit_nearer"] - today[other]["other_nearer"]
        assert np.sign(nearer) == np.sign(stored[other]["unit_nearer"] - stored[other]["other_nearer"])


@pytest.mark.parametrize("number_format", slow_among(float_truth.REAL_FORMATS, {"bf16", "fp32"}))
def test_real_rows_are_those_of_today(number_format):
    assert float_figures(number_format) == float_truth.stored()["minilm"][number_format]


def test_results_of_others_are_layernorm():
    """Of rows that are easy, all three are the same but for the last places."""
    config = float_truth.unit("layernorm", "fp32", 1e-5)
    x = np.random.default_rng(1).normal(0, 1, (3, float_truth.N)).astype(np.float32)
    unit = float_truth.unit_result(config, x)
    for result in float_truth.OTHERS.values():
        assert np.abs(result(config, x) - unit).max() < 2.0**-20


def test_the_tables_say_what_was_measured():
    entry = ENTRIES["layernorm", "fp32", "normal"]
    lines = float_truth_page.errors().splitlines()
    cells = [cell.strip() for cell in next(line for line in lines if line.startswith("| normal ")).split("|")][1:-1]
    for cell, name in zip(cells[1:4], float_truth_page.TITLES, strict=True):
        assert float(cell) >= entry[name]["max_ulp"] > float(cell) - 0.001
    for cell, name in zip(cells[4:7], float_truth_page.TITLES, strict=True):
        assert float(cell) <= 100 * entry[name]["correctly_rounded"] < float(cell) + 0.1
    (largest,) = [line for line in lines if line.startswith("| largest ") and "and" in line]
    none = ENTRIES["layernorm", "fp32", "largest"]["onnxruntime"]["not_finite"]
    assert f"and {none} not finite" in largest
    differs = ENTRIES["layernorm", "fp16", "wide"]
    (line,) = [line for line in float_truth_page.differences().splitlines() if "fp16 | wide" in line]
    for name in float_truth.OTHERS:
        assert (
            f"| {differs[name]['differs']} | {differs[name]['unit_nearer']} | {differs[name]['other_nearer']} |" in line
        )
