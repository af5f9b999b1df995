"""The registry of algorithms: a file each, complete, refused where they do not go, and of no effect unasked."""

import importlib
from fractions import Fraction
from math import isqrt

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.spec.algorithms import ALGORITHMS, OWN_ALGORITHM, IntegerLayerNorm
from streamnorm.spec.algorithms.dyadic import dyadic
from streamnorm.spec.algorithms.newton import descents
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.units.algorithms import PARTS
from streamnorm_sim.reference.published import NORMALIZED

PUBLISHED = [name for name in ALGORITHMS if name != OWN_ALGORITHM]


def unit(algorithm: str, **changes) -> NormConfig:
    int8 = IntFormat(8, scale=0.05)
    keys = {"norm": "layernorm", "lanes": 2, "max_length": 16, "epsilon": 0.0, "input": int8, "output": int8}
    return NormConfig(**{**keys, "algorithm": algorithm, **changes})


@pytest.mark.parametrize("name", ALGORITHMS)
def test_each_has_a_file_hardware_and_a_model_of_its_own(name):
    algorithm = ALGORITHMS[name]
    module = name.replace("-", "_")
    assert type(algorithm).__module__ == f"streamnorm.spec.algorithms.{module}"
    assert algorithm.name == name
    assert algorithm.title
    assert algorithm.about
    assert algorithm.formula
    assert algorithm.source
    assert algorithm.promises == (name == OWN_ALGORITHM) == (not algorithm.is_dyadic)
    assert name in PARTS
    if algorithm.is_dyadic:
        assert algorithm.left_open
        assert importlib.import_module(f"streamnorm.units.algorithms.{module}")
        assert importlib.import_module(f"streamnorm_sim.reference.published.{module}")
        assert (NORMALIZED[name] is not None) == isinstance(algorithm, IntegerLayerNorm)


def test_the_registries_have_the_same_entries():
    assert list(PARTS) == list(ALGORITHMS)
    assert list(NORMALIZED) == PUBLISHED


def test_unasked_it_is_in_no_digest():
    plain = unit(OWN_ALGORITHM)
    assert (
        plain.digest()
        == NormConfig(
            norm="layernorm", lanes=2, max_length=16, epsilon=0.0, input=plain.input, output=plain.output
        ).digest()
    )
    assert len({unit(name).digest() for name in ALGORITHMS}) == len(ALGORITHMS)


@pytest.mark.parametrize("name", PUBLISHED)
def test_nothing_is_promised(name):
    assert not unit(name).promises
    assert unit(OWN_ALGORITHM).promises


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithm": "i-berg"}, "algorithm = 'i-berg': must be one of streamnorm, i-bert, i-vit"),
        ({"storage": "ram"}, "storage = 'ram': does not go with algorithm = 'i-bert'; allowed: rom"),
        ({"gamma_rounding": "output"}, "gamma_rounding = 'output': does not go with algorithm = 'i-bert'"),
        ({"gamma_bits": 12}, "gamma_bits = 12: does not go with algorithm = 'i-bert'"),
        ({"epsilon": 1e-5}, "epsilon = 1e-05: does not go with algorithm = 'i-bert'; allowed: 0.0"),
        (
            {"input": IntFormat(16)},
            "architecture = 'one-pass': does not go with algorithm = 'i-bert'; allowed: two-pass, as deviations are "
            "shifted right by 2 and so need the mean first, or max_length from 1 to 4",
        ),
        ({"norm": "rmsnorm"}, "norm = 'rmsnorm': does not go with algorithm = 'i-bert'; allowed: layernorm"),
        ({"architecture": "three-scan"}, "architecture = 'three-scan': does not go with algorithm = 'i-bert'"),
        (
            {"input": IntFormat(16), "algorithm": "i-vit"},
            "max_length = 16: does not go with algorithm = 'i-vit'; allowed: 1 to 4 ",
        ),
        (
            {"input": IntFormat(24), "algorithm": "int8-search"},
            "input = 'int24': does not go with algorithm = 'int8-search'",
        ),
        (
            {"norm": "affine", "epsilon": None, "algorithm": "q-layernorm-dyadic"},
            "norm = 'affine': does not go with algorithm = 'q-layernorm-dyadic'; allowed: a norm with a statistic",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(changes, message):
    with pytest.raises(ConfigError) as told:
        unit(**{"algorithm": "i-bert", **changes})
    assert str(told.value).startswith(message)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("value", "m", "e"),
    [
        (1.0, 1 << 30, 30),  # 1/2 * 2**1
        (0.75, 3 << 29, 31),
        (-0.375, -(3 << 29), 32),
        (0.0, 0, 31),
        (2.0**31, 1 << 30, -1),
        (1 - 2.0**-40, 1 << 30, 30),  # the mantissa is rounded to 1: half of it, and one power less
        (0.5 + 2.0**-32, 1 << 30, 31),  # a tie, down to even
        (0.5 + 3 * 2.0**-32, (1 << 30) + 2, 31),  # a tie, up to even
    ],
)
def test_dyadic_numbers(value, m, e):
    assert tuple(int(part) for part in dyadic(value)) == (m, e)


def test_newtons_iterations_are_enough_for_every_v_of_up_to_20_bits():
    """And the bound is reached: it is not a count too high by more than one."""
    v = np.arange(1, 1 << 20)
    bits = np.frexp(v.astype(float))[1]
    k = 1 << ((bits + 1) >> 1)
    roots = np.array([isqrt(int(value)) for value in v])
    taken = np.zeros_like(v)
    for _ in range(descents(20)):
        taken += k != roots
        after = (k + v // k) >> 1
        k = np.where(after < k, after, k)
    assert (k == roots).all()
    assert descents(20) - 1 <= taken.max() <= descents(20)
    for small in range(1, 21):
        assert taken[bits <= small].max() <= descents(small)


@pytest.mark.parametrize("bits", [24, 31, 32])
def test_newtons_iterations_are_enough_where_they_are_slowest(bits):
    """V next below and next above squares, and at the ends of each power of two, from the start that V's bits give."""
    roots = [*range(1 << (bits // 2 - 4), 1 << bits // 2, 97), *((1 << bits // 2) - i for i in range(1, 200))]
    for v in {root * root + i for root in roots for i in (-1, 0, 1)} | {
        (1 << b) + i for b in range(2, bits) for i in (-1, 0)
    }:
        k = 1 << ((v.bit_length() + 1) // 2)
        for _ in range(descents(bits)):
            k = min(k, (k + v // k) // 2)
        assert k == isqrt(v)


@pytest.mark.parametrize(("bits", "n"), [(16, 8), (16, 384), (12, 16384), (24, 1000)])
def test_i_bert_shifts_so_that_no_sum_of_squares_takes_33_bits(bits, n):
    source = IntFormat(bits)
    algorithm = ALGORITHMS["i-bert"]
    assert isinstance(algorithm, IntegerLayerNorm)
    shift = algorithm.shift(source, n)
    assert shift > 0
    largest = algorithm.variance_max(source, n, shift)
    assert largest < 1 << 32 <= algorithm.variance_max(source, n, shift - 1)
    rows = [
        np.repeat([source.min, source.max], n // 2),
        np.repeat([source.min, source.max], [1, n - 1]),
        np.repeat([source.max, source.min], [n // 2 + 1, n // 2 - 1]),
    ]
    for row in rows:
        y = row - round(Fraction(int(row.sum()), n))
        assert ((y >> shift) ** 2).sum() <= largest


def test_the_bound_of_the_sum_of_squares_is_reached():
    """Half of the elements at each end, with a mean that is rounded by a half."""
    low, high = -128, 127
    for n in (2, 16, 64):
        row = [low] * (n // 2) + [high] * (n // 2)
        mean = round(Fraction(sum(row), n))
        assert sum((x - mean) ** 2 for x in row) == IntegerLayerNorm.variance_max(IntFormat(8), n)
