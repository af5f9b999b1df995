"""Flags of rows as bits and as words."""

import numpy as np

from hw.units.units import unit
from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.row_flags import FLAGS, flag_bits, flags_in_words, flags_of, of_user, user_bits, user_of


def test_only_units_with_floating_point_numbers_have_flags():
    fp16 = FloatFormat("fp16")
    assert flags_of(unit()) == ()
    assert user_bits(unit()) == 1
    for config in (unit(input=fp16), unit(output=fp16), unit(input=fp16, output=FloatFormat("bf16"))):
        assert flags_of(config) == ("nan", "infinite", "overflow") == tuple(FLAGS)
        assert user_bits(config) == 4


def test_the_error_is_the_lowest_bit():
    assert [user_of(error, flags) for error, flags in ((1, 0), (0, 1), (0, 2), (0, 4), (1, 7))] == [1, 2, 4, 8, 15]
    error, flags = of_user(np.array([0, 1, 2, 5, 9]))
    assert error.tolist() == [0, 1, 0, 1, 1]
    assert flags.tolist() == [0, 0, 1, 2, 4]


def test_bits_are_in_the_order_of_the_flags():
    flags = {
        "overflow": np.array([False, True, True]),
        "nan": np.array([True, False, True]),
        "infinite": np.zeros(3, bool),
    }
    bits = flag_bits(flags)
    assert bits.dtype == np.uint8
    assert bits.tolist() == [1, 4, 5]


def test_words():
    assert [flags_in_words(flags) for flags in (0, 1, 6)] == ["none", "nan", "infinite, overflow"]
