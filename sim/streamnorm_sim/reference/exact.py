"""The exact result of a normalization: integers and `math.isqrt` only, correctly rounded.

This is the truth that bounds the error of the golden model and, through it, of the hardware. No
floating-point number takes part in any decision. For a row ``x_1 .. x_n`` of integers with input scale ``s``,
input zero point ``zp`` and ε:

=========  =====================  ==================  ==============================  =============
norm       centred element     squared scale ``D``             weight ``W``
=========  ==================  ==============================  =============
layernorm  ``n·x - S1``        ``n·S2 - S1²``                  n
rmsnorm    ``W·(x - zp)``      ``W·Σ(x - zp)²`` of the first   n or at most
           ..                  ``statistic_length``            that length
l2norm     ``x - zp``          ``Σ(x - zp)²``                  1
crmsnorm   ``W·(x - zp)``      ``W·(Σ(x-zp)² + (Σ(x-zp))²)``   n + 1
frozen     ``n·x - S1``        0                               n
affine     ``x - zp``          0                               1
dyt        sign of ``x - zp``  0                               1
=========  ==================  ==============================  =============

    V = D + W²·ε/s²            a rational number P/Q, from the exact values of the floats ε and s
    V = max(D, W²·(ε/s)²)      with ``epsilon_placement = "floor"``
    V = D + W²·(σ/s)²          for the deviation σ of a frozen norm
    V = 1                      for a static norm; an affine one's γ is that of a step of x, so γ·s of the γ as given
    y = c·g / (2^fg·√V) + b / 2^fb
    y = c·g·tanh|t| / 2^fg + b / 2^fb      with t = α·s·(x - zp), for Dynamic Tanh

with the stored integers ``g``, ``b`` of the element and their fraction bits ``fg``, ``fb``
(`StoredParameters`). The result is ``y`` rounded half to even and saturated to the output format. A row with
``V = 0`` has ``c = 0`` in every element, and ``y = b / 2^fb``.

γ and β as given are floats, so integers times a power of two, and the output's scale is ``m·2^k`` with an odd integer
``m`` by which they are still to be divided: ``y = c·g / (2^fg·√(V·m²)) + b / (2^fb·m)``. Stored ones have ``m = 1``.

How it is fast and still exact
------------------------------
Let ``f`` be the fraction bits of a grid, ``a = c·g``, and ``r = isqrt(⌊2^(2K)·Q/P⌋)``. Because
``⌊√⌊v⌋⌋ = ⌊√v⌋``, ``r <= 2^K/√V < r + 1``. Let ``sh = K + fg - f`` and every ``|a| <= 2^(sh - 1)``: then
``a·2^K/√V / 2^sh``, which is ``y·2^f`` without its β, is less than 1/2 away from ``a·r / 2^sh``.
With ``t = ⌊a·r / 2^sh⌋ + ⌊b·2^(f - fb) / m⌋``, ``t - 1 < y·2^f < t + 3``.

Let ``h = t + 2^(f - 1)``, so that ``h - 1 < (y + 1/2)·2^f < h + 3``. Where none of ``h``, ``h + 1`` and ``h + 2``
is a multiple of ``2^f``, none lies in between, and ``y`` is no tie and rounds to ``⌊h / 2^f⌋``. The others, about
three in ``2^f`` and the true ties, are decided one by one, by comparing the squares of integers.

For Dynamic Tanh ``r`` is ``⌊2^K·tanh|t|⌋``, one an element, and all of that holds again. The others are decided by
bounds of tanh as narrow as it takes: where ``c`` is not 0, tanh of a rational number is no rational number, so that
no ``y`` is a tie.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import isqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamnorm.spec.arrays import ArrayOrFile
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters
from streamnorm_sim.streams.rows import RowBatch

from .exact_tanh import tanh_bounds, tanh_floor

_DIGITS = [30 << step for step in range(9)]
"""Decimal digits of tanh that are tried, one after the other, where a result is hard to round."""

_CHUNK_ELEMENTS = 1 << 16
"""Elements worked on at a time: big integers cost about 50 bytes each, so a chunk stays near the cache."""

_FRAC_BITS = 40
"""Fraction bits of the grid, ``f`` above."""

_INT64_BITS = 62

_Integers = NDArray[Any]
"""An array of integers: of dtype int64 where they fit, else of Python integers (dtype object)."""


@dataclass(frozen=True)
class ExactResult:
    """The exact result of a batch of rows.

    Attributes
    ----------
    rounded : int64 (rows, n)
        Rounded half to even and saturated to the output format; 0 beyond a row's length.
    scaled : float64 (rows, n)
        Output LSB, neither rounded nor saturated, within ``2^-39`` of the truth (beyond ``2^13`` LSB,
        within the spacing of float64 there); 0 beyond a row's length.
    """

    rounded: NDArray[np.int64]
    scaled: NDArray[np.float64]


def exact_rows(
    config: NormConfig,
    x: ArrayOrFile,
    lengths: ArrayLike | None = None,
    banks: ArrayLike | None = None,
    *,
    as_given: bool = False,
) -> NDArray[np.int64]:
    """Correctly rounded (half to even), saturated result of each row.

    Parameters
    ----------
    config : NormConfig
        The unit's configuration.
    x, lengths, banks
        Rows, as for `RowBatch.of`.
    as_given : bool
        Take γ and β as the configuration has them, not as they are stored.

    Returns
    -------
    int64 (rows, n)
        0 beyond a row's length.

    Raises
    ------
    ConfigError
        As `RowBatch.of`.
    """
    return exact_result(config, x, lengths, banks, as_given=as_given).rounded


def exact_result(
    config: NormConfig,
    x: ArrayOrFile,
    lengths: ArrayLike | None = None,
    banks: ArrayLike | None = None,
    *,
    as_given: bool = False,
) -> ExactResult:
    """As `exact_rows`, and the results before rounding too."""
    batch = RowBatch.of(config, x, lengths, banks)
    affine = _given(config) if as_given else _stored(config)
    rounded = np.zeros(batch.x.shape, np.int64)
    scaled = np.zeros(batch.x.shape, np.float64)
    for where, part in batch.parts(_CHUNK_ELEMENTS):
        rows = _TanhRows(config, part, affine) if config.norm == "dyt" else _Rows(config, part, affine)
        t = rows.on_grid()
        scaled[where] = np.ldexp(t.astype(np.float64), -_FRAC_BITS)
        rounded[where] = rows.rounded(t)
    return ExactResult(rounded, scaled)


class RowTerms(NamedTuple):
    """What a row's formula is made of.

    Attributes
    ----------
    c : of each element; anything behind a row's end
    squared, weight : ``D`` and ``W`` of each row
    """

    c: NDArray[np.int64]
    squared: list[int]
    weight: list[int]


@dataclass(frozen=True)
class _RowBlock:
    """Elements (0 behind a row's end), lengths, which elements count, and the zero point."""

    x: NDArray[np.int64]
    lengths: list[int]
    valid: NDArray[np.bool_]
    zero_point: int

    @property
    def real(self) -> NDArray[np.int64]:
        """Elements less the zero point."""
        return np.where(self.valid, self.x - self.zero_point, 0)

    def times(self, weight: list[int], x: NDArray[np.int64]) -> NDArray[np.int64]:
        """Each element times its row's weight."""
        return np.array(weight, np.int64)[:, None] * x


def _layernorm(rows: _RowBlock, config: NormConfig) -> RowTerms:
    n, s1, s2 = rows.lengths, rows.x.sum(axis=1), _sums_of_squares(rows.x)
    # The squares fit 63 bits, n times them only a Python integer.
    squared = [n_ * s2_ - int(s1_) ** 2 for n_, s1_, s2_ in zip(n, s1, s2, strict=True)]
    return RowTerms(rows.times(n, rows.x) - s1[:, None], squared, n)


def _rmsnorm(rows: _RowBlock, config: NormConfig) -> RowTerms:
    k, real = config.statistic_length, rows.real
    counted = [n if k is None else min(n, k) for n in rows.lengths]
    squared = [n * s2 for n, s2 in zip(counted, _sums_of_squares(real[:, :k]), strict=True)]
    return RowTerms(rows.times(counted, real), squared, counted)


def _l2norm(rows: _RowBlock, config: NormConfig) -> RowTerms:
    real = rows.real
    return RowTerms(real, _sums_of_squares(real), [1] * len(real))


def _crmsnorm(rows: _RowBlock, config: NormConfig) -> RowTerms:
    real, n = rows.real, [length + 1 for length in rows.lengths]
    left_out = [-int(total) for total in real.sum(axis=1)]  # the last element of a vector of mean 0
    squares = zip(n, _sums_of_squares(real), left_out, strict=True)
    return RowTerms(rows.times(n, real), [n_ * (s2 + last**2) for n_, s2, last in squares], n)


def _frozen(rows: _RowBlock, config: NormConfig) -> RowTerms:
    c = rows.times(rows.lengths, rows.x) - rows.x.sum(axis=1)[:, None]
    return RowTerms(c, [0] * len(c), rows.lengths)


def _affine(rows: _RowBlock, config: NormConfig) -> RowTerms:
    """``s·(x - zp)``, the s in γ."""
    return RowTerms(rows.real, [0] * len(rows.x), [1] * len(rows.x))


def _dyt(rows: _RowBlock, config: NormConfig) -> RowTerms:
    """The sign; tanh of the magnitude stands where another norm's ``1/√V`` does."""
    return RowTerms(np.sign(rows.real), [0] * len(rows.x), [1] * len(rows.x))


def _sums_of_squares(x: NDArray[np.int64]) -> list[int]:
    """At most 2^14 squares of at most 2^48 each: the sum fits 63 bits."""
    return [int(total) for total in (x * x).sum(axis=1)]


FORMULAS: dict[str, Callable[[_RowBlock, NormConfig], RowTerms]] = {
    "layernorm": _layernorm,
    "rmsnorm": _rmsnorm,
    "l2norm": _l2norm,
    "crmsnorm": _crmsnorm,
    "frozen": _frozen,
    "affine": _affine,
    "dyt": _dyt,
}
"""Terms of each norm; written from the papers, not from the unit's description."""


def exact_terms(config: NormConfig, batch: RowBatch) -> RowTerms:
    """The exact terms of rows, without gamma, beta and epsilon."""
    x = np.where(batch.valid, batch.x, 0).astype(np.int64)
    return FORMULAS[config.norm](_RowBlock(x, batch.lengths.tolist(), batch.valid, config.input.zero_point), config)


@dataclass(frozen=True, eq=False)
class _Affine:
    """γ and β as integers (banks, max_length), their fraction bits, and the divisor m of both."""

    gamma: _Integers
    beta: _Integers
    gamma_frac_bits: int
    beta_frac_bits: int
    divisor: int


def _stored(config: NormConfig) -> _Affine:
    stored = StoredParameters.of(config)
    return _Affine(stored.gamma, stored.beta, stored.gamma_frac_bits, stored.beta_frac_bits, 1)


@lru_cache(maxsize=4)
def _given(config: NormConfig) -> _Affine:
    given, shape = config.given_parameters, (config.banks, config.max_length)
    scale = Fraction(config.output.scale)
    # The scale's power of two, up to which it is an odd integer or one.
    divisor = scale.numerator // (scale.numerator & -scale.numerator)
    power = Fraction(divisor) / scale
    step = Fraction(config.input.scale) if config.norm == "affine" else Fraction(1)
    gamma, gamma_frac_bits = _dyadic(given.gamma, Fraction(given.gamma_offset), power * step)
    beta, beta_frac_bits = _dyadic(given.beta, config.output.zero_point * scale, power)
    # At least 1, so that the tie between two steps is one of its integers.
    if beta_frac_bits < 1:
        beta, beta_frac_bits = beta << (1 - beta_frac_bits), 1
    return _Affine(
        np.broadcast_to(gamma, shape), np.broadcast_to(beta, shape), gamma_frac_bits, beta_frac_bits, divisor
    )


def _dyadic(values: NDArray[np.float64], offset: Fraction, power: Fraction) -> tuple[_Integers, int]:
    """``(values + offset)·power``, whose denominator is a power of two, as Python integers and their fraction bits."""
    exact = [(Fraction(value) + offset) * power for value in values.ravel().tolist()]
    largest = max(value.denominator for value in exact)  # all are powers of two
    integers = np.array([int(value * largest) for value in exact], object).reshape(values.shape)
    return integers, largest.bit_length() - 1


class _Rows:
    """The exact quantities of a few rows: ``a = c·g`` and ``b`` of each element, ``V·m² = P/Q`` of each row."""

    def __init__(self, config: NormConfig, batch: RowBatch, affine: _Affine) -> None:
        columns = batch.x.shape[1]
        valid = batch.valid
        x = np.where(valid, batch.x, 0).astype(np.int64)
        rows = _RowBlock(x, batch.lengths.tolist(), valid, config.input.zero_point)
        terms = FORMULAS[config.norm](rows, config)
        c = np.where(valid, terms.c, 0)
        self.divisor = affine.divisor
        denominators = zip(terms.squared, terms.weight, strict=True)
        self.radicands = [_radicand(config, squared, weight, self.divisor) for squared, weight in denominators]
        g = affine.gamma[batch.banks, :columns]
        self.b = np.where(valid, affine.beta[batch.banks, :columns], 0)
        # |a| <= |c|·|g| may exceed 63 bits for wide formats.
        self.a_bits = (_magnitude(c) * _magnitude(g)).bit_length()
        self.a: _Integers = c * g if self.a_bits <= _INT64_BITS else c.astype(object) * g.astype(object)
        self.gamma_frac_bits = affine.gamma_frac_bits
        self.beta_frac_bits = affine.beta_frac_bits
        self.output = config.output

    def on_grid(self) -> _Integers:
        """``t`` of the module's proof: ``t - 1 < y·2^f < t + 3``. Padding gives 0."""
        root_bits = max(0, self.a_bits + 1 - self.gamma_frac_bits + _FRAC_BITS)
        shift = root_bits + self.gamma_frac_bits - _FRAC_BITS
        product: _Integers = (self.a.astype(object) * self._factors(root_bits)) >> shift
        beta = self._beta_on_grid()
        if max(_magnitude(product), _magnitude(beta)).bit_length() < _INT64_BITS:
            return product.astype(np.int64) + beta.astype(np.int64)
        return product + beta.astype(object)

    def _factors(self, root_bits: int) -> NDArray[np.object_]:
        """``r``, one a row: ``r <= 2^K/√(V·m²) < r + 1``."""
        roots = np.empty((len(self.radicands), 1), object)
        for row, (numerator, denominator) in enumerate(self.radicands):
            # V = 0 only where every a of the row is 0: any root will do.
            roots[row, 0] = isqrt((denominator << (2 * root_bits)) // numerator) if numerator else 0
        return roots

    def _beta_on_grid(self) -> _Integers:
        shift = _FRAC_BITS - self.beta_frac_bits
        if self.divisor == 1 and shift >= 0 and (_magnitude(self.b) << shift).bit_length() < _INT64_BITS:
            return self.b.astype(np.int64) << shift
        scaled = self.b.astype(object)
        scaled = scaled << shift if shift >= 0 else scaled >> -shift
        return scaled // self.divisor

    def rounded(self, t: _Integers) -> NDArray[np.int64]:
        """``y`` rounded half to even and saturated, from `on_grid`'s ``t``."""
        h = t + (1 << (_FRAC_BITS - 1))
        fraction = h & ((1 << _FRAC_BITS) - 1)
        nearest: _Integers = h >> _FRAC_BITS
        undecided = (fraction == 0) | (fraction >= (1 << _FRAC_BITS) - 2)
        for row, column in zip(*np.nonzero(undecided), strict=True):
            upper = int(h[row, column] + 2) >> _FRAC_BITS
            nearest[row, column] = self._decide(int(row), int(column), upper)
        return np.clip(nearest, self.output.min, self.output.max).astype(np.int64)

    def _decide(self, row: int, column: int, upper: int) -> int:
        """Round one element known to lie strictly between ``upper - 3/2`` and ``upper + 1/2``.

        ``y`` against ``upper - 1/2`` is ``a·2^(fb - fg)/√V`` against ``w = m·(upper - 1/2)·2^fb - b``. Both
        sides are squared, keeping their signs, once a negative exponent has moved to ``w``. Where V = 0, y
        lies on the grid and can only be the tie itself: both sides are 0.
        """
        a = int(self.a[row, column])
        w = self.divisor * ((2 * upper - 1) << (self.beta_frac_bits - 1)) - int(self.b[row, column])
        a *= self.divisor  # the numerator has m²
        exponent = self.beta_frac_bits - self.gamma_frac_bits
        if exponent >= 0:
            a <<= exponent
        else:
            w <<= -exponent
        order = self._order(row, column, a, w)
        if not order:
            return upper - (upper & 1)
        return upper if order > 0 else upper - 1

    def _order(self, row: int, column: int, a: int, w: int) -> int:
        """The sign of ``a/√(V·m²) - w`` of an element."""
        numerator, denominator = self.radicands[row]
        return _sign(_sign(a) * a * a * denominator - _sign(w) * w * w * numerator)


class _TanhRows(_Rows):
    """Rows of Dynamic Tanh: a factor for each element, ``tanh|t| / m``."""

    def __init__(self, config: NormConfig, batch: RowBatch, affine: _Affine) -> None:
        super().__init__(config, batch, affine)
        assert config.alpha is not None
        self._slope = abs(Fraction(config.alpha)) * Fraction(config.input.scale)
        if config.alpha < 0:
            self.a = -self.a
        self._magnitude = np.where(batch.valid, np.abs(batch.x.astype(np.int64) - config.input.zero_point), 0)

    def _factors(self, root_bits: int) -> NDArray[np.object_]:
        distinct, places = np.unique(self._magnitude, return_inverse=True)
        floors = [tanh_floor(self._slope * int(d), root_bits, self.divisor) for d in distinct]
        return np.array(floors, object)[places].reshape(self._magnitude.shape)

    def _order(self, row: int, column: int, a: int, w: int) -> int:
        t = self._slope * int(self._magnitude[row, column])
        if not a or not t:
            return -_sign(w)
        for digits in _DIGITS:
            low, high = tanh_bounds(t, digits)
            ends = sorted((a * low / self.divisor, a * high / self.divisor))
            if w <= ends[0] or w >= ends[1]:  # tanh is neither of its bounds
                return 1 if w <= ends[0] else -1
        raise AssertionError("tanh is a rational number")


def _radicand(config: NormConfig, squared: int, weight: int, divisor: int) -> tuple[int, int]:
    """``V·m²`` as numerator and denominator."""
    scale = Fraction(config.input.scale)
    if config.norm == "frozen":
        assert config.deviation is not None
        added = (weight * Fraction(config.deviation) / scale) ** 2
    elif not config.formula.has_statistic:
        added = Fraction(1)
    elif config.epsilon_placement == "floor":
        least = (weight * Fraction(config.epsilon) / scale) ** 2
        added = max(least - squared, Fraction(0))
    else:
        added = weight**2 * Fraction(config.epsilon) / scale**2
    return (squared * added.denominator + added.numerator) * divisor**2, added.denominator


def _magnitude(values: _Integers) -> int:
    return max(abs(int(values.max(initial=0))), abs(int(values.min(initial=0))))


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
