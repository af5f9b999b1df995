"""The exact reference against hand-computed rows and against 200-digit decimal arithmetic."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from decimals import DIGITS, TIE, normalized
from family import MEMBERS, PART, can_be, keys_of
from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.norms import NORMS
from streamnorm.spec.parameters import StoredParameters
from streamnorm_sim.reference import exact
from streamnorm_sim.reference.exact import exact_result, exact_rows
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.rows import RowBatch


def make_config(**changes):
    keywords = {
        "norm": "layernorm",
        "lanes": 2,
        "max_length": 8,
        "input": IntFormat(8),
        "output": IntFormat(8),
        "epsilon": 0.0,
    }
    return NormConfig(**(keywords | changes))


def decimal_row(config, row, bank=0):
    """The definition, word for word, at 200 digits: the unrounded, and the rounded saturated results."""
    stored = StoredParameters.of(config)
    scaled, rounded = [], []
    with localcontext(DIGITS):
        for i, z in enumerate(normalized(config, row)):
            y = z * int(stored.gamma[bank, i]) / Decimal(2) ** stored.gamma_frac_bits
            y += Decimal(int(stored.beta[bank, i])) / Decimal(2) ** stored.beta_frac_bits
            doubled = (2 * y).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
            if abs(2 * y - doubled) < TIE:  # the decimals of a tie may end in ...999
                y = doubled / 2
            scaled.append(y)
            nearest = int(y.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
            rounded.append(min(max(nearest, config.output.min), config.output.max))
    return scaled, rounded


def assert_exact(config, batch, seed=None):
    result = exact_result(config, batch.x, batch.lengths, batch.banks)
    for index, (row, n, bank) in enumerate(zip(batch.x, batch.lengths, batch.banks, strict=True)):
        scaled, rounded = decimal_row(config, [int(x) for x in row[:n]], int(bank))
        where = f"row {index}: {row[:n].tolist()} of {config} (seed {seed})"
        assert result.rounded[index, :n].tolist() == rounded, where
        for got, want in zip(result.scaled[index, :n], scaled, strict=True):
            assert abs(Decimal(float(got)) - want) <= Decimal(2) ** -39 + abs(want) * Decimal(2) ** -52, where
        assert not result.rounded[index, n:].any()
        assert not result.scaled[index, n:].any()


@pytest.mark.parametrize(
    ("changes", "row", "want"),
    [
        # z = -1, 1
        ({"output": IntFormat(8, scale=0.25)}, [1, 3], [-4, 4]),
        # mean 2, variance 4: z = -0.5, ... is x/2 - 1
        ({"output": IntFormat(8, scale=0.125)}, [0, 0, 4, 4], [-8, -8, 8, 8]),
        # rms exactly 4 and mean 0: z = x / 4, doubled; halves go to the even neighbour
        ({"output": IntFormat(8, scale=0.5)}, [5, -5, 5, -3, 5, -3, -3, -1], [2, -2, 2, -2, 2, -2, -2, 0]),
        # √(1² + 7²)/√2 = 5: z = 0.2, 1.4
        ({"norm": "rmsnorm", "output": IntFormat(8, scale=0.1)}, [1, 7], [2, 14]),
        # rms = √12.5: z = 0.8485, 1.1314, in sixteenths 13.58, 18.10
        ({"norm": "rmsnorm", "output": IntFormat(8, scale=0.0625)}, [3, 4], [14, 18]),
        # ε makes the root rational: √(1 + 3) = 2, z = ±0.5 -> ties
        ({"epsilon": 3.0}, [1, -1], [0, 0]),
        ({"epsilon": 3.0, "gamma": 3.0}, [1, -1], [2, -2]),
        # the same with ε in units of the scale
        ({"epsilon": 0.75, "gamma": 3.0, "input": IntFormat(8, scale=0.5)}, [1, -1], [2, -2]),
        # saturation at both ends
        ({"output": IntFormat(8, scale=0.001)}, [1, 3], [-128, 127]),
        ({"output": IntFormat(8, signed=False, scale=0.001, zero_point=100)}, [1, 3], [0, 255]),
        # the zero points: of the input cancels in layernorm and counts in rmsnorm, of the output is added
        ({"input": IntFormat(8, zero_point=7), "output": IntFormat(8, scale=0.25)}, [1, 3], [-4, 4]),
        ({"norm": "rmsnorm", "input": IntFormat(8, zero_point=2), "output": IntFormat(8, scale=0.25)}, [3, 1], [4, -4]),
        ({"output": IntFormat(8, scale=0.25, zero_point=-9)}, [1, 3], [-13, -5]),
        # constant rows and single elements give beta
        ({"beta": 3.0}, [5, 5, 5], [3, 3, 3]),
        ({"beta": 3.0, "epsilon": 1e-12}, [-128, -128], [3, 3]),
        ({"beta": 2.5}, [127], [2]),
        ({"beta": -3.5}, [127], [-4]),
        # fewer fraction bits in beta than in gamma: 100.5 and 99.5
        ({"beta": 100.0, "gamma": 0.5}, [1, -1], [100, 100]),
        ({"norm": "rmsnorm", "beta": 3.0, "input": IntFormat(8, zero_point=2)}, [2, 2], [3, 3]),
        ({"norm": "rmsnorm", "gamma": 5.0}, [-128], [-5]),
    ],
)
def test_hand_computed(changes, row, want):
    config = make_config(**changes)
    assert exact_rows(config, np.array([row])).tolist() == [want]
    assert decimal_row(config, row)[1] == want


@pytest.mark.parametrize(("gamma", "up", "down"), [(2.5, 2, 2), (3.5, 4, 3), (-3.5, -4, -3)])
def test_a_hair_below_a_tie(gamma, up, down):
    """With ε = 1e-40 the truth differs from a tie by 1e-40, which no grid shows: the squares decide."""
    row = np.array([[1, -1]])
    assert exact_rows(make_config(gamma=gamma), row).tolist() == [[up, -up]]
    assert exact_rows(make_config(gamma=gamma, epsilon=1e-40), row).tolist() == [[down, -down]]


def test_a_hair_above_a_tie():
    """1 + 2^-30 is stored exactly, and z·γ passes the tie by less than the grid's step."""
    step = 2.0**-28
    config = make_config(gamma=3.5 + step, gamma_bits=32, epsilon=step * 2 / 3.5 * (1 - 2.0**-16))
    y = decimal_row(config, [1, -1])[0][0]
    assert 3.5 < y < 3.5 + 2.0**-40
    assert exact_rows(config, np.array([[1, -1]])).tolist() == [[4, -4]]


@st.composite
def formats(draw):
    signed = draw(st.booleans())
    bits = draw(st.integers(4, 24))
    bare = IntFormat(bits, signed)
    zero_point = draw(st.sampled_from([0, bare.min, bare.max]) | st.integers(bare.min, bare.max))
    scale = draw(st.sampled_from([1.0, 0.5, 0.1, 1e-6]) | st.floats(1e-6, 1e3))
    return IntFormat(bits, signed, scale, zero_point)


@st.composite
def configs(draw):
    n = draw(st.sampled_from([1, 2, 3, 8, 13]))
    output = draw(formats())
    # γ and β of some use: from less than an output step to well beyond saturation
    in_steps = st.integers(-64, 64).map(lambda k: k / 4) | st.floats(-1000, 1000)
    banks = draw(st.integers(1, 2))
    size = n * banks
    gamma, beta = (
        np.array(draw(st.lists(in_steps, min_size=size, max_size=size))).reshape(banks, n) * output.scale
        for _ in range(2)
    )
    source = draw(formats())
    member = draw(st.sampled_from(MEMBERS))
    if member == "affine":
        gamma /= source.scale * source.max  # which is that of an element, and not of about 1
    epsilon = draw(st.sampled_from([0.0, 1e-12, 1e-5, 1.0, 3.0]) | st.floats(0, 1e3))
    assume(can_be(member, epsilon))
    try:
        return NormConfig(
            **keys_of(member, longest=n, epsilon=epsilon, reach=source.scale * source.max),
            lanes=draw(st.integers(1, 4)),
            max_length=n,
            input=source,
            output=output,
            gamma=gamma,
            beta=beta,
            beta_bits=36,
            banks=banks,
        )
    except ConfigError:  # every result would be 0
        reject()


@given(configs(), st.integers(0, 2**32 - 1))
def test_against_decimal(config, seed):
    assert_exact(config, random_rows(config, 6, np.random.default_rng(seed)), seed)


@pytest.mark.parametrize("member", MEMBERS)
@settings(max_examples=20)
@given(st.data())
def test_tie_rows_against_decimal(member, data):
    """Small elements, ε a whole number and γ, β in quarters of a step: most results are rational, many are ties."""
    n = data.draw(st.integers(1, 8))
    quarters = st.lists(st.integers(-40, 40).map(lambda k: k / 4), min_size=n - 1, max_size=n - 1)
    epsilon = 2.0 if member == PART else data.draw(st.sampled_from([0.0, 2.0]))
    config = make_config(
        **{"epsilon": None, **keys_of(member, longest=n, epsilon=epsilon, reach=4.0)},
        max_length=n,
        gamma=np.array([7.5, *data.draw(quarters)]),
        beta=np.array([-2.5, *data.draw(quarters)]),
    )
    row = data.draw(st.lists(st.sampled_from([-4, -1, 0, 1, 4]), min_size=n, max_size=n))
    assert_exact(config, RowBatch.pack(config, [row]))


@pytest.mark.parametrize("gamma_bits", [4, 32])
@pytest.mark.parametrize("norm", [name for name, norm in NORMS.items() if "epsilon" in norm.keys])
def test_extreme_widths(norm, gamma_bits):
    """24 bits in and out, long full-scale rows: products beyond 64 bits, γ with negative fraction bits."""
    config = make_config(
        norm=norm,
        max_length=16384,
        input=IntFormat(24, signed=False),
        output=IntFormat(24),
        gamma=2.0**18 + 1,
        gamma_bits=gamma_bits,
        beta=0.5,
        beta_bits=36,
    )
    assert (StoredParameters.of(config).gamma_frac_bits < 0) == (gamma_bits == 4)
    x = np.full((2, 16384), config.input.max)
    x[0, 77] -= 1
    x[1, ::2] = 0
    result = exact_rows(config, x)
    for row in range(2):
        assert result[row].tolist() == decimal_row(config, x[row].tolist())[1]


def test_rows_do_not_depend_on_their_neighbours(monkeypatch):
    config = make_config(max_length=13, epsilon=1e-5, gamma=np.linspace(-20, 20, 13))
    batch = random_rows(config, 40, np.random.default_rng(4))
    together = exact_result(config, batch.x, batch.lengths)
    monkeypatch.setattr(exact, "_CHUNK_ELEMENTS", 30)
    chunked = exact_result(config, batch.x, batch.lengths)
    assert (together.rounded == chunked.rounded).all()
    assert np.abs(together.scaled - chunked.scaled).max() <= 2.0**-38
    for index, n in enumerate(batch.lengths):
        assert (exact_rows(config, batch.x[index : index + 1, :n]) == together.rounded[index, :n]).all()


def test_what_lies_beyond_a_row_is_ignored():
    config = make_config(gamma=10.0)
    x = np.array([[1, 2, 4, 999, 999], [5, 6, 7, 8, 1]])
    assert exact_rows(config, x, [3, 5])[0].tolist() == [*exact_rows(config, x[:1, :3])[0].tolist(), 0, 0]


def test_banks_are_chosen_per_row():
    config = make_config(max_length=2, banks=2, gamma=np.array([[1.0, 1.0], [10.0, 20.0]]))
    y = exact_rows(config, np.array([[1, -1]] * 3), banks=[1, 0, 1])
    assert y.tolist() == [[10, -20], [1, -1], [10, -20]]


def test_no_rows():
    config = make_config()
    assert exact_rows(config, np.zeros((0, 8), int)).shape == (0, 8)
