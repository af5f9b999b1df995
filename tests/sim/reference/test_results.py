"""Further results of one statistic: the golden model of each against the exact norm, whatever stands beside it."""

import numpy as np
import pytest

from drawn import drawn_config, drawn_format, drawn_rows
from family import WITH_STATISTIC
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.precision.precision import Precision
from streamnorm.spec.architectures import ONE_PASS, architectures_of
from streamnorm.spec.config import NormConfig
from streamnorm.spec.norms import NORMS
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.reference.exact import exact_result
from streamnorm_sim.reference.golden import GoldenModel

SHARED = [of for of in WITH_STATISTIC if architectures_of(NORMS[of.partition(", ")[0]])[0] == ONE_PASS]


def drawn_pair(seed: int) -> tuple[NormConfig, NormConfig]:
    """A configuration with a further result, and one that has nothing but that result."""
    rng = np.random.default_rng([seed, 7])
    for attempt in range(100):
        config = drawn_config(seed + 1000 * attempt, members=SHARED, rsqrt="table")
        output = drawn_format(rng)
        reach = (output.max - output.min) * output.scale
        bits = int(rng.choice([0, 18]))
        gamma = rng.normal(0, reach / rng.uniform(2, 30), config.max_length)
        result = {"output": output, "gamma": gamma, "beta": float(rng.normal(0, reach / 8))}
        result |= {"gamma_bits": bits, "beta_bits": bits + 4} if bits else {}
        try:
            both = config.replace(results=[{"name": "other", **result}])
            Precision.of(both)
        except ConfigError:
            continue
        unset = {"gamma_bits": None, "beta_bits": None}
        return both, config.replace(**{**unset, **result})
    raise AssertionError(f"nothing could be built (seed {seed})")


@pytest.mark.parametrize("seed", range(10))
def test_each_result_is_within_its_bound_of_the_exact_one(seed: int) -> None:
    config, alone = drawn_pair(seed)
    rng = np.random.default_rng(seed)
    batch = drawn_rows(config, rng, 40)
    model, plan = GoldenModel(config), Plan.of(config)
    rows = (batch.x, batch.lengths, batch.banks)
    got = {"": model.normalize(*rows), "other": model.beside(batch)["other"].x}
    for name, of, accuracy in (
        ("", plan, Accuracy.of(config, got[""], *rows)),
        # The truth is that of a unit that has no other result.
        ("other", plan.by_result["other"], Accuracy.of(alone, got["other"], *rows)),
    ):
        assert accuracy.max_ulp <= of.error_bound + 1e-9, f"{name}: {config} (seed {seed})"
        if of.config.promises and of.promise == "tight":
            assert of.expected_error <= 0.001
    np.testing.assert_array_equal(
        exact_result(alone, *rows).rounded, exact_result(config.by_result["other"], *rows).rounded
    )


@pytest.mark.parametrize("seed", range(10))
def test_results_share_everything_up_to_z(seed: int) -> None:
    config, alone = drawn_pair(seed)
    own, other = Precision.of_results(config)
    ends = {"gamma_align", "beta_align", "result_frac_bits", "error_bound", "expected_error", "promise"}
    for name, value in vars(own).items():
        assert name in ends or getattr(other, name) == value, name
    # The same, whichever is the first.
    swapped = config.by_result["other"]
    assert Precision.of_results(swapped) == (other, own)
    # As much is promised of each as where it is alone.
    assert own.promise == Precision.of(config.replace(results=())).promise
    assert other.promise == Precision.of(alone).promise


def test_results_that_are_alike_are_those_of_one() -> None:
    config = drawn_config(3, members=SHARED)
    same = {"output": config.output, "gamma": config.gamma, "beta": config.beta}
    both = config.replace(results=[same])
    batch = drawn_rows(config, np.random.default_rng(3), 20)
    y = GoldenModel(both).normalize(batch.x, batch.lengths, batch.banks)
    np.testing.assert_array_equal(GoldenModel(both).beside(batch)["second"].x, y)
    np.testing.assert_array_equal(GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks), y)
