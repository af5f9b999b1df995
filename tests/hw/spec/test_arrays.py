"""Arrays that a user gives: what is taken, and what is refused in which words."""

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import as_array, finite_reals, given_array, require_array, require_within

MASKED = "elements of the array are masked; .filled(0) gives them a value"
RAGGED = "the rows of the array must all have the same length"
MASKED_ROW = np.ma.masked_equal([1, 2, 3], 2)


@pytest.mark.parametrize("values", [3, 2.5, [1, 2], [[1.5], [2]], (np.float32(1), 2), np.ma.array([1.0, 2.0]), []])
def test_real_numbers_are_taken_whatever_they_are_in(values):
    assert finite_reals(values).tolist() == np.asarray(values, np.float64).tolist()


def test_an_array_is_not_copied():
    values = np.ones(3)
    assert finite_reals(values) is as_array(values) is given_array(values)[0] is values


@pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning")
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, [2]], RAGGED),
        ([[1, 2], [3]], RAGGED),
        (MASKED_ROW, MASKED),
        ([MASKED_ROW], MASKED),
        ([[1, 2, 3], MASKED_ROW], MASKED),
        ([[[MASKED_ROW]]], MASKED),
        ([[1, np.ma.masked, 3]], MASKED),
        (np.ma.masked, MASKED),
        ("x", "has elements of type <U1; floating-point or integer numbers are needed"),
        (["1"], "has elements of type <U1; floating-point or integer numbers are needed"),
        (True, "has elements of type bool; floating-point or integer numbers are needed"),
        (1j, "has elements of type complex128; floating-point or integer numbers are needed"),
        (np.array(["2026-01-01"], "M8[D]"), "has elements of type datetime64[D]; floating-point or integer numbers"),
        (np.timedelta64(1, "s"), "has elements of type timedelta64[s]; floating-point or integer numbers"),
        *((odd, "has elements of type object; ") for odd in (object(), None, {}, {1}, iter([1]), [None], [10**400])),
        ([1.0, np.nan], "element [1] is nan; every value must be finite"),
        (-np.inf, "the value is -inf; every value must be finite"),
        pytest.param(
            np.array([1, "1e4000"], np.longdouble),
            "element [1] is inf; every value must be finite",
            marks=pytest.mark.skipif(np.finfo(np.longdouble).maxexp <= 1024, reason="a long double is a double"),
        ),
    ],
)
def test_what_are_no_real_numbers_is_refused(values, message):
    for key, begin in (("gamma", "gamma: "), ("", "the array " if message.startswith("has") else "")):
        with pytest.raises(ConfigError) as error:
            finite_reals(values, key)
        assert str(error.value).startswith(begin + message)


def test_what_numpy_makes_no_array_of_is_refused():
    class Odd:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("not now")

        def __repr__(self):
            return "Odd()"

    with pytest.raises(ConfigError, match=r"^rows: Odd\(\) is no array: not now$"):
        as_array(Odd(), "rows")


def test_the_first_value_out_of_range_is_named_before_it_can_wrap():
    wide = np.array([[0, 7], [2**64 - 1, 9]], np.uint64)
    with pytest.raises(ConfigError, match=r"^x\[1, 0\] = 18446744073709551615: must be from -8 to 7 \(int4\)$"):
        require_within("x", wide, -8, 7, " (int4)")
    with pytest.raises(ConfigError, match=r"^x = -1: must be from 0 to 7$"):
        require_within("x", np.array(-1, np.int8), 0, 7)
    require_within("x", wide, 0, 2**64)
    require_within("x", np.zeros(0), 1, 0)


def test_type_and_shape_are_told_together():
    with pytest.raises(ConfigError, match=r"^y is an array of float64 of shape \(1,\): must be integers$"):
        require_array("y is", np.ones(1), "iu", True, "integers")
    with pytest.raises(ConfigError, match=r"^y is an array of int64 of shape \(\): must be integers \(n,\)$"):
        require_array("y is", np.array(1), "iu", False, "integers (n,)")
    require_array("y is", np.zeros(0), "iu", True, "integers")
