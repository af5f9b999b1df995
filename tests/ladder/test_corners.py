"""The rows that break normalization units, and stalls, which must not matter to any value."""

from math import sqrt

import numpy as np
import pytest

from ladder.checks import STALLS, agree, mixed_rows, same_beats, traffic_of, within_bound
from ladder.configurations import configuration, signed, units
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.stored_floats import StoredFloats
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.stalls import Stall

UNIT = "bert_ecp5_200"


def beta_alone(config: NormConfig, batch: RowBatch) -> np.ndarray:
    """The results of rows whose normalized values are all 0: beta, rounded half to even and saturated."""
    if config.output.is_float:
        floats = StoredFloats.of(config)
        gamma, beta = (floats.format.dequantize(codes) for codes in (floats.gamma, floats.beta))
        zero = np.copysign(0.0, gamma)
        results = config.output.quantize(zero + beta if floats.has_beta else zero)
        of_rows = np.repeat(results, config.parameter_repeat, axis=1)[batch.banks, : batch.x.shape[1]]
        return np.where(batch.valid, of_rows, 0)
    stored = StoredParameters.of(config)
    rounded = np.rint(np.ldexp(stored.beta.astype(float), -stored.beta_frac_bits))  # exact: beta has 36 bits at most
    results = np.clip(rounded, config.output.min, config.output.max).astype(int)
    of_rows = np.repeat(results, config.parameter_repeat, axis=1)[batch.banks, : batch.x.shape[1]]
    return np.where(batch.valid, of_rows, 0)


def results(config: NormConfig, rows: list[np.ndarray], seed: int = 0) -> RowBatch:
    trace = agree(config, traffic_of(RowBatch.pack(config, rows), seed=seed))
    within_bound(trace)
    return trace.rows


@pytest.mark.parametrize("name", units())
def test_rows_without_anything_but_their_centre_give_beta_exactly(name: str) -> None:
    """Constant rows where the mean is the centre, else rows of zeros."""
    config = configuration(name)
    rng = np.random.default_rng(1)
    source = config.input
    values = [source.zero_point]
    if config.formula.centred and isinstance(source, FloatFormat):
        values += source.quantize([source.largest, -source.largest, -source.scale, 1.1, -0.3, 2.7]).tolist()
        values += (
            rng.integers(1 << source.bits - 1, size=9).clip(None, source.code_of_largest).tolist()
        )  # of any binade
    elif config.formula.centred:
        values += [source.min, source.max, *rng.integers(-7, 8, 6)]
    lengths = [1, config.max_length, *rng.integers(1, min(config.max_length, 500), 7, endpoint=True)]
    rows = [np.full(length, np.clip(value, source.min, source.max)) for length in lengths for value in values]
    banks = rng.integers(config.banks, size=len(rows)) if config.rows_name_banks else None
    batch = RowBatch.pack(config, rows, banks)
    got = agree(config, traffic_of(batch)).rows
    np.testing.assert_array_equal(got.x, beta_alone(config, batch))


def test_ties_are_rounded_to_even() -> None:
    halves = np.arange(60) - 29.5
    config = configuration("epsilon_0", output=signed(8, 2.0**-4), beta=halves / 16)
    batch = RowBatch.pack(config, [np.full(length, 7) for length in range(1, 61)])
    got = agree(config, traffic_of(batch)).rows
    np.testing.assert_array_equal(got.x[-1], np.rint(halves))
    np.testing.assert_array_equal(got.x, beta_alone(config, batch))


def test_a_mean_far_from_zero_changes_nothing() -> None:
    config = configuration(UNIT)
    shape = np.random.default_rng(2).integers(-2, 3, config.max_length)
    got = results(config, [shape + mean for mean in (-126, -100, -1, 0, 1, 64, 125)])
    assert (got.x == got.x[0]).all()
    assert np.unique(got.x).size > 10


GAMMA, BETA = 10, 5
"""Of `by_hand`, in steps of the output."""


def by_hand() -> NormConfig:
    """A unit whose results are found without a computer: gamma and beta are numbers, and epsilon is 0."""
    return configuration("epsilon_0", gamma=0.5, beta=0.25, max_length=60, output=signed(8, 0.05))


def test_rows_of_one_element_and_of_two() -> None:
    config = by_hand()
    pairs = [(-128, 127), (127, -128), (0, 1), (126, 127), (-128, -127), (5, 5)]
    got = results(config, [np.array([value]) for value in (-128, 0, 127)] + [np.array(pair) for pair in pairs])
    beta, plus, minus = BETA, BETA + GAMMA, BETA - GAMMA
    assert got.x[:3, 0].tolist() == [beta] * 3
    want = [[minus, plus], [plus, minus], [minus, plus], [minus, plus], [minus, plus], [beta, beta]]
    assert got.x[3:, :2].tolist() == want


def test_full_scale_rows_have_values_of_plus_and_minus_gamma() -> None:
    config = by_hand()
    even = np.tile([-128, 127], 30)
    got = results(config, [even, -1 - even, np.repeat([127, -128], 30)])
    assert (got.x == np.where([even > 0, even < 0, np.arange(60) < 30], BETA + GAMMA, BETA - GAMMA)).all()


@pytest.mark.parametrize("position", [0, 1, 29, 58, 59])
def test_one_outlier_reaches_the_root_of_the_length(position: int) -> None:
    config = by_hand()
    row = np.zeros(60, np.int64)
    row[position] = 127
    got = results(config, [row, -row]).x
    reach, rest = sqrt(59) * GAMMA, GAMMA / sqrt(59)
    assert abs(got[0, position] - min(BETA + reach, 127)) <= 1
    assert abs(got[1, position] - max(BETA - reach, -128)) <= 1
    assert (abs(np.delete(got[0], position) - (BETA - rest)) <= 1).all()
    assert (abs(np.delete(got[1], position) - (BETA + rest)) <= 1).all()


def test_a_bubble_anywhere_changes_nothing() -> None:
    config = configuration("lanes_3")
    rng = np.random.default_rng(5)
    lengths = np.array([config.max_length, 1, 7, 3, 20])
    batch = RowBatch.of(config, rng.integers(-32, 32, (5, config.max_length)), lengths)
    reference = agree(config, traffic_of(batch))
    for width in (1, 2, 9):
        for place in range(-(-lengths // config.lanes).sum() + 6):
            stalled = np.zeros(200, np.bool_)
            stalled[place : place + width] = True
            same_beats(agree(config, traffic_of(batch, source=Stall.explicit(stalled))), reference)
            same_beats(agree(config, traffic_of(batch, sink=Stall.explicit(stalled))), reference)


@pytest.mark.parametrize("name", [UNIT, "lanes_3", "rom_banks", "one_element", "ice40_serial"])
def test_ten_stall_patterns_give_identical_bits(name: str) -> None:
    config = configuration(name)
    batch = mixed_rows(config, np.random.default_rng(6))
    reference = agree(config, traffic_of(batch))
    for seed in range(10):
        source, sink = STALLS[seed % len(STALLS)], STALLS[(3 * seed + 1) % len(STALLS)]
        same_beats(agree(config, traffic_of(batch, source=source, sink=sink, seed=seed)), reference)
