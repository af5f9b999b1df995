"""Widths of a unit without a statistic whose elements come in or go out as floating-point numbers."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, isfinite, log2

import numpy as np

from streamnorm.errors import ConfigError
from streamnorm.precision.demand import EXPECTED_MARGIN, PROMISED_ERROR, TIGHT_ERROR, error_limit, gains, is_tight
from streamnorm.precision.ranges import difference_limits
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.norms import DynamicTanh
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.stored_floats import StoredFloats
from streamnorm.spec.tanh_codes import tanh_codes
from streamnorm.spec.tanh_octaves import octave_tanhs
from streamnorm.spec.tanh_table import CODE_BITS, magnitude_table

from .elements import Elements
from .float_demand import FloatDemand, ZErrors
from .float_ending import FloatEnding
from .static_functions import Constant, FixedElement, FixedTanh, ScaledElement, ScaledTanh, StaticFunction, TabledTanh

__all__ = ["StaticFloatPrecision"]

_UNIT_GUARD = 6
"""Bits of an input scale beyond those of a result, where it is not in gamma."""

_TANH_FRAC_BITS = range(4, 33)

_FEW_ELEMENTS = 4
"""More bits of those entries: where there are few elements, each is a large share of all results."""

_CODE_GUARDS = range(2, 30)
"""Bits beyond those of a result that entries of a table of all elements are tried with."""


@dataclass(frozen=True, kw_only=True)
class StaticFloatPrecision:
    """The binary points and widths of static norms; hardware and golden model are built from the same object.

    1. lane: z of the element, as :attr:`function` says, a number of its own for each kind of norm and of output.
    2. lane: z times gamma plus beta, rounded: :class:`FloatEnding`; for integer output as in step 7 of
       :class:`~streamnorm.precision.precision.Precision`.

    With floating-point output the ending is exact but for the one rounding, and for next to nothing beside subnormal
    results (see :meth:`FloatEnding.exact`), so that only z itself can be off, relative to itself, by r. ``|z * gamma|``
    is at most ``2 * max(|y|, |beta|)``, and without beta ``|y|``, and a unit in the last place of a number is more than
    ``2**-precision`` of it: a result is off by less than ``2 * r * 2**precision``, or half of that, before it is
    rounded. r is that of :class:`ScaledElement`, 0 unless an input scale has been cut; or with tanh, where
    ``tanh(t * (1 + d))`` is off by less than d, the errors of alpha, of cutting T, and of the table.

    With integer output, z is off by less than a unit of its fraction bits, or as much as the table and the cut of its
    argument take, and a result by that times the largest gamma. Where the magnitude of an element is limited, the
    result is beyond the range even with the smallest gamma that is not 0.

    Attributes
    ----------
    promise : "faithful" or "tight"
    elements : of rows
    function : from an element to z
    ending : None for integer output
    """

    promise: str
    elements: Elements
    difference_bits: int
    function: StaticFunction
    normalized_bits: int
    normalized_frac_bits: int
    gamma_align: int
    beta_align: int
    result_frac_bits: int
    ending: FloatEnding | None
    error_bound: float
    expected_error: float

    @property
    def multiplied_bits(self) -> int:
        """Of what gamma is the factor of."""
        return self.normalized_bits

    @staticmethod
    def of(config: NormConfig) -> "StaticFloatPrecision":
        """The widths of a configuration of a static norm (cached).

        Raises
        ------
        ConfigError
            If gamma or beta cannot be held in the configured width, or no table reaches the asked accuracy.
        """
        with config.named_in_errors():
            return _static_float_precision(config)

    def figures(self) -> dict[str, int]:
        """Everything that is an integer, by name, for a plan's JSON."""
        return {
            "mantissa_bits": self.elements.mantissa_bits,
            **{name: value for name, value in vars(self).items() if isinstance(value, int)},
            **({} if self.ending is None else self.ending.figures()),
        }


@dataclass(frozen=True)
class _Found:
    """A function whose errors are accepted."""

    function: StaticFunction
    frac_bits: int
    bound: float
    expected: float


@lru_cache(maxsize=256)
def _static_float_precision(config: NormConfig) -> StaticFloatPrecision:
    assert config.is_floating
    assert not config.formula.has_statistic
    elements, output = Elements.of(config), config.output
    is_float = isinstance(output, FloatFormat)
    is_tanh = isinstance(config.formula, DynamicTanh)
    if is_float:
        of_tanh = _tabled_tanh if config.input.bits <= CODE_BITS else _scaled_tanh
        found = of_tanh(config, elements) if is_tanh else _scaled_element(config, elements)
    else:
        found = _fixed_tanh(config, elements) if is_tanh else _fixed_element(config, elements)
    function, ending, parameters = found.function, None, None
    if isinstance(output, FloatFormat):
        assert isinstance(function, ScaledElement | ScaledTanh | TabledTanh)
        stored = StoredFloats.of(config)
        ending = FloatEnding.exact(output, stored, z_bits=function.z_bits, z_zeros=function.z_zeros)
        promise = "tight" if FloatDemand.of(config).tight else "faithful"
    else:
        parameters = StoredParameters.of(config)
        promise = "tight" if is_tight(config) else "faithful"
    product_frac_bits = found.frac_bits + (0 if parameters is None else parameters.gamma_frac_bits)
    result_frac_bits = product_frac_bits if parameters is None else max(product_frac_bits, parameters.beta_frac_bits)
    return StaticFloatPrecision(
        promise=promise,
        elements=elements,
        difference_bits=elements.mantissa_bits + 1 if elements.are_floats else difference_limits(config)[0],
        function=function,
        normalized_bits=function.z_bits,
        normalized_frac_bits=found.frac_bits,
        gamma_align=result_frac_bits - product_frac_bits,
        beta_align=0 if parameters is None else result_frac_bits - parameters.beta_frac_bits,
        result_frac_bits=result_frac_bits,
        ending=ending,
        error_bound=found.bound + (0.0 if ending is None else ending.sum_error),
        expected_error=found.expected,
    )


def _scaled_element(config: NormConfig, elements: Elements) -> _Found:
    assert isinstance(config.output, FloatFormat)
    unit = Constant.of(elements.unit / Fraction(config.gamma_unit), config.output.precision + _UNIT_GUARD)
    bound, expected, _ = _of_floats(config, unit.error, unit.error)
    return _Found(ScaledElement(elements.mantissa_bits, unit), 0, bound, expected)


def _scaled_tanh(config: NormConfig, elements: Elements) -> _Found:
    assert isinstance(config.formula, DynamicTanh)
    assert config.alpha is not None
    slope, closest = abs(Fraction(config.alpha)) * elements.unit, float("inf")
    for table in octave_tanhs():
        constant = Constant.of(slope, table.frac_bits + 3)
        cut = 2.0**-table.argument_bits
        relative = (table.error + constant.error + cut) * (1 + 2.0**-4)
        bound, expected, is_kept = _of_floats(config, relative, table.mean_error + (constant.error + cut) / 4)
        if is_kept:
            function = ScaledTanh(elements.mantissa_bits, constant, config.alpha < 0, table)
            return _Found(function, 0, bound, expected)
        closest = min(closest, bound)
    raise ConfigError(
        f'accuracy = "{config.accuracy}": the finest table of tanh would still be off by {closest:.3g} of the last '
        "place before results are rounded. Allowed: gamma and beta that parameter_format holds exactly"
    )


def _tabled_tanh(config: NormConfig, elements: Elements) -> _Found:
    assert isinstance(config.formula, DynamicTanh)
    assert config.alpha is not None
    assert isinstance(config.output, FloatFormat)
    source, slope, fraction_bits = config.input, abs(Fraction(config.alpha)), 0
    magnitudes: list[Fraction | None] = [slope * elements.unit * m for m in range(1 << elements.mantissa_bits)]
    if isinstance(source, FloatFormat):
        fraction_bits = source.fraction_bits
        real = source.dequantize(np.arange(1 << (source.bits - 1)))
        magnitudes = [slope * Fraction(x) if isfinite(x) else None for x in real.tolist()]
    bits = config.output.precision + _FEW_ELEMENTS
    tables = (tanh_codes(tuple(magnitudes), bits + guard) for guard in _CODE_GUARDS)
    few = 2.0**_FEW_ELEMENTS
    table = next(table for table in tables if _of_floats(config, few * table.error, few * table.mean_error)[2])
    bound, expected, _ = _of_floats(config, table.error, table.mean_error)
    return _Found(TabledTanh(fraction_bits, config.alpha < 0, table), 0, bound, expected)


def _of_floats(config: NormConfig, relative: float, mean: float) -> tuple[float, float, bool]:
    """The largest and the mean error of results, and whether they are accepted, of those of z."""
    demand, has_beta = FloatDemand.of(config), StoredFloats.of(config).has_beta
    factor = 1 + has_beta
    errors = ZErrors(factor * relative, 0.0, mean, mean * has_beta)
    return demand.bound(errors), demand.expected(errors) if relative else 0.0, demand.is_kept(errors) or not relative


def _fixed_element(config: NormConfig, elements: Elements) -> _Found:
    """As many fraction bits as are accepted, or as the smallest element has; and as many others as the smallest gamma
    takes to saturate."""
    source, parameters = config.input, StoredParameters.of(config)
    assert isinstance(source, FloatFormat)
    exponent = source.scale_exponent
    frac_bits = 0
    while -exponent > frac_bits and not _is_accepted(config, *_of_integers(config, 2.0**-frac_bits)):
        frac_bits += 1
    if -exponent <= frac_bits:
        frac_bits, bound, expected = max(0, -exponent), 0.0, 0.0
    else:
        bound, expected = _of_integers(config, 2.0**-frac_bits)
    reach = max(-config.output.min, config.output.max) + 1 + parameters.beta_max_abs
    farthest = Fraction(reach) / _least_gamma(config, parameters)
    if source.finite:
        farthest = min(farthest, Fraction(source.largest))
    bits = (int(farthest * 2**frac_bits) + 1).bit_length()
    function = FixedElement.of(elements.mantissa_bits, exponent, frac_bits, bits)
    return _Found(function, frac_bits, bound, expected)


def _least_gamma(config: NormConfig, parameters: StoredParameters) -> Fraction:
    """The smallest magnitude above 0 that a stored gamma has or may have, in output steps."""
    step = Fraction(1, 1) / Fraction(2) ** parameters.gamma_frac_bits
    if not config.parameters_are_known:
        return step
    magnitudes = np.abs(parameters.gamma)
    largest = int(magnitudes.max())
    return step * int(magnitudes.min(initial=largest, where=magnitudes > 0)) if largest else Fraction(1 << 62)


def _fixed_tanh(config: NormConfig, elements: Elements) -> _Found:
    """The smallest table that keeps the promise; an element is cut to a quarter of its unit."""
    assert isinstance(config.formula, DynamicTanh)
    assert config.alpha is not None
    source, slope, closest = config.input, abs(Fraction(config.alpha)), float("inf")
    assert isinstance(source, FloatFormat)
    exponent = source.scale_exponent
    for frac_bits in _TANH_FRAC_BITS:
        places = frac_bits + 2 + ceil(log2(slope))
        step = slope / Fraction(2) ** places
        far = int(Fraction(source.largest) * Fraction(2) ** places) + 1
        table = magnitude_table(step, far, frac_bits)
        if table is None:
            continue
        is_exact = places >= -exponent
        cut = 0.0 if is_exact else float(step)
        bound, expected = _of_integers(config, table.error + cut, table.mean_error + cut / 3)
        if _is_accepted(config, bound, expected):
            argument = FixedElement.of(elements.mantissa_bits, exponent, places, table.reach_bits)
            return _Found(FixedTanh(argument, config.alpha < 0, table), frac_bits, bound, expected)
        closest = min(closest, bound)
    raise ConfigError(
        f'accuracy = "{config.accuracy}": gamma reaches {StoredParameters.of(config).gamma_max_abs:.3g} output steps; '
        f"the finest table of tanh would still be off by {closest:.3g} steps. Allowed: a larger output scale or a "
        "smaller gamma"
    )


def _of_integers(config: NormConfig, absolute: float, mean: float | None = None) -> tuple[float, float]:
    """The largest and the mean error of results, of those of z; the mean is half of the largest if it is not given."""
    row, prefix = gains(config)
    most = max(row.mean, prefix.mean * TIGHT_ERROR / PROMISED_ERROR)
    mean = absolute / 2 if mean is None else mean
    return StoredParameters.of(config).gamma_max_abs * absolute, EXPECTED_MARGIN * most * mean


def _is_accepted(config: NormConfig, bound: float, expected: float) -> bool:
    kept = bound <= error_limit(StoredParameters.of(config))
    return kept and (not is_tight(config) or expected <= TIGHT_ERROR)
