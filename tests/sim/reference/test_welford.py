"""Welford's updates: the model is Welford's recurrence, and this is what it costs; the hardware is on the ladder."""

from fractions import Fraction

import numpy as np
import pytest

from hw.architectures.test_architectures import configuration
from streamnorm.plan import Plan
from streamnorm.precision.welford import WelfordPrecision
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import corner_rows, random_rows
from streamnorm_sim.reference.welford import WelfordModel, welford_moments


@pytest.mark.parametrize("lanes", [1, 4])
def test_the_updates_are_welfords(lanes):
    """Against his recurrence in rational numbers, an element at a time, as far as the fraction bits go."""
    config = configuration(lanes=lanes)
    points = WelfordPrecision.of(config)
    rng = np.random.default_rng(1)
    d = rng.integers(-100, 100, (20, 50))
    d[:, 0] = 0
    lengths = rng.integers(1, 51, 20)
    means, squares = welford_moments(config, d, lengths)
    for row, n, mean, square in zip(d, lengths, means, squares, strict=True):
        exact_mean, exact_square = Fraction(0), Fraction(0)
        for k, x in enumerate(row[:n].tolist(), 1):
            delta = x - exact_mean
            exact_mean += delta / k
            exact_square += delta * (x - exact_mean)
        unit = Fraction(1, 1 << points.mean_frac_bits)
        assert abs(mean * unit - exact_mean) < 8 * unit
        assert abs(square * unit * unit - exact_square) < 8 * unit * 100 * int(n)


@pytest.mark.parametrize(("lanes", "lengths"), [(1, 96), (8, 96), (8, 768)])
def test_results_differ_seldom_and_little_on_ordinary_rows(lanes, lengths):
    config = configuration(lanes=lanes, max_length=lengths, gamma=None, beta=None, output=IntFormat(8, scale=0.04))
    x = random_rows(config, 60, np.random.default_rng(2), distribution="normal").x
    welford, exact = WelfordModel(config).normalize(x), GoldenModel(config).normalize(x)
    assert np.abs(welford - exact).max() <= 1
    assert (welford != exact).mean() < 0.005
    assert Accuracy.of(config, welford, x).max_ulp < 0.6


def test_rows_that_are_nearly_constant_show_the_error():
    """There, what the mean is off by weighs more than a step of the output; exact sums are off by nothing."""
    config = configuration(lanes=2, max_length=80, gamma=None, beta=None)
    errors = {"exact": [], "welford": []}
    for _, row in corner_rows(config, np.random.default_rng(3)).values():
        x = np.asarray(row)[None]
        for name, model in (("exact", GoldenModel), ("welford", WelfordModel)):
            errors[name].append(Accuracy.of(config, model(config).normalize(x), x).max_ulp)
    assert max(errors["exact"]) <= Plan.of(config).error_bound
    assert 1 < max(errors["welford"]) < 8


def test_what_it_costs():
    """At 200 MHz on an ECP5: the loop from mean to mean takes many cycles, and its squares are wider."""
    config = configuration(lanes=8, max_length=768, gamma=None, beta=None, target="ecp5-85k-6", clock_mhz=200)
    exact, welford = (Plan.of(config.replace(architecture=f"three-scan{kind}")) for kind in ("", ":welford"))
    assert exact.report.interval_beats == 3
    assert welford.report.interval_beats > 9
    assert welford.multipliers["statistic"] >= 1.5 * exact.multipliers["statistic"]
    assert welford.multipliers["apply"] == exact.multipliers["apply"]
    assert welford.block_rams["statistic tables"] > exact.block_rams["statistic tables"]
