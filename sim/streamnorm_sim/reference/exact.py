"""The exact result of a normalization: integers and `math.isqrt` only, correctly rounded.

This is the truth that bounds the error of the golden model and, through it, of the hardware. No
floating-point number takes part in any decision. For a row ``x_1 .. x_n`` of integers with input scale ``s``,
input zero point ``zp`` and ε (floating-point elements are integers, too, with a power of two for the row's ``s``, see
:mod:`.exact_elements`):

=========  =====================  ==============================  =============
norm       centred element ``c``  squared scale ``D``             weight ``W``
=========  =====================  ==============================  =============
layernorm  ``n·x - S1``           ``n·S2 - S1²``                  n
rmsnorm    ``W·(x - zp)``         ``W·Σ(x - zp)²`` of the first   n or at most
           ..                     ``statistic_length``            that length
l2norm     ``x - zp``             ``Σ(x - zp)²``                  1
crmsnorm   ``W·(x - zp)``         ``W·(Σ(x-zp)² + (Σ(x-zp))²)``   n + 1
frozen     ``n·x - S1``           0                               n
adanorm    ``(n-1)·(n·x - S1)``   ``W·(n·S2 - S1²)``              n·(n - 1)
l1norm     ``n·(n·x - S1)``       ``(Σ|n·x - S1|)²``              n²
affine     ``x - zp``             0                               1
dyt        sign of ``x - zp``     0                               1
=========  =====================  ==============================  =============

A row of groupnorm is one group of channels, a row of instancenorm the positions of one channel: ``n`` is the size of
the set over which the mean and the variance are taken, and both have the formulas of layernorm.

    V = D + W²·ε/s²            a rational number P/Q, from the exact values of the floats ε and s
    V = max(D, W²·(ε/s)²)      with ``epsilon_placement = "floor"``
    √V = √D + W·ε/s            with ``epsilon_placement = "root"``, and of adanorm and l1norm
    V = D + W²·(σ/s)²          for the deviation σ of a frozen norm
    V = 1                      for a static norm; an affine one's γ is that of a step of x, so γ·s of the γ as given
    y = c·g / (2^fg·√V) + b / 2^fb
    y = c·g·tanh|t| / 2^fg + b / 2^fb      with t = α·s·(x - zp), for Dynamic Tanh

with the stored integers ``g``, ``b`` of the element and their fraction bits ``fg``, ``fb``
(`StoredParameters`). The result is ``y`` rounded half to even and saturated to the output format. A row with
``V = 0`` has ``c = 0`` in every element, and ``y = b / 2^fb``.

γ and β as given are floats, so integers times a power of two, and the output's scale is ``m·2^k`` with an odd integer
``m`` by which they are still to be divided: ``y = c·g / (2^fg·√(V·m²)) + b / (2^fb·m)``. Stored ones have ``m = 1``.

With ``gamma_rounding = "output"`` there are two roundings, and both are decided exactly. The first is that of ``y``
with γ = 1 and β = 0, as given: ``q = c / (√V·scale)`` half to even, saturated to the output format less its zero point.
Then ``y = q·g / 2^fg + b / (2^fb·m)``, where γ is not divided by the scale, is a quotient of integers, rounded half to
even and saturated.

Floating-point output has no scale and no zero point; ``y`` is rounded by :mod:`.exact_floating`, from bounds and exact
comparisons. With two roundings, the first gives ``q`` in that format, half to even, or its largest number.

How it is fast and still exact
------------------------------
Let ``f`` be the fraction bits of a grid, ``a = c·g``, and ``r = isqrt(⌊2^(2K)·Q/P⌋)``. Because
``⌊√⌊v⌋⌋ = ⌊√v⌋``, ``r <= 2^K/√V < r + 1``. Let ``sh = K + fg - f`` and every ``|a| <= 2^(sh - 1)``: then
``a·2^K/√V / 2^sh``, which is ``y·2^f`` without its β, is less than 1/2 away from ``a·r / 2^sh``.
With ``t = ⌊a·r / 2^sh⌋ + ⌊b·2^(f - fb) / m⌋``, ``t - 1 < y·2^f < t + 3``.

Let ``h = t + 2^(f - 1)``, so that ``h - 1 < (y + 1/2)·2^f < h + 3``. Where none of ``h``, ``h + 1`` and ``h + 2``
is a multiple of ``2^f``, none lies in between, and ``y`` is no tie and rounds to ``⌊h / 2^f⌋``. The others, about
three in ``2^f`` and the true ties, are decided one by one, by comparing the squares of integers.

Where something is added to the root, ``U = √(P/Q) + R`` stands for √V: r is taken from integers a little below both,
and raised by 1 where ``(r + 1)·U <= 2^K`` all the same.

For Dynamic Tanh ``r`` is ``⌊2^K·tanh|t|⌋``, one an element, and all of that holds again. The others are decided by
bounds of tanh as narrow as it takes: where ``c`` is not 0, tanh of a rational number is no rational number, so that
no ``y`` is a tie.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import frexp, isqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamnorm.spec.arrays import ArrayOrFile
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.stored_floats import StoredFloats
from streamnorm_sim.streams.rows import RowBatch

from .exact_elements import FAR, Elements, elements_of
from .exact_floating import Bounds, round_rows
from .exact_fusions import exactly_normalized_rows
from .exact_tanh import tanh_bounds, tanh_floor

_DIGITS = [30 << step for step in range(9)]
"""Decimal digits of tanh that are tried, one after the other, where a result is hard to round."""

_CHUNK_ELEMENTS = 1 << 16
"""Elements worked on at a time: big integers cost about 50 bytes each, so a chunk stays near the cache."""

_FRAC_BITS = 40
"""Fraction bits of the grid, ``f`` above."""

_INT64_BITS = 62

_LARGEST_BITS = 1000
"""More is not made a float."""

_Integers = NDArray[Any]
"""An array of integers: of dtype int64 where they fit, else of Python integers (dtype object)."""


@dataclass(frozen=True)
class ExactResult:
    """The exact result of a batch of rows.

    Attributes
    ----------
    rounded : int64 (rows, n)
        Rounded half to even and saturated to the output format, or its codes; 0 beyond a row's length.
    scaled : float64 (rows, n)
        Output LSB, neither rounded nor saturated, within ``2^-39`` of the truth (beyond ``2^13`` LSB,
        within the spacing of float64 there); what is no number is what it saturates to. Of floating-point output the
        result in real units, within ``2^-23`` of its last place, NaN and infinite where it is that. 0 beyond a row's
        length.
    unit : float64 (rows, n)
        What an error is measured in: 1, or of floating-point output the worth of the last place of the result, or of γ
        or β, where β is added, or a mean has been subtracted, and they are larger. With a constant deviation, γ counts
        times the largest normalized value of its row.
    overflows : bool (rows, n)
        Whether the rounded result, a number, lay beyond the output format.
    normalized : int64 (rows, n) or None
        With ``gamma_rounding = "output"``, q, the normalized value rounded to the output format before γ, or its code;
        ``scaled`` is what follows from it. 0 beyond a row's length.
    normalized_saturates : bool (rows, n)
        Whether the rounded normalized value lay beyond the output format; False where it is not rounded.
    """

    rounded: NDArray[np.int64]
    scaled: NDArray[np.float64]
    unit: NDArray[np.float64]
    overflows: NDArray[np.bool_]
    normalized: NDArray[np.int64] | None
    normalized_saturates: NDArray[np.bool_]


def exact_rows(
    config: NormConfig,
    x: ArrayOrFile,
    lengths: ArrayLike | None = None,
    banks: ArrayLike | None = None,
    *,
    as_given: bool = False,
    **beside: ArrayOrFile,
) -> NDArray[np.int64]:
    """Correctly rounded (half to even), saturated result of each row.

    Parameters
    ----------
    config : NormConfig
        The unit's configuration, of integers or floating-point numbers.
    x, lengths, banks, beside
        Rows, as for `RowBatch.of`.
    as_given : bool
        Take γ and β as the configuration has them, not as they are stored; those that come with the rows as they are.

    Returns
    -------
    int64 (rows, n)
        0 beyond a row's length.

    Raises
    ------
    ConfigError
        As `RowBatch.of`.
    """
    return exact_result(config, x, lengths, banks, as_given=as_given, **beside).rounded


def exact_result(
    config: NormConfig,
    x: ArrayOrFile,
    lengths: ArrayLike | None = None,
    banks: ArrayLike | None = None,
    *,
    as_given: bool = False,
    **beside: ArrayOrFile,
) -> ExactResult:
    """As `exact_rows`, and the results before rounding too.

    With a scale for each row, both are those of `NormConfig.core`, before they are scaled.
    """
    batch = exactly_normalized_rows(config, RowBatch.of(config, x, lengths, banks, **beside))
    banked, config = config.banked, config.core
    if config.defer and config.centred_rows is None:
        return _passed_through(batch)
    if config.centred_rows is not None:
        # x - mean, rounded once: gamma is 1, whatever it is stored as.
        banked = config = config.centred_rows.replace(gamma_rounding="once")
        as_given = True
    affine = None
    if not banked.parameters_are_streamed:
        affine = _given(banked) if as_given else _stored(banked)
    shape = batch.x.shape
    result = ExactResult(
        rounded=np.zeros(shape, np.int64),
        scaled=np.zeros(shape, np.float64),
        unit=np.ones(shape, np.float64),
        overflows=np.zeros(shape, np.bool_),
        normalized=None if config.gamma_rounding == "once" else np.zeros(shape, np.int64),
        normalized_saturates=np.zeros(shape, np.bool_),
    )
    of_part = _floating_part if config.output.is_float else _integer_part
    for where, part in batch.parts(_CHUNK_ELEMENTS):
        of_rows = affine or _streamed(config, part)
        if banked.banks_are_interpolated:
            of_rows = _interpolated(banked, of_rows, part)
        found = of_part(config, part, of_rows)
        for name, values in vars(found).items():
            if values is not None:
                getattr(result, name)[where] = values
    return result


def _passed_through(batch: RowBatch) -> ExactResult:
    """Rows as they are, which `exact_deferred` has the scales of."""
    x, no = np.where(batch.valid, batch.x, 0).astype(np.int64), np.zeros(batch.x.shape, np.bool_)
    return ExactResult(x, x.astype(np.float64), np.ones(x.shape), no, None, no)


def _integer_part(config: NormConfig, batch: RowBatch, affine: "_Affine") -> ExactResult:
    """A few rows whose output is integers."""
    output = config.output
    elements = elements_of(config, batch)
    q, saturates = None, np.zeros(batch.x.shape, np.bool_)
    if config.gamma_rounding == "once":
        rows = _rows_of(config, batch, elements, affine)
        t = rows.on_grid()
        scaled = np.ldexp(_as_floats(t), -_FRAC_BITS)
        nearest = rows.nearest(t)
    else:
        q, saturates = _rounded_to_output(config, batch, elements)
        nearest, scaled = _scaled_and_shifted(config, batch, affine, q)
    rounded = np.clip(nearest, output.min, output.max).astype(np.int64)
    overflows = np.asarray(rounded != nearest, np.bool_)
    side = np.where(elements.negative, -1, 1) * np.sign(affine.gamma[_values_of(config, batch, affine)]).astype(
        np.int64
    )
    infinite = elements.is_infinite & (side != 0)
    ends = np.where(side < 0, output.min, output.max)
    rounded = np.where(infinite, ends, np.where(elements.is_nan | elements.is_infinite, output.zero_point, rounded))
    special = elements.is_nan | elements.is_infinite
    scaled = np.where(special, rounded, scaled)
    if q is not None:
        far = np.where(elements.negative, output.min, output.max) - output.zero_point
        q = np.where(elements.is_infinite, far, np.where(elements.is_nan, 0, q))
    return ExactResult(rounded, scaled, np.ones_like(scaled), overflows & ~special, q, saturates & ~special)


def _floating_part(config: NormConfig, batch: RowBatch, affine: "_Affine") -> ExactResult:
    """A few rows whose output is floating-point numbers."""
    output = config.output
    assert isinstance(output, FloatFormat)
    elements = elements_of(config, batch)
    q, saturates = None, np.zeros(batch.x.shape, np.bool_)
    special = elements.is_nan | elements.is_infinite
    if config.gamma_rounding == "once":
        rows = _rows_of(config, batch, elements, affine)
        negative_zeros = elements.negative
    else:
        rows = _rows_of(config, batch, elements, _one(config))
        found = round_rows(rows, batch.lengths.tolist(), batch.x.shape, output)
        magnitudes = np.minimum(found.codes, output.code_of_largest)
        saturates = (found.codes > output.code_of_largest) & ~special
        parts = output.parts(magnitudes)
        negative_zeros = np.where(found.is_zero, rows.negative_zeros(elements.negative), found.negative)
        q_steps = parts.mantissa.astype(object) << parts.binade.astype(object)
        q = magnitudes | (negative_zeros.astype(np.int64) << (output.bits - 1))
        q = _with_specials(output, q, elements.is_nan, elements.is_infinite, elements.negative)
        step = Fraction(output.scale)
        one = [_Denominator(step.denominator**2, step.numerator**2, Fraction(0))] * len(batch)
        rows = _Rows(config, batch, np.where(negative_zeros, -q_steps, q_steps), one, affine)
    found = round_rows(rows, batch.lengths.tolist(), batch.x.shape, output)
    negative = np.where(found.is_zero, rows.negative_zeros(negative_zeros), found.negative)
    overflows = (found.codes > output.code_of_largest) & ~special
    rounded = np.where(found.codes > output.code_of_largest, output.code_of_overflow, found.codes)
    rounded |= negative.astype(np.int64) << (output.bits - 1)
    gamma_sign = np.sign(rows.g).astype(np.int64)
    is_nan = elements.is_nan | (elements.is_infinite & (gamma_sign == 0))
    below = elements.negative ^ (gamma_sign < 0)
    rounded = _with_specials(output, rounded, is_nan, elements.is_infinite & ~is_nan, below)
    infinite = np.where(below, -np.inf, np.inf)
    scaled = np.where(is_nan, np.nan, np.where(elements.is_infinite, infinite, found.values))
    exponents = np.maximum(found.exponents, _exponents_beside(config, rows, output))
    unit = np.ldexp(1.0, np.minimum(exponents, _LARGEST_BITS))
    valid = batch.valid
    return ExactResult(
        rounded=np.where(valid, rounded, 0),
        scaled=np.where(valid, scaled, 0.0),
        unit=np.where(valid, unit, 1.0),
        overflows=overflows & valid,
        normalized=None if q is None else np.where(valid, q, 0),
        normalized_saturates=saturates & valid,
    )


def _with_specials(
    output: FloatFormat,
    codes: NDArray[np.int64],
    is_nan: NDArray[np.bool_],
    is_infinite: NDArray[np.bool_],
    negative: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Codes, or those of NaN and of infinity; where the format has none, of a number beyond the largest."""
    signed = output.code_of_infinite | (negative.astype(np.int64) << (output.bits - 1))
    return np.where(is_nan, output.code_of_nan, np.where(is_infinite, signed, codes))


def _exponents_beside(config: NormConfig, rows: "_Rows", output: FloatFormat) -> NDArray[np.int64]:
    """Of the last place that γ and β would have as results, where they count; where they do not, the format's least.

    γ is taken times what is ordinary in its row: 1, the deviation of z; the largest z where the deviation is constant.
    """
    least = 1 - output.bias - output.fraction_bits
    beside = np.full(rows.g.shape, least)
    counted = [_tops(rows.b) - rows.beta_frac_bits]
    if config.formula.has_constant_deviation:
        counted.append(_farthest_tops(rows) - rows.gamma_frac_bits)
    elif config.formula.centred:
        counted.append(_tops(rows.g) - rows.gamma_frac_bits)
    for tops in counted:
        beside = np.maximum(beside, tops - output.precision)
    return beside


_NO_TOP = -(1 << 20)
"""The top of 0."""


def _tops(values: _Integers) -> NDArray[np.int64]:
    """For each integer, the exponent of the power of two that its magnitude is less than, but not by half."""
    found = [abs(int(value)).bit_length() or _NO_TOP for value in values.flat]
    return np.array(found, np.int64).reshape(values.shape)


def _farthest_tops(rows: "_Rows") -> NDArray[np.int64]:
    """The same of each g times the largest ``|c| / √V`` of its row."""
    tops = np.full(rows.g.shape, _NO_TOP)
    for row, (of_row, g) in enumerate(zip(np.abs(rows.c), rows.g, strict=True)):
        farthest = int(of_row.max(initial=0))
        found = {value: rows.denominators[row].top(abs(value) * farthest) for value in set(g.tolist())}
        tops[row] = [found[value] for value in g.tolist()]
    return tops


def _as_floats(values: _Integers) -> NDArray[np.float64]:
    """The nearest of float64, whose range ends far beyond everything that does not saturate."""
    if values.dtype == object:
        values = np.clip(values, -(1 << _LARGEST_BITS), 1 << _LARGEST_BITS)
    return values.astype(np.float64)


def _rounded_to_output(
    config: NormConfig, batch: RowBatch, elements: Elements
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """``q``, and whether it has been saturated."""
    output = config.output
    rows = _rows_of(config, batch, elements, _one(config))
    nearest = rows.nearest(rows.on_grid())
    q = np.clip(nearest, output.min - output.zero_point, output.max - output.zero_point)
    return q.astype(np.int64), np.asarray(q != nearest, np.bool_)


def _scaled_and_shifted(
    config: NormConfig, batch: RowBatch, affine: "_Affine", q: NDArray[np.int64]
) -> tuple[_Integers, NDArray[np.float64]]:
    """``y = q·γ + β`` rounded, and as it is."""
    where = _values_of(config, batch, affine)
    frac_bits = max(affine.gamma_frac_bits, affine.beta_frac_bits, 0)
    gamma = affine.gamma[where].astype(object) << (frac_bits - affine.gamma_frac_bits)
    beta = affine.beta[where].astype(object) << (frac_bits - affine.beta_frac_bits)
    numerator = np.where(batch.valid, q.astype(object) * gamma * affine.divisor + beta, 0)
    denominator = affine.divisor << frac_bits
    doubled = 2 * numerator + denominator
    nearest = doubled // (2 * denominator)
    tie = doubled % (2 * denominator) == 0
    nearest -= np.where(tie, nearest & 1, 0)
    return nearest, (numerator / denominator).astype(np.float64)


class RowTerms(NamedTuple):
    """What a row's formula is made of.

    Attributes
    ----------
    c : of each element; anything behind a row's end
    squared, weight : ``D`` and ``W`` of each row
    """

    c: _Integers
    squared: list[int]
    weight: list[int]


@dataclass(frozen=True)
class _RowBlock:
    """Elements (0 behind a row's end), lengths, which elements count, and the zero point.

    Elements are int64; floating-point numbers, aligned, are integers of Python.
    """

    x: _Integers
    lengths: list[int]
    valid: NDArray[np.bool_]
    zero_point: int

    @property
    def real(self) -> _Integers:
        """Elements less the zero point."""
        return np.where(self.valid, self.x - self.zero_point, 0)

    def times(self, weight: list[int], x: _Integers) -> _Integers:
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


def _adanorm(rows: _RowBlock, config: NormConfig) -> RowTerms:
    plain = _layernorm(rows, config)
    rest = [n - 1 for n in rows.lengths]
    weight = [n * (n - 1) for n in rows.lengths]
    return RowTerms(rows.times(rest, plain.c), [w * s for w, s in zip(weight, plain.squared, strict=True)], weight)


def _l1norm(rows: _RowBlock, config: NormConfig) -> RowTerms:
    """``mean|x - μ| = Σ|n·x - S1| / n²``."""
    plain, squares = _layernorm(rows, config).c, [n * n for n in rows.lengths]
    sums = [int(total) for total in np.where(rows.valid, np.abs(plain), 0).sum(axis=1)]
    return RowTerms(rows.times(rows.lengths, plain), [total**2 for total in sums], squares)


def _affine(rows: _RowBlock, config: NormConfig) -> RowTerms:
    """``s·(x - zp)``, the s in γ."""
    return RowTerms(rows.real, [0] * len(rows.x), [1] * len(rows.x))


def _dyt(rows: _RowBlock, config: NormConfig) -> RowTerms:
    """The sign; tanh of the magnitude stands where another norm's ``1/√V`` does."""
    return RowTerms(np.sign(rows.real), [0] * len(rows.x), [1] * len(rows.x))


def _sums_of_squares(x: _Integers) -> list[int]:
    """Of int64 at most 2^14 squares of at most 2^48 each: the sum fits 63 bits."""
    return [int(total) for total in (x * x).sum(axis=1)]


def _groupnorm(rows: _RowBlock, config: NormConfig) -> RowTerms:
    """Wu and He, equations 1, 2 and 7: with the ``m = (C/G)·H·W`` elements of a group, ``μ = Σx/m`` and
    ``σ² = Σ(x - μ)²/m + ε``; so ``m·(x - μ) = m·x - Σx``, and ``m²·(σ² - ε) = Σ(m·x - Σx)² / m``.
    """
    m = rows.lengths
    centred = np.where(rows.valid, rows.times(m, rows.x) - rows.x.sum(axis=1, keepdims=True), 0)
    squares = [sum(value * value for value in row) for row in centred.tolist()]
    return RowTerms(centred, [square // size for square, size in zip(squares, m, strict=True)], m)


def _instancenorm(rows: _RowBlock, config: NormConfig) -> RowTerms:
    """Ulyanov et al.: the mean and the variance, over ``H·W``, of the channel ``t, i`` that the row is."""
    return _groupnorm(rows, config)


FORMULAS: dict[str, Callable[[_RowBlock, NormConfig], RowTerms]] = {
    "layernorm": _layernorm,
    "rmsnorm": _rmsnorm,
    "l2norm": _l2norm,
    "crmsnorm": _crmsnorm,
    "frozen": _frozen,
    "adanorm": _adanorm,
    "l1norm": _l1norm,
    "groupnorm": _groupnorm,
    "instancenorm": _instancenorm,
    "affine": _affine,
    "dyt": _dyt,
}
"""Terms of each norm; written from the papers, not from the unit's description."""


RowFormula = Callable[[list[int]], tuple[Sequence[int], int, int]]
"""A norm's formula of one row: from its elements, less the zero point, to ``(c, D, W)`` as in the table above.

All are integers: a c for each element, of at most 63 bits unless elements are floating-point numbers, and D at least 0.
"""


def formula_of_rows(formula: RowFormula) -> Callable[[_RowBlock, NormConfig], RowTerms]:
    """A formula of one row as an entry of :data:`FORMULAS`."""

    def of_rows(rows: _RowBlock, config: NormConfig) -> RowTerms:
        real = rows.real
        terms = [formula(row[:n]) for row, n in zip(real.tolist(), rows.lengths, strict=True)]
        c = np.zeros(real.shape, real.dtype)
        for row, n, (centred, _, _) in zip(c, rows.lengths, terms, strict=True):
            row[:n] = centred
        return RowTerms(c, [int(squared) for _, squared, _ in terms], [int(weight) for _, _, weight in terms])

    return of_rows


def exact_terms(config: NormConfig, batch: RowBatch) -> RowTerms:
    """The exact terms of rows, without gamma, beta and epsilon."""
    return _terms(config, batch, elements_of(config, batch))


def _terms(config: NormConfig, batch: RowBatch, elements: Elements) -> RowTerms:
    block = _RowBlock(elements.x, batch.lengths.tolist(), batch.valid, config.input.zero_point)
    return FORMULAS[config.norm](block, config)


@dataclass(frozen=True, eq=False)
class _Affine:
    """γ and β as integers (banks, bank_values), their fraction bits, and the divisor m of both.

    ``by_row``: those of each row of a batch, (rows, n).

    With two roundings, γ is that of q, and the divisor that of β alone. An affine norm's γ is that of a step of x. Of
    floating-point output, whose zeros have a sign: which γ and β are negative, be they 0, and whether β is added.
    """

    gamma: _Integers
    beta: _Integers
    gamma_frac_bits: int
    beta_frac_bits: int
    divisor: int
    gamma_negative: NDArray[np.bool_] | None = None
    beta_negative: NDArray[np.bool_] | None = None
    has_beta: bool = True
    by_row: bool = False


@lru_cache(maxsize=4)
def _stored(config: NormConfig) -> _Affine:
    if config.output.is_float:
        floats = StoredFloats.of(config)
        gamma, beta = (floats.format.dequantize(codes) for codes in (floats.gamma, floats.beta))
        return _of_floats(config, gamma, 0.0, beta, floats.has_beta, Fraction(config.gamma_unit))
    stored = StoredParameters.of(config)
    # Of integers that come in, the scale is in what is stored.
    step_bits = frexp(config.input.scale)[1] - 1 if config.norm == "affine" and config.input.is_float else 0
    return _Affine(stored.gamma, stored.beta, stored.gamma_frac_bits - step_bits, stored.beta_frac_bits, 1)


def _streamed(config: NormConfig, batch: RowBatch) -> _Affine:
    """Those that come with the rows."""
    gamma, beta = (np.where(batch.valid, batch.beside[key], 0).astype(np.int64) for key in ("gamma", "beta"))
    if not config.output.is_float:
        return replace(_stored(config), gamma=gamma, beta=beta, by_row=True)
    floats = StoredFloats.of(config)
    numbers = (floats.format.dequantize(codes) for codes in (gamma, beta))
    of_rows = _of_floats(config, next(numbers), 0.0, next(numbers), floats.has_beta, Fraction(config.gamma_unit))
    return replace(of_rows, by_row=True)


def _interpolated(config: NormConfig, affine: _Affine, batch: RowBatch) -> _Affine:
    """``t·γ_1 + (1 - t)·γ_0`` of each row's t, exact, and the same of β: t is an integer of 2^-15."""
    t, columns = batch.beside["blend"].astype(object), np.arange(batch.x.shape[1]) // config.parameter_repeat

    def between(values: _Integers) -> _Integers:
        first, second = values.astype(object)[:, columns]
        return t * second + ((1 << 15) - t) * first

    return replace(
        affine,
        gamma=between(affine.gamma),
        beta=between(affine.beta),
        gamma_frac_bits=affine.gamma_frac_bits + 15,
        beta_frac_bits=affine.beta_frac_bits + 15,
        by_row=True,
    )


@lru_cache(maxsize=4)
def _given(config: NormConfig) -> _Affine:
    given, shape = config.given_parameters, (config.banks, config.bank_values)
    if config.output.is_float:
        gamma, beta = np.broadcast_to(given.gamma, shape), np.broadcast_to(given.beta, shape)
        has_beta = bool(beta.any()) or StoredFloats.of(config).has_beta
        return _of_floats(config, gamma, given.gamma_offset, beta, has_beta)
    scale = Fraction(config.output.scale)
    divisor, power = _divisor_and_power(scale)
    gamma_power = power if config.gamma_rounding == "once" else Fraction(1)
    gamma, gamma_frac_bits = _dyadic(given.gamma, Fraction(given.gamma_offset), gamma_power * _step_of_gamma(config))
    beta, beta_frac_bits = _dyadic(given.beta, config.output.zero_point * scale, power)
    # At least 1, so that the tie between two steps is one of its integers.
    if beta_frac_bits < 1:
        beta, beta_frac_bits = beta << (1 - beta_frac_bits), 1
    return _Affine(
        np.broadcast_to(gamma, shape), np.broadcast_to(beta, shape), gamma_frac_bits, beta_frac_bits, divisor
    )


def _of_floats(
    config: NormConfig,
    gamma: NDArray[np.float64],
    offset: float,
    beta: NDArray[np.float64],
    has_beta: bool,
    unit: Fraction = Fraction(1),
) -> _Affine:
    """``unit``: what γ is times already."""
    gammas, gamma_frac_bits = _dyadic(gamma, Fraction(offset), _step_of_gamma(config) / unit)
    betas, beta_frac_bits = _dyadic(beta, Fraction(0), Fraction(1))
    negative = np.signbit(gamma + offset if offset else gamma), np.signbit(beta)
    return _Affine(gammas, betas, gamma_frac_bits, beta_frac_bits, 1, *negative, has_beta)


def _step_of_gamma(config: NormConfig) -> Fraction:
    return Fraction(config.input.scale) if config.norm == "affine" else Fraction(1)


def _one(config: NormConfig) -> _Affine:
    """What makes of a normalized value its quotient by the output scale; of floating-point output itself."""
    shape = (config.banks, config.bank_values)
    if config.output.is_float:
        return _of_floats(config, np.ones(shape), 0.0, np.zeros(shape), False)
    divisor, power = _divisor_and_power(Fraction(config.output.scale))
    one, frac_bits = _dyadic(np.array(1.0), Fraction(0), power)
    return _Affine(np.broadcast_to(one, shape), np.zeros(shape, np.int64), frac_bits, 1, divisor)


def _divisor_and_power(scale: Fraction) -> tuple[int, Fraction]:
    """The odd integer m and the power of two p with ``1 / scale = p / m``."""
    divisor = scale.numerator // (scale.numerator & -scale.numerator)
    return divisor, Fraction(divisor) / scale


def _dyadic(values: NDArray[np.float64], offset: Fraction, power: Fraction) -> tuple[_Integers, int]:
    """``(values + offset)·power``, whose denominator is a power of two, as Python integers and their fraction bits."""
    exact = [(Fraction(value) + offset) * power for value in values.ravel().tolist()]
    largest = max(value.denominator for value in exact)  # all are powers of two
    integers = np.array([int(value * largest) for value in exact], object).reshape(values.shape)
    return integers, largest.bit_length() - 1


def _values_of(config: NormConfig, batch: RowBatch, affine: _Affine) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Bank, or row, and number, in it, of the value of γ and β that each element takes."""
    if affine.by_row:
        return np.arange(len(batch))[:, None], np.arange(batch.x.shape[1])[None, :]
    return batch.banks[:, None], np.arange(batch.x.shape[1])[None, :] // config.parameter_repeat


class _Rows:
    """The exact quantities of a few rows: ``a = c·g`` and ``b`` of each element, ``V·m² = P/Q`` of each row."""

    def __init__(
        self, config: NormConfig, batch: RowBatch, c: _Integers, denominators: "list[_Denominator]", affine: _Affine
    ) -> None:
        where = _values_of(config, batch, affine)
        self.affine, self.where = affine, where
        self.divisor = affine.divisor
        self.denominators = denominators
        self.c = c
        self.g = g = affine.gamma[where]
        self.b = np.where(batch.valid, affine.beta[where], 0)
        # |a| <= |c|·|g| may exceed 63 bits for wide formats.
        self.a_bits = (_magnitude(c) * _magnitude(g)).bit_length()
        self.a: _Integers = c * g if self.a_bits <= _INT64_BITS else c.astype(object) * g.astype(object)
        self.gamma_frac_bits = affine.gamma_frac_bits
        self.beta_frac_bits = affine.beta_frac_bits

    @classmethod
    def of(cls, config: NormConfig, batch: RowBatch, elements: Elements, affine: _Affine) -> "_Rows":
        terms = _terms(config, batch, elements)
        pairs = zip(terms.squared, terms.weight, elements.steps, strict=True)
        denominators = [
            row_denominator(config, squared, weight, cls.divisor_of(affine), step) for squared, weight, step in pairs
        ]
        return cls(config, batch, np.where(batch.valid, terms.c, 0), denominators, affine)

    @staticmethod
    def divisor_of(affine: _Affine) -> int:
        """What the denominators are times."""
        return affine.divisor

    def negative_zeros(self, negative: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which results would be -0 if they are 0, where ``negative`` are the normalized values that would be.

        A sum of two zeros has their sign, if they have the same; any other sum that is 0 is +0.
        """
        assert self.affine.gamma_negative is not None
        assert self.affine.beta_negative is not None
        negative = np.where(self.c == 0, negative, False)
        for row, column in zip(*np.nonzero((self.c != 0) & (self.g == 0)), strict=True):
            negative[row, column] = self.sign(int(row), int(column)) < 0
        product = negative ^ self.affine.gamma_negative[self.where]
        if not self.affine.has_beta:
            return product
        return product & self.affine.beta_negative[self.where] & (self.b == 0)

    def sign(self, row: int, column: int) -> int:
        """Of what γ is the factor of."""
        return _sign(int(self.c[row, column]))

    def bounds(self, row: int, columns: Sequence[int], bits: int) -> Bounds:
        """As :class:`~.exact_floating.ExactRows` has them, without a divisor."""
        exponent, lower, upper = self._factor_bounds(row, columns, bits)
        exponent += self.gamma_frac_bits
        shift = max(0, self.beta_frac_bits - exponent)
        up = exponent + shift - self.beta_frac_bits
        low, high = [], []
        for a, b, least, most in zip(_of(self.a, row, columns), _of(self.b, row, columns), lower, upper, strict=True):
            added = b << up
            if least == most or not a:
                value = (a * least << shift) + added << 1
                low.append(value)
                high.append(value)
                continue
            first, last = (a * least, a * most) if a > 0 else (a * most, a * least)
            # Strictly in between, so that not even a tie is left for the bounds themselves.
            low.append(((first << shift) + added << 1) + 1)
            high.append(((last << shift) + added << 1) - 1)
        return Bounds(low, high, exponent + shift + 1)

    def _factor_bounds(self, row: int, columns: Sequence[int], bits: int) -> tuple[int, list[int], list[int]]:
        """``K``, and for each element two integers between which ``2^K/√V`` lies; they are equal where they are it."""
        denominator = self.denominators[row]
        root_bits = max(0, bits + denominator.exponent)
        factor = denominator.reciprocal(root_bits)
        inexact = denominator.compare(1 << root_bits, factor) != 0
        return root_bits, [factor] * len(columns), [factor + inexact] * len(columns)

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
        roots = np.empty((len(self.denominators), 1), object)
        for row, denominator in enumerate(self.denominators):
            roots[row, 0] = denominator.reciprocal(root_bits)
        return roots

    def _beta_on_grid(self) -> _Integers:
        shift = _FRAC_BITS - self.beta_frac_bits
        if self.divisor == 1 and shift >= 0 and (_magnitude(self.b) << shift).bit_length() < _INT64_BITS:
            return self.b.astype(np.int64) << shift
        scaled = self.b.astype(object)
        scaled = scaled << shift if shift >= 0 else scaled >> -shift
        return scaled // self.divisor

    def nearest(self, t: _Integers) -> _Integers:
        """``y`` rounded half to even, from `on_grid`'s ``t``."""
        h = t + (1 << (_FRAC_BITS - 1))
        fraction = h & ((1 << _FRAC_BITS) - 1)
        nearest: _Integers = h >> _FRAC_BITS
        undecided = (fraction == 0) | (fraction >= (1 << _FRAC_BITS) - 2)
        for row, column in zip(*np.nonzero(undecided), strict=True):
            upper = int(h[row, column] + 2) >> _FRAC_BITS
            nearest[row, column] = self._decide(int(row), int(column), upper)
        return nearest

    def _decide(self, row: int, column: int, upper: int) -> int:
        """Round one element known to lie strictly between ``upper - 3/2`` and ``upper + 1/2``."""
        order = self.side(row, column, Fraction(2 * upper - 1, 2))
        if order == 0:
            return upper - (upper & 1)
        return upper if order > 0 else upper - 1

    def side(self, row: int, column: int, limit: Fraction) -> int:
        """The sign of ``y - limit``.

        ``a·2^(fb - fg)/√V`` is compared with ``w = m·limit·2^fb - b``, where a negative exponent moves to ``w``, and so
        does the denominator of limit. Where V = 0, a is 0, and 0 is the answer: y can only be the limit itself, since
        it lies on the grid, or is known.
        """
        a = int(self.a[row, column]) * self.divisor * limit.denominator  # the root has the divisor
        w = (self.divisor * limit.numerator << self.beta_frac_bits) - int(self.b[row, column]) * limit.denominator
        exponent = self.beta_frac_bits - self.gamma_frac_bits
        if exponent >= 0:
            a <<= exponent
        else:
            w <<= -exponent
        return self._order(row, column, a, w)

    def _order(self, row: int, column: int, a: int, w: int) -> int:
        """The sign of ``a - w·√V·m`` of an element."""
        return self.denominators[row].compare(a, w)


class _TanhRows(_Rows):
    """Rows of Dynamic Tanh: a factor for each element, ``tanh|t| / m``."""

    _slope: Fraction
    _magnitude: _Integers

    @classmethod
    def of(cls, config: NormConfig, batch: RowBatch, elements: Elements, affine: _Affine) -> "_TanhRows":
        assert config.alpha is not None
        c = np.where(batch.valid, _terms(config, batch, elements).c, 0)
        rows = cls(config, batch, -c if config.alpha < 0 else c, [], affine)
        rows._slope = abs(Fraction(config.alpha)) * Fraction(config.input.scale)
        rows._magnitude = np.where(batch.valid, np.abs(elements.x - config.input.zero_point), 0)
        return rows

    def _factors(self, root_bits: int) -> NDArray[np.object_]:
        distinct, places = np.unique(self._magnitude, return_inverse=True)
        floors = [self._floor(int(d), root_bits) for d in distinct]
        return np.array(floors, object)[places].reshape(self._magnitude.shape)

    def _floor(self, magnitude: int, root_bits: int) -> int:
        if magnitude == FAR:
            return (1 << root_bits) // self.divisor
        return tanh_floor(self._slope * magnitude, root_bits, self.divisor)

    def _factor_bounds(self, row: int, columns: Sequence[int], bits: int) -> tuple[int, list[int], list[int]]:
        magnitudes = _of(self._magnitude, row, columns)
        found = [_tanh_factor(self._slope, magnitude, bits) for magnitude in magnitudes]
        most = max(root_bits for root_bits, _ in found)
        lower = [factor << (most - root_bits) for root_bits, factor in found]
        # tanh of a rational number is none, so that the factor is never it, but for 0 and what is infinite.
        upper = [
            factor + (0 < magnitude < FAR) << (most - root_bits)
            for magnitude, (root_bits, factor) in zip(magnitudes, found, strict=True)
        ]
        return most, lower, upper

    def _order(self, row: int, column: int, a: int, w: int) -> int:
        magnitude = int(self._magnitude[row, column])
        t = self._slope * magnitude
        if not a or not t:
            return -_sign(w)
        if magnitude == FAR:
            return _sign(a - w * self.divisor)
        for digits in _DIGITS:
            low, high = tanh_bounds(t, digits)
            ends = sorted((a * low / self.divisor, a * high / self.divisor))
            if w <= ends[0] or w >= ends[1]:  # tanh is neither of its bounds
                return 1 if w <= ends[0] else -1
        raise AssertionError("tanh is a rational number")


class _CurvedRows(_Rows):
    """The same with ``ŷ - k·ŷ²`` in the place of ``ŷ = c/U``: ``y·m = g/2^fg · (ŷ - k·ŷ²) + b/2^fb``."""

    def __init__(
        self, config: NormConfig, batch: RowBatch, c: _Integers, denominators: "list[_Denominator]", affine: _Affine
    ) -> None:
        super().__init__(config, batch, c.astype(object), denominators, affine)
        self.valid = batch.valid
        self.g = self.g.astype(object)
        self.curvature = Fraction(config.curvature)

    @staticmethod
    def divisor_of(affine: _Affine) -> int:
        """``ŷ`` is squared, and so without it."""
        return 1

    def on_grid(self) -> _Integers:
        c_bits, frac_bits = _magnitude(self.c).bit_length(), 64 + _magnitude(self.g).bit_length()
        root_bits = frac_bits + c_bits + 2
        roots = np.array([[one.reciprocal(root_bits)] for one in self.denominators], object).reshape(-1, 1)
        # Less than 2^-60 from the truth in the end, whatever k <= 1, since |ŷ| < 2^7.
        z = (self.c * roots) >> (root_bits - frac_bits)
        k = self.curvature
        curved = z - ((z * z * k.numerator) // k.denominator >> frac_bits)
        up = max(0, self.gamma_frac_bits) + max(0, self.beta_frac_bits) + 64
        gamma = (self.g * curved << up) >> frac_bits + self.gamma_frac_bits
        beta = (self.b.astype(object) << up) >> self.beta_frac_bits
        total: _Integers = ((gamma + beta) << _FRAC_BITS) // self.divisor >> up
        return np.where(self.valid, total - 1, 0)

    def sign(self, row: int, column: int) -> int:
        """Of ``c·(U - k·c)``, where U is above 0."""
        c, k = int(self.c[row, column]), self.curvature
        return -_sign(c) * self.denominators[row].compare(k.numerator * c, k.denominator) if c else 0

    def bounds(self, row: int, columns: Sequence[int], bits: int) -> Bounds:
        root_bits, lower, _ = self._factor_bounds(row, columns, bits)
        k, shift = self.curvature, self.curvature.denominator.bit_length() - 1  # k is a float
        exponent = 2 * root_bits + shift + self.gamma_frac_bits
        up = max(0, self.beta_frac_bits - exponent)
        low, high = [], []
        values = zip(*(_of(values, row, columns) for values in (self.c, self.g, self.b)), lower, strict=True)
        for c, g, b, factor in values:
            z = c * factor
            curved = (z << root_bits + shift) - k.numerator * z * z
            # z is less than |c| off, and so z² less than |c|·(2·|z| + |c|).
            doubt = (abs(c) << root_bits + shift) + k.numerator * abs(c) * (2 * abs(z) + abs(c))
            middle = (g * curved << up) + (b << exponent + up - self.beta_frac_bits)
            low.append(middle - (abs(g) * doubt << up))
            high.append(middle + (abs(g) * doubt << up))
        return Bounds(low, high, exponent + up)

    def side(self, row: int, column: int, limit: Fraction) -> int:
        """The sign of ``g·(c·U - k·c²) - w·U²`` with ``U = √D + R``, which is ``P + Q·√D``."""
        denominator = self.denominators[row]
        square, added = Fraction(denominator.numerator, denominator.denominator), denominator.added
        c, k = int(self.c[row, column]), self.curvature
        g = int(self.g[row, column]) * Fraction(2) ** (self.beta_frac_bits - self.gamma_frac_bits)
        w = self.divisor * limit * 2**self.beta_frac_bits - int(self.b[row, column])
        if not square and not added:
            return _sign(-w)
        rest, factor = g * (c * added - k * c * c) - w * (square + added**2), g * c - 2 * w * added
        return _sign(_sign(rest) * rest**2 + _sign(factor) * factor**2 * square)


_ROWS: dict[str, type[_Rows]] = {"adanorm": _CurvedRows, "dyt": _TanhRows}
"""What decides the rows of a norm whose y is no quotient of c and a root."""


def _rows_of(config: NormConfig, batch: RowBatch, elements: Elements, affine: _Affine) -> _Rows:
    return _ROWS.get(config.norm, _Rows).of(config, batch, elements, affine)


def _of(values: _Integers, row: int, columns: Sequence[int]) -> list[int]:
    """Some elements of a row, as Python integers."""
    return values[row, list(columns)].tolist()


@lru_cache(maxsize=1 << 16)
def _tanh_factor(slope: Fraction, magnitude: int, bits: int) -> tuple[int, int]:
    """``K`` and ``⌊2^K·tanh(slope·magnitude)⌋``, which has about as many bits as are asked for."""
    if magnitude == FAR:
        return bits, 1 << bits
    t = slope * magnitude
    root_bits = bits + max(0, t.denominator.bit_length() - t.numerator.bit_length() + 1)
    return root_bits, tanh_floor(t, root_bits)


_BESIDE_DEVIATION = ("adanorm", "l1norm")
"""Norms whose papers have epsilon outside the root."""


@dataclass(frozen=True)
class _Denominator:
    """``U = √(numerator/denominator) + added``, all at least 0."""

    numerator: int
    denominator: int
    added: Fraction

    def reciprocal(self, bits: int) -> int:
        """``⌊2^bits / U⌋``; anything where U is 0, since every a of the row is 0 then."""
        if not self.added:
            return isqrt((self.denominator << (2 * bits)) // self.numerator) if self.numerator else 0
        guard = bits + 8
        root = isqrt((self.numerator << (2 * guard)) // self.denominator)
        below = root + (self.added.numerator << guard) // self.added.denominator + 2
        found = (1 << (bits + guard)) // below
        return found + (self.compare(1 << bits, found + 1) >= 0)

    @property
    def exponent(self) -> int:
        """U is at most ``2^exponent``, and not much less."""
        root = (self.numerator.bit_length() - self.denominator.bit_length() + 2) // 2 + 1
        beside = self.added.numerator.bit_length() - self.added.denominator.bit_length() + 1
        return max(root if self.numerator else beside, beside if self.added else root) + 1

    def top(self, a: int) -> int:
        """The exponent of the power of two that ``a / U`` is less than, but not by half; of an ``a`` of at least 0."""
        if not a:
            return _NO_TOP
        top = a.bit_length() - self.exponent
        while self.compare(a, 1 << top) >= 0 if top >= 0 else self.compare(a << -top, 1) >= 0:
            top += 1
        return top

    def compare(self, a: int, w: int) -> int:
        """The sign of ``a - w·U``."""
        rest = a * self.added.denominator - w * self.added.numerator  # against w·√(…), both times that denominator
        w *= self.added.denominator
        return _sign(_sign(rest) * rest**2 * self.denominator - _sign(w) * w**2 * self.numerator)


def row_denominator(config: NormConfig, squared: int, weight: int, divisor: int, scale: Fraction) -> _Denominator:
    """``√V·m``, of a row with steps of that scale."""
    if config.deviation is not None:
        added = (weight * Fraction(config.deviation) / scale) ** 2
    elif not config.formula.has_statistic:
        added = Fraction(1)
    elif config.epsilon_placement == "variance" and config.norm not in _BESIDE_DEVIATION:
        added = weight**2 * Fraction(config.epsilon) / scale**2
    else:
        beside = weight * Fraction(config.epsilon) / scale
        if config.epsilon_placement == "root" or config.norm in _BESIDE_DEVIATION:
            return _Denominator(squared * divisor**2, 1, beside * divisor)
        added = max(beside**2 - squared, Fraction(0))
    return _Denominator((squared * added.denominator + added.numerator) * divisor**2, added.denominator, Fraction(0))


def _magnitude(values: _Integers) -> int:
    return max(abs(int(values.max(initial=0))), abs(int(values.min(initial=0))))


def _sign(value: int | Fraction) -> int:
    return (value > 0) - (value < 0)
