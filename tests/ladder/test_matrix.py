"""Golden model and hardware agree bit for bit, within the planned distance of the exact result."""

import zlib
from itertools import combinations, product

import numpy as np
import pytest

from family import BUILT
from ladder.checks import STALLS, agree, mixed_rows, traffic_of, within_bound
from ladder.configurations import CORNERS, MATRIX, PAIRS, configuration, units
from ladder.pairwise import FACTORS, WIDE_PART, can_be, keys, pairs
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.targets import TARGETS
from streamnorm_sim.reference.rows import random_rows


@pytest.mark.parametrize("name", units())
def test_hardware_gives_the_golden_models_bits_within_one_ulp(name: str) -> None:
    config = configuration(name)
    seed = zlib.crc32(name.encode())
    rng = np.random.default_rng(seed)
    patterns = [STALLS[int(index)] for index in rng.integers(1, len(STALLS), 4)]
    batch = mixed_rows(config, rng)
    for source, sink in ((patterns[0], patterns[1]), (patterns[2], patterns[3])):
        agree(config, traffic_of(batch, source=source, sink=sink, seed=seed))
    within_bound(agree(config, traffic_of(batch, seed=seed)))


@pytest.mark.parametrize("name", units(["tight_int8"], slow=["tight_int16"]))
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


def test_any_two_values_of_any_two_keys_meet() -> None:
    choices = pairs()
    assert 25 <= len(choices) <= 60
    assert choices == pairs()
    for first, second in combinations(FACTORS, 2):
        for one, other in product(FACTORS[first], FACTORS[second]):
            met = any((choice[first], choice[second]) == (one, other) for choice in choices)
            assert met or not can_be({first: one, second: other}), f"{first} = {one} without {second} = {other}"


def test_choices_that_cannot_be_are_refused() -> None:
    """Those that the pairs leave out, and no others: each of the pairs can be built."""
    fixed = {**pairs()[0], "memory": "rom, banks"}
    for gamma, beta in product((None, -1.25), (None, 0.7)):
        assert not can_be({"memory": "rom, banks", "gamma": gamma, "beta": beta})
        with pytest.raises(ConfigError, match="every bank would hold the same values"):
            NormConfig(**keys({**fixed, "gamma": gamma, "beta": beta}))
    assert can_be({"memory": "rom, banks", "gamma": None})
    wide = {**WIDE_PART, "epsilon": "small", "memory": "ram"}
    assert not can_be(wide)
    assert can_be({**wide, "epsilon": "leads"})
    with pytest.raises(ConfigError, match="would make results wrong by"):
        NormConfig(**keys({**pairs()[0], "length": "long", "gamma": None, "beta": None, "input": "int24", **wide}))


def test_the_pairs_differ_in_what_shapes_a_unit() -> None:
    configs = [configuration(name) for name in PAIRS]
    assert {config.norm for config in configs} == {member.partition(", ")[0] for member in BUILT}
    assert {config.device.primitives for config in configs} == {family.primitives for family in TARGETS.values()}
    assert {4, 8, 16, 24} == {config.input.bits for config in configs} == {c.output.bits for c in configs}
    assert {config.input.signed for config in configs} == {False, True}
    assert {1, 2, 3, 4} == {config.lanes for config in configs}
    assert {(config.storage, config.banks) for config in configs} == {("rom", 1), ("rom", 3), ("ram", 1), ("ram", 3)}
    assert {config.accuracy for config in configs} == {"faithful", "tight"}
    assert any(Plan.of(config).interval >= 16 for config in configs)
    assert any(config.epsilon == 0 for config in configs)
    assert any(config.max_length % config.lanes for config in configs)
    assert any(config.max_length == config.lanes > 1 for config in configs)


def test_corners_are_of_the_matrix_and_reach_its_ends() -> None:
    assert set(CORNERS) <= set(MATRIX)
    corners = [configuration(name) for name in CORNERS]
    assert {1, 3, 5, 8} <= {config.lanes for config in corners}
    assert {1, 2, 16384} <= {config.max_length for config in corners}
    assert {1, 200, 1000} <= {config.clock_mhz for config in corners}
