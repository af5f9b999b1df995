"""The golden model against the exact result, and its interface."""

import re
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn import drawn_config, drawn_rows
from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.parameters import StoredParameters
from streamnorm_sim.reference.exact import exact_result, exact_rows
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.rows import RowBatch

EXAMPLES = ("bert_int8", "ice40_int8", "llama_rms_int16", "minilm_int16", "minilm_int16_int8", "short_rows")


def unit(**changes) -> NormConfig:
    keys = {
        "norm": "layernorm",
        "lanes": 4,
        "max_length": 24,
        "input": IntFormat(8, scale=0.05),
        "output": IntFormat(8, scale=0.04),
        "epsilon": 1e-5,
    }
    return NormConfig(**{**keys, **changes})


def check(config: NormConfig, batch: RowBatch, note: object = "") -> None:
    """Faithful: less than 1 LSB from the exact result, and next to or at the correctly rounded one."""
    got = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks)
    exact = exact_result(config, batch.x, batch.lengths, batch.banks)
    saturated = np.clip(exact.scaled, config.output.min, config.output.max)
    errors = np.abs(got - saturated) * batch.valid
    row, column = np.unravel_index(np.argmax(errors), errors.shape)
    where = f"row {row} element {column}: got {got[row, column]}, want {exact.scaled[row, column]:.3f} {note}"
    assert errors.max() < 1.0, where
    assert np.abs(got - exact.rounded).max() <= 1, where
    assert (got[~batch.valid] == 0).all()


@pytest.fixture(params=EXAMPLES)
def example(request, examples) -> NormConfig:
    return NormConfig.from_toml(examples / f"{request.param}.toml")


# Against the exact result


def test_examples_are_faithful(example):
    check(example, drawn_rows(example, np.random.default_rng(12), 20))


@settings(max_examples=20)
@given(seed=st.integers(1000, 1_000_000), rows=st.data())
def test_any_configuration_is_faithful(seed, rows):
    """Formats, zero points, lengths, epsilon, gamma and beta drawn; corner rows, random rows and drawn rows."""
    config = drawn_config(seed)
    batch = drawn_rows(config, np.random.default_rng(seed), 10)
    element = st.integers(config.input.min, config.input.max)
    length = rows.draw(st.integers(1, min(config.max_length, 12)))
    row = rows.draw(st.lists(element, min_size=length, max_size=length))
    check(config, batch, f"(seed {seed})")
    check(config, RowBatch.of(config, [row]), row)


FIXED = {
    "int8": unit(),
    "no epsilon": unit(epsilon=0.0, gamma=np.linspace(-3, 3, 24)),
    "uint4 to int24": unit(input=IntFormat(4, signed=False), output=IntFormat(24, scale=1e-6)),
    "int24 to uint5": unit(input=IntFormat(24), output=IntFormat(5, signed=False, scale=0.3, zero_point=16)),
    "rmsnorm": unit(norm="rmsnorm", input=IntFormat(9, zero_point=-200), beta=0.7),
    "large epsilon": unit(epsilon=1e4, gamma=1e4),
    "tight": unit(output=IntFormat(16, scale=2e-4), accuracy="tight"),
}


@pytest.mark.parametrize("name", FIXED)
@settings(max_examples=60)
@given(data=st.data())
def test_any_row_is_faithful(name, data):
    config = FIXED[name]
    low, high = config.input.min, config.input.max
    # Values near each other, near the ends, and any: small and large variances.
    centre = data.draw(st.integers(low, high))
    near = st.integers(max(low, centre - 2), min(high, centre + 2))
    element = st.one_of(near, st.sampled_from([low, high]), st.integers(low, high))
    row = data.draw(st.lists(element, min_size=1, max_size=24))
    check(config, RowBatch.of(config, [row]), row)


def test_banks_of_rom_arrays():
    rng = np.random.default_rng(2)
    config = unit(banks=3, gamma=rng.normal(1, 0.5, (3, 24)), beta=rng.normal(0, 0.5, (3, 24)))
    batch = drawn_rows(config, rng, 100)
    assert set(batch.banks) == {0, 1, 2}
    check(config, batch)


def test_an_epsilon_that_rounds_up_across_a_power_of_four_is_faithful():
    """The largest V is just below ``4**k`` and rounds up to it (see test_ranges)."""
    source = IntFormat(5)
    for length, exponent in ((3, 19), (7, 9), (7, 17)):
        spread = (length // 2) * ((length + 1) // 2) * 31**2
        epsilon = (4**exponent - spread) / length**2
        while spread + length**2 * Fraction(epsilon) >= 4**exponent:
            epsilon = float(np.nextafter(epsilon, 0))
        reach = 31 * length / 2 ** (exponent + 1)
        config = unit(input=source, max_length=length, epsilon=epsilon, output=IntFormat(8, scale=reach / 100))
        check(config, RowBatch.of(config, [[-16] * (length // 2) + [15] * (length - length // 2)]))


@pytest.mark.parametrize("name", ["bert_int8", "ice40_int8", "minilm_int16_int8", "short_rows"])
def test_8_bit_examples_round_999_of_1000_correctly(name, examples):
    config = NormConfig.from_toml(examples / f"{name}.toml")
    n = config.max_length
    rows = 300_000 // n
    batch = random_rows(config, rows, np.random.default_rng(4), lengths=np.full(rows, n))
    got = GoldenModel(config).normalize(batch.x)
    wrong = (got != exact_rows(config, batch.x)).mean()
    assert wrong <= 1e-3


def test_constant_rows_give_beta():
    """D = 0: z is 0 with any epsilon, and beta rounds half to even."""
    beta = np.arange(24) * 0.02  # half output steps
    for epsilon in (0.0, 1e3):
        for norm, values in (("layernorm", (-128, -1, 0, 127)), ("rmsnorm", (3,))):
            config = unit(
                norm=norm, epsilon=epsilon, beta=beta, gamma=2.0, input=IntFormat(8, zero_point=3, scale=0.05)
            )
            x = np.repeat(np.array(values)[:, None], 24, axis=1)
            lengths = [1, 7, 23, 24][: len(x)]
            want = np.rint(np.arange(24) / 2) * (np.arange(24) < np.array(lengths)[:, None])
            assert (GoldenModel(config).normalize(x, lengths) == want).all()


@pytest.mark.parametrize("epsilon", [0.0, 1.0, 1e30, 1e50])
def test_rows_of_one_element_at_most(epsilon):
    config = unit(max_length=1, lanes=1, epsilon=epsilon, beta=0.5)
    assert (GoldenModel(config).normalize([[-128], [0], [127]]) == 12).all()  # 12.5, half to even


def test_results_saturate():
    config = unit(gamma=100.0)
    got = GoldenModel(config).normalize([[-100, 100], [100, -100], [5, 5]])
    assert got.tolist() == [[-128, 127], [127, -128], [0, 0]]


def test_rms_norm_takes_the_zero_point_off_and_layer_norm_does_not_see_it():
    x = np.random.default_rng(1).integers(-128, 128, (20, 24))
    plain, shifted = (unit(input=IntFormat(8, scale=0.05, zero_point=zero)) for zero in (0, 77))
    assert (GoldenModel(plain).normalize(x) == GoldenModel(shifted).normalize(x)).all()
    config = unit(norm="rmsnorm", input=IntFormat(8, scale=0.05, zero_point=77))
    real = x - 77
    root = np.sqrt((real**2).mean(axis=1) * 0.05**2 + 1e-5)
    want = np.clip(real * 0.05 / root[:, None] / 0.04, -128, 127)
    assert np.abs(GoldenModel(config).normalize(x) - want).max() < 0.52


# Batches


def test_a_row_does_not_depend_on_its_neighbours_or_on_what_stands_behind_it():
    rng = np.random.default_rng(3)
    config = unit(max_length=300, gamma=rng.normal(1, 0.2, 300))
    model = GoldenModel(config)
    batch = random_rows(config, 700, rng)  # several chunks
    together = model.normalize(batch.x, batch.lengths)
    noise = np.where(batch.valid, batch.x, rng.integers(-128, 128, batch.x.shape))
    assert (model.normalize(noise, batch.lengths) == together).all()
    for row in (0, 217, 218, 436, 699):
        n = batch.lengths[row]
        assert (model.normalize(batch.x[row : row + 1, :n])[0] == together[row, :n]).all()


def test_no_rows():
    assert GoldenModel(unit()).normalize(np.zeros((0, 5), int)).shape == (0, 5)


def test_loaded_parameters():
    config = unit(storage="ram", gamma_max=3.0, beta_max=2.0)
    stored = StoredParameters.of(config)
    rng = np.random.default_rng(5)
    gamma, beta = rng.uniform(-3, 3, (1, 24)), rng.uniform(-2, 2, (1, 24))
    model = GoldenModel(config, gamma=stored.quantize_gamma(gamma), beta=stored.quantize_beta(beta))
    fixed = unit(gamma=gamma[0], beta=beta[0])
    x = rng.integers(-128, 128, (200, 24))
    assert np.abs(model.normalize(x) - exact_rows(fixed, x)).max() <= 1
    assert (GoldenModel(config).normalize(x) != model.normalize(x)).any()


def test_every_integer_type_will_do():
    x = np.random.default_rng(6).integers(-128, 128, (9, 24))
    model = GoldenModel(unit())
    want = model.normalize(x)
    for kind in (np.int8, np.int16, np.int32):
        assert (model.normalize(x.astype(kind)) == want).all()
    assert (model.normalize(x.tolist()) == want).all()
    assert want.dtype == np.int64


def test_wrong_rows_are_refused():
    with pytest.raises(ValueError, match=r"^row 0 element 1 is 200: must be from -128 to 127 \(int8\)$"):
        GoldenModel(unit()).normalize([[1, 200]])


@pytest.mark.parametrize("array", [np.ones(24, int), np.ones((1, 24))], ids=["shape", "type"])
def test_wrong_parameters_are_refused(array):
    message = f"gamma is an array of {array.dtype} of shape {array.shape}: must be integers of (1, 24)"
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        GoldenModel(unit(), gamma=array)


# Speed


@pytest.mark.bench
def test_ten_million_elements_a_second(examples):
    """int8 in and out, 768 elements, one core; the best of several runs, for the machine may be busy."""
    config = NormConfig.from_toml(examples / "bert_int8.toml")
    model = GoldenModel(config)
    x = np.random.default_rng(1).integers(-128, 128, (1500, 768))
    fastest = 0.0
    for _ in range(20):
        start = time.perf_counter()
        model.normalize(x)
        fastest = max(fastest, x.size / (time.perf_counter() - start))
        if fastest > 20e6:
            break
    assert fastest > 10e6


@pytest.mark.parametrize(("bits", "length", "output_bits"), [(6, 64, 8), (7, 8, 8), (7, 33, 8), (9, 8, 10)])
def test_the_square_of_a_deviation_beyond_63_bits(bits, length, output_bits):
    """V and its fraction bits fit 63 bits here, the square that V is cut from does not."""
    config = NormConfig(
        norm="layernorm",
        lanes=1,
        max_length=length,
        input=IntFormat(bits, scale=0.05),
        output=IntFormat(output_bits, scale=6 / 2 ** (output_bits - 1)),
        epsilon=0.3,
        epsilon_placement="root",
    )
    x = np.where(np.arange(length) < length // 2, config.input.min, config.input.max)[None, :]
    assert np.abs(GoldenModel(config).normalize(x) - exact_rows(config, x)).max() <= 1
