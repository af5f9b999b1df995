"""The named rows of floating-point numbers that break normalization units."""

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.formats import FloatFormat

from .drawn_floats import finite_codes

__all__ = ["corner_floats"]


def corner_floats(
    number_format: FloatFormat, full: int, lanes: int, rng: np.random.Generator
) -> dict[str, NDArray[np.int64]]:
    """Return rows of codes by name, for rows of up to ``full`` elements; some may be longer, or empty.

    Infinities are left out where the format has none.
    """
    sign = 1 << (number_format.bits - 1)
    one, least_normal = int(number_format.quantize([1.0])[0]), 1 << number_format.fraction_bits
    largest, nan, infinity = number_format.code_of_largest, number_format.code_of_nan, number_format.code_of_infinity
    odd = np.arange(full) % 2

    def spot(base: int, value: int, position: int) -> NDArray[np.int64]:
        row = np.full(full, base, np.int64)
        row[position] = value
        return row

    def anywhere() -> int:
        return int(rng.integers(full))

    rows = {
        "constant_zero": np.zeros(full, np.int64),
        "constant_minus_zero": np.full(full, sign),
        "zeros_of_both_signs": odd * sign,
        "constant_one": np.full(full, one),
        "constant_minus_one": np.full(full, sign | one),
        "constant_largest": np.full(full, largest),
        "constant_smallest": np.full(full, 1),
        "constant_smallest_normal": np.full(full, least_normal),
        "subnormal_to_normal": np.where(odd, least_normal, least_normal - 1),
        "alternating_largest": odd * sign | largest,
        "alternating_smallest": odd * sign | 1,
        "largest_but_one": spot(largest, largest - 1, anywhere()),
        "ones_but_one": spot(one, one + 1, anywhere()),
        "zero_but_smallest": spot(0, 1, anywhere()),
        "zero_but_largest": spot(0, largest, anywhere()),
        "smallest_but_largest": spot(1, largest, anywhere()),
        "largest_that_cancel": np.where(np.arange(full) == 0, 1, odd * sign | largest),
        "every_binade": number_format.quantize(
            number_format.scale * 2.0 ** (np.arange(full) % (number_format.binade_max + number_format.precision))
        ),
        "one_element_zero": np.array([0]),
        "one_element_minus_zero": np.array([sign]),
        "one_element_largest": np.array([largest]),
        "one_element_smallest": np.array([1]),
        "one_element_nan": np.array([nan]),
        "two_elements_largest": np.array([largest, sign | largest]),
        "two_elements_near": np.array([one, one + 1]),
        "nan_first": spot(one, nan, 0),
        "nan_last": spot(one, sign | nan, full - 1),
        "all_nan": np.full(full, nan),
        "nan_of_all_ones": spot(one, sign - 1, anywhere()),
    }
    if not number_format.finite:
        rows |= {
            "one_element_infinity": np.array([infinity]),
            "infinity_first": spot(one, infinity, 0),
            "minus_infinity_last": spot(one, sign | infinity, full - 1),
            "all_infinity": np.full(full, infinity),
            "infinities_of_both_signs": odd * sign | infinity,
            "nan_and_infinity": np.where(odd, nan, infinity),
        }
    lengths = {
        "length_lanes_minus_1": lanes - 1,
        "length_lanes": lanes,
        "length_lanes_plus_1": lanes + 1,
        "length_two_beats": 2 * lanes,
        "length_max_minus_1": full - 1,
        "length_max": full,
    }
    return rows | {name: finite_codes(number_format, rng, max(n, 0)) for name, n in lengths.items()}
