"""Rows of a static unit for floating point, computed with the integers of its precision."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from streamnorm.precision.floating import StaticFloatPrecision
from streamnorm.precision.floating.static_functions import (
    Constant,
    FixedElement,
    FixedTanh,
    ScaledElement,
    ScaledTanh,
    TabledTanh,
)
from streamnorm.spec.config import NormConfig
from streamnorm.spec.roots.mantissa import bit_length
from streamnorm_sim.streams.rows import RowBatch

from .elements import RowElements
from .results import Integers, Normalized, Results

__all__ = ["StaticFloatRows"]


class StaticFloatRows:
    """What the unit of a configuration answers, step by step as :class:`StaticFloatPrecision` says.

    Parameters are those of :class:`~streamnorm_sim.reference.floating.rows.FloatRows`.
    """

    def __init__(self, config: NormConfig, gamma: Integers | None, beta: Integers | None) -> None:
        self._config, self.precision = config, StaticFloatPrecision.of(config)
        self._results = Results(config, self.precision, gamma, beta)
        widest = max(self._results.widest, self.precision.normalized_bits + 2)
        self._type = np.dtype(np.int64 if widest <= 62 else object)

    def rows(self, batch: RowBatch) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Results of rows (0 behind a row's end), and the flags of each."""
        elements = RowElements.of(self._config.input, batch)
        function = self.precision.function
        found = _EVALUATED[type(function)](function, elements)
        return self._results.of(batch, elements, found._replace(z=found.z.astype(self._type)))


def _scaled_element(function: ScaledElement, elements: RowElements) -> Normalized:
    z, exponent = _times_constant(elements, function.mantissa_bits, function.unit)
    return Normalized(z, exponent, elements.negative, elements.is_nan, elements.is_infinite)


def _scaled_tanh(function: ScaledTanh, elements: RowElements) -> Normalized:
    table, bits = function.table, function.product_bits
    product, exponent = _times_constant(elements, function.mantissa_bits, function.slope)
    is_low = (product >> (bits - 1)) == 0
    fraction = np.where(is_low, product << 1, product) & ((1 << (bits - 1)) - 1)
    spare = bits - 1 - table.argument_bits
    fraction = fraction >> spare if spare >= 0 else fraction << -spare
    z, place = table.evaluate(exponent + (bits - 1) - is_low.astype(np.int64), fraction.astype(np.int64))
    infinite, none = elements.is_infinite, np.zeros_like(elements.is_infinite)
    z = np.where(infinite, 1 << table.frac_bits, np.where(elements.mantissa == 0, 0, z))
    place = np.where(infinite, -table.frac_bits, place)
    return Normalized(z, place, elements.negative ^ function.is_flipped, elements.is_nan, none)


def _tabled_tanh(function: TabledTanh, elements: RowElements) -> Normalized:
    table = function.table
    index = elements.mantissa + (elements.binade << function.fraction_bits)
    infinite, none = elements.is_infinite, np.zeros_like(elements.is_infinite)
    z = np.where(infinite, 1 << (table.bits - 1), table.value[index])
    exponent = np.where(infinite, 1 - table.bits, table.start - table.down[index])
    return Normalized(z, exponent, elements.negative ^ function.is_flipped, elements.is_nan, none)


def _times_constant(elements: RowElements, mantissa_bits: int, constant: Constant) -> tuple[Integers, Integers]:
    """``m'`` times the constant, and the exponent of that."""
    mantissa = elements.mantissa
    left = np.where(mantissa > 0, mantissa_bits - bit_length(mantissa.ravel()).reshape(mantissa.shape), 0)
    kind = np.dtype(np.int64 if mantissa_bits + constant.bits <= 62 else object)
    return (mantissa << left).astype(kind) * constant.code, elements.binade - left + constant.exponent


def _fixed_element(function: FixedElement, elements: RowElements) -> Normalized:
    magnitude = _fixed(function, elements)
    z = np.where(elements.negative, -magnitude, magnitude)
    exponent = np.full_like(elements.binade, -function.frac_bits)
    return Normalized(z, exponent, np.zeros_like(elements.is_nan), elements.is_nan, elements.is_infinite)


def _fixed_tanh(function: FixedTanh, elements: RowElements) -> Normalized:
    table, none = function.table, np.zeros_like(elements.is_nan)
    magnitude = np.minimum(_fixed(function.argument, elements), (1 << table.reach_bits) - 1).astype(np.int64)
    z = np.abs(table.evaluate(magnitude))
    z = np.where(elements.is_infinite, 1 << table.frac_bits, z)
    z = np.where(elements.negative ^ function.is_flipped, -z, z)
    return Normalized(z, np.full_like(elements.binade, -table.frac_bits), none, elements.is_nan, none)


def _fixed(function: FixedElement, elements: RowElements) -> Integers:
    """The magnitude."""
    kind = np.dtype(np.int64 if function.bits <= 62 else object)
    field = elements.mantissa.astype(kind) << (function.bits - function.mantissa_bits)
    down = function.down - elements.binade
    cut = np.clip(down, 0, function.bits).astype(kind)
    shifted = field >> cut
    lost = (shifted << cut) != field
    beyond = (down < 0) | elements.is_infinite
    return np.where(beyond, (1 << function.bits) - 1, shifted | lost.astype(kind))


_EVALUATED: dict[type, Callable[[Any, RowElements], Normalized]] = {
    ScaledElement: _scaled_element,
    ScaledTanh: _scaled_tanh,
    TabledTanh: _tabled_tanh,
    FixedElement: _fixed_element,
    FixedTanh: _fixed_tanh,
}
