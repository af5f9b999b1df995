"""What was measured of the algorithms of the literature is of today's units, and told as it was measured."""

import pytest

import published_figures
import published_page
from streamnorm.spec.algorithms import ALGORITHMS
from streamnorm_sim.published_figures import published_figures as measured


def test_every_algorithm_has_been_measured():
    assert list(published_figures.stored()) == list(ALGORITHMS)
    for entry in published_figures.stored().values():
        assert "int8 → int8" in entry["errors"]


@pytest.mark.parametrize("algorithm", published_figures.stored())
def test_what_was_placed_is_todays_unit(algorithm):
    assert published_figures.is_of_today(algorithm), published_figures.__doc__


@pytest.mark.parametrize("algorithm", ["int8-search", pytest.param("i-bert", marks=pytest.mark.slow)])
def test_the_errors_are_those_of_today(algorithm):
    stored = published_figures.stored()[algorithm]["errors"]["int8 → int8"]
    today = measured(algorithms=(algorithm,))["algorithms"][algorithm]
    assert {key: stored[key] for key in today} == today


def test_the_table_says_what_was_measured():
    entry = published_figures.stored()["i-vit"]["errors"]["int8 → int8"]
    (line,) = [line for line in published_page.figures().splitlines() if line.startswith("| int8 → int8 | `i-vit`")]
    cells = [cell.strip() for cell in line.split("|")]
    assert float(cells[4]) >= entry["max_ulp"] > float(cells[4]) - 0.01
    assert cells[7:11] == [str(entry[key]) for key in ("L1", "SS", "multipliers", "block_rams")]
