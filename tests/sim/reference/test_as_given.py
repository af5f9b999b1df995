"""The promise against gamma and beta as given: the exact result with them, and the golden model within 1 LSB of it."""

from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np
import pytest

from drawn import drawn_rows
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.reference.exact import exact_result
from streamnorm_sim.reference.golden import GoldenModel


def heavy(rng: np.random.Generator, shape: tuple[int, ...], unit: float) -> np.ndarray:
    """Values of many sizes, some of them 10 to 1e4 times the others."""
    values = unit * rng.standard_t(2.0, shape)
    outliers = rng.random(shape) < 2 / shape[-1]
    return np.where(outliers, values * 10.0 ** rng.uniform(1, 4, shape), values)


def drawn(seed: int) -> NormConfig:
    """A configuration with heavy-tailed gamma and beta, default widths, that is not refused."""
    rng = np.random.default_rng(seed)
    while True:
        bits = int(rng.choice([4, 8, 12, 16, 20, 24]))
        scale = float(2.0 ** rng.uniform(-20, 2))
        output = IntFormat(bits, scale=scale, zero_point=int(rng.choice([0, 0, 3, -8])))
        banks, length = int(rng.integers(1, 4)), int(rng.choice([2, 3, 17, 64, 200]))
        reach = scale * 2.0 ** (bits - 1)
        ram = bool(rng.random() < 0.3)
        keys: dict[str, Any] = {
            "norm": str(rng.choice(["layernorm", "rmsnorm"])),
            "lanes": 2,
            "max_length": length,
            "banks": banks,
            "input": IntFormat(int(rng.choice([8, 16])), scale=0.01),
            "output": output,
            "epsilon": float(rng.choice([0.0, 1e-5, 1.0])),
            "gamma": heavy(rng, (banks, length), reach * 10.0 ** rng.uniform(-4, 0)),
            "beta": heavy(rng, (banks, length), reach * 10.0 ** rng.uniform(-4, 0)),
            "gamma_offset": float(rng.choice([0.0, 0.0, 1.0])),
            "storage": "ram" if ram else "rom",
        }
        try:
            config = NormConfig(**keys)
            Plan.of(config)
        except ConfigError:
            continue
        return config


@pytest.mark.parametrize("seed", range(24))
def test_results_are_within_1_lsb_of_those_with_gamma_and_beta_as_given(seed: int) -> None:
    config = drawn(seed)
    batch = drawn_rows(config, np.random.default_rng(seed), 12)
    y = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks)
    accuracy = Accuracy.of(config, y, batch.x, batch.lengths, batch.banks, as_given=True)
    bound = Plan.of(config).error_bound_as_given
    assert bound <= 1, f"seed {seed}"
    assert accuracy.max_ulp <= bound, f"seed {seed}, {config!r}"


@pytest.mark.parametrize("seed", range(6))
def test_the_exact_result_as_given_against_fractions(seed: int) -> None:
    """Each element from Fractions alone: the largest integer below y + 1/2, found with a root of 200 bits."""
    config = drawn(100 + seed)
    batch = drawn_rows(config, np.random.default_rng(seed), 3)
    exact = exact_result(config, batch.x, batch.lengths, batch.banks, as_given=True)
    gamma, beta = np.asarray(config.gamma), np.asarray(config.beta)
    scale, zero = Fraction(config.output.scale), config.output.zero_point
    for row, (n, bank) in enumerate(zip(batch.lengths.tolist(), batch.banks.tolist(), strict=True)):
        x = [Fraction(int(value) - config.input.zero_point) for value in batch.x[row, :n]]
        mean = sum(x) / n if config.norm == "layernorm" else Fraction(0)
        square = sum((value - mean) ** 2 for value in x) / n
        variance = square + Fraction(config.epsilon) / Fraction(config.input.scale) ** 2
        root = Fraction(isqrt((variance.numerator << 400) // variance.denominator), 1 << 200)
        for e in range(n):
            z = (x[e] - mean) / root if root else Fraction(0)
            g = Fraction(float(gamma[bank, e])) + Fraction(config.gamma_offset)
            y = (z * g + Fraction(float(beta[bank, e]))) / scale + zero
            where = f"seed {seed} row {row} element {e}"
            assert abs(Fraction(float(exact.scaled[row, e])) - y) <= abs(y) / 2**50 + Fraction(1, 2**38), where
            if abs(abs(y - round(y)) - Fraction(1, 2)) > Fraction(1, 2**100):
                want = min(max(round(y), config.output.min), config.output.max)
                assert exact.rounded[row, e] == want, where


def test_ties_as_given_go_to_even() -> None:
    """z = 1 and -1 exactly; gamma of half steps of a scale that is no power of two."""
    keys: dict[str, Any] = {"norm": "layernorm", "lanes": 1, "max_length": 2, "input": IntFormat(8), "epsilon": 0.0}
    config = NormConfig(**keys, output=IntFormat(8, scale=3.0), gamma=[7.5, 4.5], beta=[0.0, 3.0])
    exact = exact_result(config, [[5, 3]], as_given=True)
    assert exact.rounded.tolist() == [[2, 0]]
    above = config.replace(gamma=[np.nextafter(7.5, 8), np.nextafter(4.5, 5)])
    assert exact_result(above, [[5, 3]], as_given=True).rounded.tolist() == [[3, -1]]


def test_the_example_of_one_value_that_is_far_larger() -> None:
    gamma = 0.01 * np.random.default_rng(0).normal(1, 0.25, 128)
    gamma[5] = 50.0
    config = NormConfig(
        norm="layernorm",
        lanes=2,
        max_length=128,
        input=IntFormat(8, scale=0.05),
        output=IntFormat(16, scale=1 / 32768),
        epsilon=1e-5,
        gamma=gamma,
    )
    batch = drawn_rows(config, np.random.default_rng(1), 20)
    for unit, as_given, right in ((config, True, True), (config.replace(gamma_bits=18), True, False)):
        y = GoldenModel(unit).normalize(batch.x, batch.lengths)
        accuracy = Accuracy.of(unit, y, batch.x, batch.lengths, as_given=as_given)
        assert (accuracy.max_ulp <= 1) == right
        assert accuracy.max_ulp <= Plan.of(unit).error_bound_as_given
