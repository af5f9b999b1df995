"""Golden model and hardware agree bit for bit, within the planned distance of the exact result."""

import zlib

import numpy as np
import pytest

from ladder.checks import STALLS, agree, mixed_rows, traffic_of, within_bound
from ladder.configurations import MATRIX, configuration
from streamnorm_sim.reference.rows import random_rows

WIDE = 32
"""From so many lanes on, compiling takes so long that it is better not optimized at all."""


@pytest.mark.parametrize("name", MATRIX)
def test_hardware_gives_the_golden_models_bits_within_one_ulp(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configuration(name)
    if config.lanes >= WIDE:
        monkeypatch.setenv("CXXFLAGS", "-O0")
    seed = zlib.crc32(name.encode())
    rng = np.random.default_rng(seed)
    patterns = [STALLS[int(index)] for index in rng.integers(1, len(STALLS), 4)]
    batch = mixed_rows(config, rng)
    for source, sink in ((patterns[0], patterns[1]), (patterns[2], patterns[3])):
        agree(config, traffic_of(batch, source=source, sink=sink, seed=seed))
    within_bound(agree(config, traffic_of(batch, seed=seed)))


@pytest.mark.parametrize("name", [name for name in MATRIX if name.startswith("tight")])
def test_tight_results_are_correctly_rounded(name: str) -> None:
    config = configuration(name)
    batch = random_rows(config, 400, np.random.default_rng(3))
    accuracy = within_bound(agree(config, traffic_of(batch, seed=3)))
    assert accuracy.elements > 10_000
    assert accuracy.correctly_rounded >= 0.999


def test_int8_results_are_correctly_rounded_with_a_mean_error_of_a_quarter() -> None:
    config = configuration("bert_ecp5_200")
    batch = random_rows(config, 400, np.random.default_rng(4), distribution="normal")
    accuracy = within_bound(agree(config, traffic_of(batch, seed=4)))
    assert accuracy.correctly_rounded >= 0.999
    assert accuracy.mean_ulp <= 0.26


def test_matrix_covers_what_it_claims() -> None:
    configs = [configuration(name) for name in MATRIX]
    assert len(configs) >= 40
    assert {1, 2, 3, 4, 5, 7, 8, 16, 64} <= {config.lanes for config in configs}
    assert {1, 2, 16384} <= {config.max_length for config in configs}
    assert {4, 8, 16, 24} <= {config.input.bits for config in configs} & {c.output.bits for c in configs}
    assert {(c.target.partition("-")[0], c.clock_mhz) for c in configs} >= {
        ("ecp5", clock) for clock in (50, 100, 200, 300)
    }
