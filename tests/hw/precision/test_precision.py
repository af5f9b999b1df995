"""The error budget: what it proves, against the exact result, and what it expects, against what happens."""

from typing import Any

import numpy as np
import pytest

from drawn import drawn_config, drawn_rows
from family import WITH_STATISTIC
from streamnorm.errors import ConfigError
from streamnorm.precision.demand import FAITHFUL_ERROR, PROMISED_ERROR, SHORTEST_ROW, SMALL_OUTPUT_BITS, Demand
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.parameters import StoredParameters
from streamnorm_sim.reference.exact import exact_result, exact_terms
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import Distribution, random_rows

SEEDS = range(15, 28)
EXACT_GRID = 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_no_result_is_farther_off_than_the_bound(seed):
    """|got - exact| <= 1/2 + bound, the exact result saturated but not rounded; corner rows and random ones."""
    config = drawn_config(seed, members=WITH_STATISTIC)
    precision = Precision.of(config)
    batch = drawn_rows(config, np.random.default_rng(seed), 20)
    got = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks)
    exact = exact_result(config, batch.x, batch.lengths, batch.banks)
    saturated = np.clip(exact.scaled, config.output.min, config.output.max)
    errors = np.abs(got - saturated)[batch.valid]
    assert errors.max() <= 0.5 + precision.error_bound + EXACT_GRID, f"seed {seed}: {config}"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_scale_that_is_not_saturated_has_no_more_bits_than_it_may(seed):
    precision = Precision.of(drawn_config(seed, norm="rmsnorm", max_length=100, statistic_length=3 * seed))
    root, drop = precision.weight_root, precision.scale_drop
    assert root is not None
    largest = ((1 << root.bits) - 1 << precision.fine_max) * ((1 << precision.rho_bits) - 1)
    rounded = largest + (1 << drop - 1) >> drop if drop else largest
    assert (rounded < 1 << precision.scale_bits) or precision.scale_may_overflow


@pytest.mark.parametrize("seed", SEEDS)
def test_the_search_keeps_its_promises(seed):
    config = drawn_config(seed, members=WITH_STATISTIC)
    precision = Precision.of(config)
    assert 0 < precision.error_bound <= FAITHFUL_ERROR
    assert precision.expected_error < precision.error_bound
    if config.accuracy == "tight" or config.output.bits <= SMALL_OUTPUT_BITS:
        assert precision.expected_error <= PROMISED_ERROR


@pytest.mark.parametrize("seed", SEEDS)
def test_binary_points_agree(seed):
    """What is added has its binary point in the same place, and every exponent has a shift."""
    config = drawn_config(seed, members=WITH_STATISTIC)
    precision, ranges, stored = Precision.of(config), Precision.of(config).ranges, StoredParameters.of(config)
    assert precision.centre_drop == precision.scale_drop + precision.product_drop >= 0
    assert precision.scale_bits + precision.scale_drop == precision.exact_scale_bits
    # d * RF >> product_drop and KF
    scale_frac_bits = precision.scale_bits - ranges.exponent_max
    assert scale_frac_bits - precision.product_drop == precision.normalized_frac_bits + precision.normalize_shift
    # z * gamma and beta
    assert precision.gamma_align >= 0
    assert precision.beta_align >= 0
    product_frac_bits = precision.normalized_frac_bits + stored.gamma_frac_bits
    assert product_frac_bits + precision.gamma_align == precision.result_frac_bits
    assert stored.beta_frac_bits + precision.beta_align == precision.result_frac_bits
    assert precision.normalized_bits == ranges.normalized_max.bit_length() + precision.normalized_frac_bits + 1
    for w in range(ranges.exponent_max - ranges.exponent_min + 1):
        shift, fine = precision.split(w)
        assert w == shift * precision.radix + fine
        assert 0 <= shift < precision.shift_count
        assert 0 <= fine <= precision.fine_max
        assert precision.half(shift) * 2 == 1 << (precision.normalize_shift + shift * precision.radix)


@pytest.mark.parametrize("seed", SEEDS)
def test_scale_and_variance_fit_their_widths(seed):
    config = drawn_config(seed, members=WITH_STATISTIC)
    precision = Precision.of(config)
    batch = drawn_rows(config, np.random.default_rng(seed), 20)
    terms = exact_terms(config, batch)
    squared, weight = np.array(terms.squared, object), np.array(terms.weight, object)
    x = np.where(batch.valid, batch.x, 0)
    d = np.where(batch.valid, x - (x[:, :1] if config.formula.centred else config.input.zero_point), 0)
    statistic = GoldenModel(config).rows_statistic(d, batch.lengths)
    varied = (squared > 0) | (config.formula.square_limit(1) is None)
    scale, centre, shift = (values[varied] for values in statistic)
    assert scale.max(initial=0) < 1 << precision.scale_bits
    # The leading bit is where the error budget needs it.
    assert scale.min(initial=1 << 60) >= 1 << (precision.scale_bits - precision.fine_max - 2)
    assert np.isin(shift, range(precision.shift_count)).all()
    added = weight * weight * float(precision.ranges.epsilon)
    deviation = {
        "variance": np.sqrt((squared + added).astype(float)),
        "root": np.sqrt(squared.astype(float)) + np.sqrt(added.astype(float)),
        "floor": np.sqrt(np.maximum(squared, added).astype(float)),
    }[config.placement.name]
    real = weight[varied] / deviation[varied]
    frac_bits = precision.scale_bits - precision.ranges.exponent_max + shift * precision.radix
    np.testing.assert_allclose(scale.astype(float) / 2.0 ** frac_bits.astype(float), real.astype(float), rtol=0.02)
    if not config.formula.centred:
        assert (centre == 0).all()


def wrong_share(config: NormConfig, distribution: Distribution, elements: int = 150_000) -> float:
    """How many results are not correctly rounded, of rows of full length."""
    rng = np.random.default_rng(3)
    count = elements // config.max_length
    batch = random_rows(config, count, rng, distribution=distribution, lengths=[config.max_length] * count)
    got = GoldenModel(config).normalize(batch.x)
    return float((got != exact_result(config, batch.x).rounded).mean())


def unit(**changes: Any) -> NormConfig:
    keys: dict[str, Any] = {
        "norm": "layernorm",
        "lanes": 4,
        "max_length": 64,
        "input": IntFormat(16, scale=2.0**-12),
        "output": IntFormat(8, scale=2.0**-5),
        "epsilon": 1e-5,
    }
    return NormConfig(**{**keys, **changes})


GAMMA = np.random.default_rng(1).uniform(0.5, 1.5, 64)
TIGHT = {
    "8 bits": unit(gamma=GAMMA),
    "8 bits, no epsilon": unit(gamma=GAMMA, epsilon=0.0),
    "8 bits, beta": unit(gamma=GAMMA, beta=GAMMA - 1),
    "16 bits": unit(gamma=GAMMA, output=IntFormat(16, scale=2.0**-12), accuracy="tight"),
    "12 bits, rmsnorm": unit(norm="rmsnorm", gamma=GAMMA, output=IntFormat(12, scale=2.0**-8), accuracy="tight"),
    # A gamma that is a power of two puts rounded z exactly on the ties of the output.
    "no gamma": unit(),
    "no gamma, 16 bits": unit(output=IntFormat(16, scale=2.0**-12), accuracy="tight"),
    "no gamma, rmsnorm": unit(norm="rmsnorm"),
    "gamma is 4 everywhere": unit(gamma=4.0, output=IntFormat(12, scale=2.0**-6), accuracy="tight"),
    # A wide range of exponents: full-scale rows have the fewest bits of scale.
    "24 bits in, 6 out, 4 elements": unit(
        max_length=4, input=IntFormat(24, scale=2.0**-20), output=IntFormat(6, scale=2.0**-3), epsilon=0.0
    ),
    "24 bits in, 8 elements": unit(max_length=8, input=IntFormat(24, scale=2.0**-20), epsilon=0.0),
}


@pytest.mark.parametrize("name", TIGHT)
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_tight_units_round_999_of_1000_correctly(name, distribution):
    assert wrong_share(TIGHT[name], distribution) <= 1e-3 + 1e-4  # the last term: three sigma of the sample


UNEVEN = np.full(256, 0.02)
UNEVEN[:64] = 1.0
ONE_LARGE_BANK = np.full((16, 64), 0.02)
ONE_LARGE_BANK[5] = 1.0
ADVERSARIAL = {
    "large first, short rows": (unit(max_length=256, gamma=UNEVEN), 64, 0, None),
    "large first, longest rows": (unit(max_length=256, gamma=UNEVEN), 256, 0, None),
    "one large bank": (unit(banks=16, gamma=ONE_LARGE_BANK), 64, 5, None),
    "the largest load": (unit(storage="ram", gamma=0.02, gamma_max=1.5), 64, 0, 1.5),
    "the largest power of two": (unit(storage="ram", gamma=0.02, gamma_max=1.5), 64, 0, 1.0),
    "a small load": (unit(storage="ram", gamma=0.02, gamma_max=4.0), 64, 0, 0.5),
}
"""Units, and rows of them where gamma is larger than on the average: length, bank, gamma that is loaded."""


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_999_of_1000_are_correct_wherever_gamma_is_large(name):
    config, length, bank, loaded = ADVERSARIAL[name]
    rng, count = np.random.default_rng(5), 150_000 // length
    x = random_rows(config, count, rng, distribution="normal", lengths=[length] * count).x
    if loaded is None:
        got = GoldenModel(config).normalize(x, banks=[bank] * count)
    else:
        stored = StoredParameters.of(config).quantize_gamma(np.full((1, config.max_length), loaded))
        got = GoldenModel(config, gamma=stored).normalize(x)
        # Exact powers of two, and one that both widths hold.
        config = config.replace(storage="rom", gamma=loaded, gamma_max=None, beta_max=None)
    wrong = float((got != exact_result(config, x, banks=[bank] * count).rounded).mean())
    assert wrong <= 1e-3 + 1e-4
    expected = Precision.of(ADVERSARIAL[name][0]).expected_error
    assert wrong <= expected * (1 + 3 / (expected * x.size) ** 0.5)


@pytest.mark.parametrize("length", [1, 7, 8, 40])
def test_gain_is_that_of_the_worst_bank_and_prefix(length):
    rng = np.random.default_rng(length)
    gamma = rng.choice([-1.0, 0.25, 0.75, 1.1], (3, length))
    demand = Demand.of(unit(banks=3, max_length=length, gamma=gamma))
    real = np.abs(gamma) * 2.0**5
    at_ties = np.where(np.abs(gamma) == 2.0 ** np.rint(np.log2(np.abs(gamma))), 2, 1) * real
    for gain, shortest in ((demand.row_gain, length), (demand.prefix_gain, min(SHORTEST_ROW, length))):
        for got, weights in ((gain.mean, real), (gain.at_ties, at_ties)):
            expected = max(row[:n].mean() for row in weights for n in range(shortest, length + 1))
            assert got == pytest.approx(expected, rel=1e-3)


def test_gain_of_what_may_be_loaded():
    demand = Demand.of(unit(storage="ram", gamma=0.02, gamma_max=1.5))
    assert demand.row_gain == demand.prefix_gain == (48.0, 64.0)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"input": IntFormat(8, scale=2.0**-5)},
        {"norm": "rmsnorm", "input": IntFormat(12, scale=2.0**-9)},
        {"output": IntFormat(16, scale=2.0**-13), "target": "ecp5-85k-6"},
        {"output": IntFormat(20, scale=2.0**-17), "max_length": 256, "gamma": 1.1},
        {"output": IntFormat(12, scale=2.0**-9), "gamma": None},
    ],
    ids=str,
)
def test_the_expected_share_is_what_happens(changes, distribution):
    """Units that round wrongly more often than the sample's noise."""
    config = unit(**{"gamma": GAMMA, "output": IntFormat(12, scale=2.0**-9), **changes})
    expected = Precision.of(config).expected_error
    noise = 3 / (expected * 150_000) ** 0.5
    assert 1 / 1.5 - noise < wrong_share(config, distribution) / expected < 1 + noise


@pytest.mark.parametrize(
    ("place", "gamma"), [(63, GAMMA / 3), (20, GAMMA / 3), (0, GAMMA)], ids=["last", "inside", "first"]
)
def test_an_outlier_does_no_harm_unless_it_is_the_pivot_and_rf_is_cut(place, gamma):
    config = unit(gamma=gamma, input=IntFormat(8, scale=2.0**-5), target="ecp5-85k-6")
    assert (Precision.of(config).scale_drop == 0) == (place == 0)
    rng = np.random.default_rng(9)
    x = np.rint(rng.normal(0, 3, (2400, 64))).astype(np.int64)
    x[:, place] = 127
    wrong = float((GoldenModel(config).normalize(x) != exact_result(config, x).rounded).mean())
    assert wrong <= 1e-3 + 1e-4


TWO_VALUED = {
    "1 and -1": ("rmsnorm", 3.5, [1, -1, -1, 1]),
    "1 and -1, mean": ("layernorm", 3.5, [1, -1, -1, 1]),
    "2 and -1/2, outlier first": ("layernorm", 5.0, [1, 0, 0, 0, 0]),
    "2 and -1/2, outlier last": ("layernorm", 5.0, [0, 0, 0, 0, 1]),
    "4 and -1/4": ("layernorm", 6.0, [0] * 8 + [1] + [0] * 8),
    "2 and 0": ("rmsnorm", 1.25, [0, 1, 0, 0]),
}
"""Rows of two values whose z is a short binary fraction; with this gamma, results are ties."""


@pytest.mark.parametrize("permuted", [False, True])
@pytest.mark.parametrize("name", TWO_VALUED)
def test_ties_of_rows_of_two_values_are_exact_without_epsilon(name, permuted):
    norm, gamma, pattern = TWO_VALUED[name]
    config = unit(norm=norm, gamma=gamma, epsilon=0.0, output=IntFormat(8), input=IntFormat(16))
    rows = np.arange(1, 3000, 7)[:, None] * np.tile(pattern, 64 // len(pattern))[None]
    if permuted:
        rows = np.random.default_rng(8).permuted(rows, axis=1)
    np.testing.assert_array_equal(GoldenModel(config).normalize(rows), exact_result(config, rows).rounded)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_tie_is_wrong_without_epsilon(seed):
    """Corner rows with rational z, outliers anywhere, two values: whatever is a tie is rounded as one."""
    config = drawn_config(seed, members=WITH_STATISTIC, epsilon=0.0, accuracy="tight")
    batch = drawn_rows(config, np.random.default_rng(seed), 0)
    exact = exact_result(config, batch.x, batch.lengths, batch.banks)
    frac_bits = Precision.of(config).normalized_frac_bits
    gamma = StoredParameters.of(config)
    beta = gamma.beta[batch.banks, : batch.x.shape[1]] / 2.0**gamma.beta_frac_bits
    stored = gamma.gamma[batch.banks, : batch.x.shape[1]] / 2.0**gamma.gamma_frac_bits
    z = np.divide(exact.scaled - beta, stored, out=np.zeros_like(beta), where=stored != 0) * 2.0**frac_bits
    short = (np.abs(z - np.rint(z)) == 0) & batch.valid
    got = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks)
    np.testing.assert_array_equal(got[short], exact.rounded[short], f"seed {seed}")


def test_tight_costs_more_bits_than_faithful():
    faithful, tight = (
        Precision.of(unit(gamma=GAMMA, output=IntFormat(16, scale=2.0**-12), accuracy=accuracy))
        for accuracy in ("faithful", "tight")
    )
    assert tight.expected_error < faithful.expected_error
    assert tight.normalized_frac_bits > faithful.normalized_frac_bits


def test_targets_and_clocks_give_the_same_promise():
    for target in ("generic", "ice40-hx8k"):
        keys = {"target": target, "max_length": 8, "input": IntFormat(8)}
        fast, slow = (Precision.of(unit(clock_mhz=clock, **keys)) for clock in (10.0, 200.0))
        assert vars(fast) == vars(slow)  # the clock moves registers, never a width
        assert fast.expected_error <= PROMISED_ERROR


def test_a_gamma_beyond_any_datapath_is_refused():
    config = unit(gamma=1e11, gamma_bits=32, output=IntFormat(24, scale=1e-3), accuracy="tight")
    with pytest.raises(ConfigError) as caught:
        Precision.of(config)
    message = str(caught.value)
    assert message.startswith('accuracy = "tight": gamma reaches 1e+14 output steps; the widest datapath ')
    assert message.endswith("Allowed: a larger output scale or a smaller gamma")


def test_the_search_is_done_once():
    assert Precision.of(unit()) is Precision.of(unit())
