"""Rows of floating-point numbers drawn at random, as codes: what networks have, and what units are broken by.

A kind of rows is a function of the format, the elements of a row and the source of randomness, entered in `KINDS`.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.formats import FloatFormat

__all__ = ["KINDS", "MIXED", "SPECIAL_SHARE", "draw_row", "finite_codes"]

MIXED = "mixed"
"""Any of `KINDS`: "special" for `SPECIAL_SHARE` of the rows, all others alike often."""

SPECIAL_SHARE = 1 / 16
"""More would hide the rest: one NaN makes a whole row NaN."""

_Codes = NDArray[np.int64]
_Reals = NDArray[np.float64]


def draw_row(number_format: FloatFormat, n: int, rng: np.random.Generator, kind: str = MIXED) -> _Codes:
    """Return the codes of a row of ``n`` elements.

    Rows of all kinds but "special" are of finite numbers.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of randomness.
    kind : str
        One of `KINDS`, or `MIXED`.
    """
    if kind == MIXED:
        *others, special = KINDS
        kind = special if rng.random() < SPECIAL_SHARE else others[rng.integers(len(others))]
    return KINDS[kind](number_format, n, rng)


def finite_codes(number_format: FloatFormat, rng: np.random.Generator, shape: int | tuple[int, ...]) -> _Codes:
    """Return codes of finite numbers, each as likely as any other: all binades alike, both zeros among them."""
    return _signed(number_format, rng, rng.integers(0, number_format.code_of_largest, shape, endpoint=True))


def _normal(number_format: FloatFormat, n: int, rng: np.random.Generator) -> _Codes:
    """A mean that is there, but no larger than the deviation."""
    deviation = _magnitude(number_format, rng)
    return _codes(number_format, deviation * (rng.uniform(-1, 1) + rng.normal(0, 1, n)))


def _large_mean(number_format: FloatFormat, n: int, rng: np.random.Generator) -> _Codes:
    """A mean beside which the deviation is small, down to steps of the mean's binade."""
    mean = _magnitude(number_format, rng) * rng.choice([-1, 1])
    deviation = abs(mean) * 2.0 ** -rng.uniform(2, number_format.precision)
    return _codes(number_format, mean + rng.normal(0, deviation, n))


def _low_variance(number_format: FloatFormat, n: int, rng: np.random.Generator) -> _Codes:
    """Numbers that follow one another in the format, all of one sign."""
    most = number_format.code_of_largest
    base = int(rng.integers(0, most, endpoint=True))
    codes = np.clip(base + rng.integers(-2, 2, n, endpoint=True), 0, most)
    return codes | int(rng.integers(2)) << (number_format.bits - 1)


def _outliers(number_format: FloatFormat, n: int, rng: np.random.Generator) -> _Codes:
    """About two elements of a row far beyond the others."""
    deviation = _magnitude(number_format, rng)
    scaled = np.where(rng.random(n) < 2 / n, 2.0 ** rng.uniform(4, 12), 1.0)
    return _codes(number_format, deviation * scaled * rng.normal(0, 1, n))


def _wide(number_format: FloatFormat, n: int, rng: np.random.Generator) -> _Codes:
    """Log-normal magnitudes of both signs, over many binades."""
    spread = rng.uniform(1, number_format.binade_max / 4 + 1)
    exponents = np.clip(rng.normal(0, spread, n), -1000, 1000)
    signs = rng.choice([-1.0, 1.0], n)
    return _codes(number_format, signs * _magnitude(number_format, rng) * 2.0**exponents)


def _uniform(number_format: FloatFormat, n: int, rng: np.random.Generator) -> _Codes:
    return finite_codes(number_format, rng, n)


def _full_scale(number_format: FloatFormat, n: int, rng: np.random.Generator) -> _Codes:
    return _signed(number_format, rng, np.full(n, number_format.code_of_largest))


def _subnormal(number_format: FloatFormat, n: int, rng: np.random.Generator) -> _Codes:
    """Subnormal numbers, the smallest normal ones and zeros of both signs."""
    return _signed(number_format, rng, rng.integers(0, 1 << number_format.fraction_bits, n, endpoint=True))


def _constant(number_format: FloatFormat, n: int, rng: np.random.Generator) -> _Codes:
    """One number, or every other time zeros of both signs."""
    if rng.integers(2):
        return _signed(number_format, rng, np.zeros(n, np.int64))
    return np.full(n, finite_codes(number_format, rng, 1))


def _special(number_format: FloatFormat, n: int, rng: np.random.Generator) -> _Codes:
    """A few elements, at least one, are NaN of any code, or infinite where the format has that."""
    codes = _normal(number_format, n, rng)
    places = rng.choice(n, int(rng.integers(1, min(n, 3), endpoint=True)), replace=False)
    infinity, most = number_format.code_of_infinity, (1 << (number_format.bits - 1)) - 1
    nan = rng.integers(infinity + (not number_format.finite), most, len(places), endpoint=True)
    is_infinite = np.full(len(places), rng.integers(3) > 0 and not number_format.finite)
    codes[places] = _signed(number_format, rng, np.where(is_infinite, infinity, nan))
    return codes


KINDS: Mapping[str, Callable[[FloatFormat, int, np.random.Generator], _Codes]] = {
    "uniform": _uniform,
    "normal": _normal,
    "large_mean": _large_mean,
    "low_variance": _low_variance,
    "outliers": _outliers,
    "full_scale": _full_scale,
    "wide": _wide,
    "subnormal": _subnormal,
    "constant": _constant,
    "special": _special,
}
"""Kinds of rows by their names. Those that integers have, too, are called alike; the last one is "special"."""


def _magnitude(number_format: FloatFormat, rng: np.random.Generator) -> float:
    """About 1, as in networks; of every fourth row anywhere in the format, as far as it is normal."""
    smallest = number_format.scale * 2.0**number_format.fraction_bits
    largest = max(number_format.largest / 4, smallest)
    if rng.integers(4):
        return float(np.clip(2.0 ** rng.uniform(-3, 4), smallest, largest))
    return float(2.0 ** rng.uniform(np.log2(smallest), np.log2(largest)))


def _codes(number_format: FloatFormat, values: _Reals) -> _Codes:
    return number_format.quantize(np.clip(values, -number_format.largest, number_format.largest))


def _signed(number_format: FloatFormat, rng: np.random.Generator, magnitudes: _Codes) -> _Codes:
    return magnitudes | rng.integers(0, 2, magnitudes.shape) << (number_format.bits - 1)
