"""Scale, centre and shift against the golden model, a row every ``interval`` cycles."""

from itertools import islice

import numpy as np
import pytest

from drawn import drawn_config
from family import WITH_STATISTIC
from hw.simulation import trace
from hw.units.units import differences, unit
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.units.moments import Moments
from streamnorm.units.statistic import Statistic
from streamnorm_sim.reference.golden import GoldenModel

CONFIGURATIONS = {
    "slow": unit(clock_mhz=5.0),
    "fast": unit(target="ecp5-85k-6", clock_mhz=200.0, lanes=8, max_length=300),
    "no epsilon": unit(epsilon=0.0, clock_mhz=250.0),
    "large epsilon": unit(epsilon=1e6),
    "rmsnorm": unit(norm="rmsnorm", max_length=100, epsilon=1e-5),
    "wide": unit(input=IntFormat(24, scale=1e-4), output=IntFormat(20, scale=1e-4), accuracy="tight"),
    "in logic": unit(target="ice40-hx8k", clock_mhz=48.0),
    "one element": unit(max_length=1, lanes=1),
    "absolute deviations": unit(norm="l1norm", target="ecp5-85k-6", clock_mhz=200.0, max_length=300),
    "absolute deviations, no epsilon": unit(norm="l1norm", epsilon=0.0),
    "in output steps": unit(gamma_rounding="output", target="ecp5-85k-6", clock_mhz=200.0),
    "in output steps, rmsnorm": unit(norm="rmsnorm", gamma_rounding="output", output=IntFormat(16, scale=1e-3)),
    "in output steps of few bits": unit(gamma_rounding="output", output=IntFormat(8, scale=1 / 3), epsilon=0.0),
    "in output steps, in logic": unit(gamma_rounding="output", target="ice40-hx8k", clock_mhz=48.0),
}
Rows = list[tuple[int, int, int]]


def moments_of(config: NormConfig, seed: int) -> Rows:
    """n (or what it counts as), S1, S2 (or M) of corner rows and random rows; those that are not used are 0."""
    norm, rows = config.formula, [d.astype(object) for d in differences(config, 40, seed)]
    if norm.has_absolute_sum:
        return [(len(d), int(d.sum()), int(abs(len(d) * d - d.sum()).sum())) for d in rows]
    counted = [(norm.count(len(d)), d[: norm.statistic_length]) for d in rows]
    return [
        (count, int(d.sum()) if norm.has_sum else 0, int((d * d).sum()) if norm.has_squares else 0)
        for count, d in counted
    ]


def check(config: NormConfig, rows: Rows, interval: int = 1, apart: bool = False) -> None:
    precision, moments = Precision.of(config), Moments(config)
    cycles = (0, 0, 0) if interval > 1 else (moments.n_cycle, moments.s1_cycle, moments.s2_cycle)
    statistic = Statistic(config, moments, cycles=cycles, interval=interval, apart=apart)
    assert statistic.scale_cycle <= statistic.centre_cycle == statistic.latency
    assert apart or statistic.scale_cycle == statistic.latency
    length = (len(rows) - 1) * interval + statistic.latency + 2
    inputs: list[dict[str, int]] = [{} for _ in range(length)]
    for index, row in enumerate(rows):
        for name, value, cycle in zip(("n", "s1", "s2"), row, cycles, strict=True):
            inputs[index * interval + cycle][name] = value
        if interval > 1:
            inputs[index * interval]["start"] = 1
            inputs[index * interval + 1]["start"] = 0
    seen = trace(statistic, inputs, ["scale", "centre", "shift"])
    n, s1, s2 = (np.array(column, object) for column in zip(*rows, strict=True))
    scale, centre, shift = GoldenModel(config).statistic(s1, s2, n)
    mask = (1 << precision.centre_bits) - 1
    for index, row in enumerate(rows):
        there = index * interval
        got = {**seen[there + statistic.centre_cycle], "scale": seen[there + statistic.scale_cycle]["scale"]}
        if config.formula.square_limit(1) is not None and _all_equal(config, *row):
            # All elements are equal: d and S1 are 0, and z too, whatever the scale, if the shifts agree.
            assert got["centre"] == -precision.half(got["shift"]) & mask, row
            continue
        half = precision.half(int(shift[index]))
        want = {"scale": scale[index], "centre": int(centre[index] - half) & mask, "shift": shift[index]}
        assert got == want, f"n, S1, S2 = {row}"


def _all_equal(config: NormConfig, n: int, s1: int, s2: int) -> bool:
    return s2 == 0 if config.formula.has_absolute_sum else n * s2 == config.formula.centred * s1**2


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_statistic_of_a_row_every_cycle(name):
    check(CONFIGURATIONS[name], moments_of(CONFIGURATIONS[name], seed=5))


def test_scale_does_not_wait_for_the_centre():
    config = CONFIGURATIONS["fast"]
    check(config, moments_of(config, seed=7), apart=True)
    moments = Moments(config)
    cycles = (moments.n_cycle, moments.s1_cycle, moments.s2_cycle)
    statistic = Statistic(config, moments, cycles=cycles, apart=True)
    assert statistic.scale_cycle < statistic.centre_cycle


@pytest.mark.parametrize("interval", [2, 5, 8])
def test_statistic_with_shared_multipliers(interval):
    config = unit(target="ecp5-85k-6", clock_mhz=200.0, input=IntFormat(16), max_length=64)
    check(config, moments_of(config, seed=6), interval)


@pytest.mark.parametrize("seed", range(15, 24))
def test_statistic_of_any_configuration(seed):
    config = drawn_config(seed, members=WITH_STATISTIC, target="ecp5-85k-6", clock_mhz=150.0)
    check(config, list(islice(moments_of(config, seed), 40)))


@pytest.mark.parametrize("target", ["ecp5-85k-6", "ice40-up5k"])
def test_the_widest_sums(target):
    """24-bit elements and the longest rows: S1 takes three multiplier tiles a side, and V passes 63 bits."""
    config = unit(input=IntFormat(24), max_length=16384, target=target, clock_mhz=40.0)
    span, n = (1 << 24) - 1, 16384
    rows = []
    # Sums whose lower 36 bits are all ones, so that every partial product of the square is large.
    for s1 in ((1 << 37) - 1, (1 << 38) - 1 - (1 << 36), -(1 << 37) + 1, (n - 1) * span, 1 << 36):
        # The smallest S2 that n numbers with this sum can have, and one near it.
        quotient, rest = divmod(s1, n)
        s2 = (n - rest) * quotient**2 + rest * (quotient + 1) ** 2
        rows += [(n, s1, s2 + n * 1000), (n, s1, s2 + abs(s1))]
    check(config, rows)
