"""Gamma and beta as a dyadic multiplier and an integer addend of each channel."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError
from streamnorm.spec.algorithms import ALGORITHMS, IntegerLayerNorm
from streamnorm.spec.algorithms.dyadic import MULTIPLIER_BITS, dyadic
from streamnorm.spec.config import NormConfig

from .integer import IntegerPrecision
from .precision import Precision

__all__ = ["BIAS_BITS_MAX", "Requantization"]

BIAS_BITS_MAX = 48
"""Widest addend that is built."""

Integers = npt.NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Requantization:
    """``y = saturate(round_half_even((z + bias) * m / 2**e) + zero point)`` of every element.

    See :mod:`~streamnorm.spec.algorithms.dyadic`. ``m / 2**e`` is the dyadic number of ``gamma * step / scale`` with
    the output's scale, and ``bias = floor((beta / gamma) / step)``, both in float64, from left to right, gamma with
    its offset. A step of z is worth ``step``. Where gamma is 0, bias is 0.

    In hardware, products are shifted left so that all have the fraction bits of the largest e:
    ``A = ((z + bias) * m) << shift``, then ``y = (A + 2**(f-1) - 1 + bit f of A) >> f`` with ``f = frac_bits``, and the
    zero point. An m whose product is always below a half is 0.

    Attributes
    ----------
    multiplier, shift, bias : int64, shape (banks, bank_values), read-only
    step : float
    frac_bits : f, at least 1
    normalized_bits, bias_bits : two's complement bits of z and of bias
    """

    multiplier: Integers
    shift: Integers
    bias: Integers
    step: float
    frac_bits: int
    normalized_bits: int
    bias_bits: int

    @staticmethod
    def of(config: NormConfig) -> "Requantization":
        """The requantization of a configuration whose algorithm is dyadic (cached).

        Raises
        ------
        ConfigError
            If beta divided by gamma takes more than :data:`BIAS_BITS_MAX` bits, or gamma is 0 where beta is not.
        """
        with config.named_in_errors():
            return _requantization(config)

    @property
    def shift_max(self) -> int:
        return int(self.shift.max())

    @property
    def has_bias(self) -> bool:
        """Whether any bias is not 0."""
        return bool(self.bias.any())

    @property
    def sum_bits(self) -> int:
        """Two's complement bits of ``z + bias``."""
        return max(self.normalized_bits, self.bias_bits) + 1 if self.has_bias else self.normalized_bits

    @property
    def product_bits(self) -> int:
        """Two's complement bits of A."""
        return self.sum_bits + MULTIPLIER_BITS + self.shift_max


@lru_cache(maxsize=64)
def _requantization(config: NormConfig) -> Requantization:
    algorithm, shape = ALGORITHMS[config.algorithm], (config.banks, config.bank_values)
    if isinstance(algorithm, IntegerLayerNorm):
        step, normalized_bits = algorithm.step(config.max_length), IntegerPrecision.of(config).normalized_bits
    else:
        own = Precision.of(config)
        step, normalized_bits = 2.0**-own.normalized_frac_bits, own.multiplied_bits
    given = config.given_parameters
    gamma = np.broadcast_to(given.gamma + given.gamma_offset, shape)
    beta = np.broadcast_to(given.beta, shape)
    bias = _bias(gamma, beta, step)
    bias_bits = max(int(bias.max()).bit_length(), (-int(bias.min()) - 1).bit_length()) + 1
    multiplier, exponent = dyadic(gamma * step / config.output.scale)
    largest = 1 << max(normalized_bits, bias_bits)
    for index in np.argwhere(exponent > MULTIPLIER_BITS):
        where = tuple(index)
        if 2 * largest * abs(int(multiplier[where])) < 1 << int(exponent[where]):
            multiplier[where] = 0
    exponent[multiplier == 0] = exponent[multiplier != 0].max(initial=1)
    frac_bits = max(1, int(exponent.max()))
    found = Requantization(
        multiplier=multiplier,
        shift=frac_bits - exponent,
        bias=bias,
        step=step,
        frac_bits=frac_bits,
        normalized_bits=normalized_bits,
        bias_bits=bias_bits,
    )
    for array in (found.multiplier, found.shift, found.bias):
        array.flags.writeable = False
    return found


def _bias(gamma: npt.NDArray[np.float64], beta: npt.NDArray[np.float64], step: float) -> Integers:
    lost = (gamma == 0) & (beta != 0)
    if lost.any():
        bank, place = np.argwhere(lost)[0]
        raise ConfigError(
            f"beta: value {place} of bank {bank} is {beta[bank, place]:g} where gamma is 0, and a dyadic "
            "requantization adds beta / gamma; must be 0, or gamma another number"
        )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        real = np.where(gamma == 0, 0.0, np.floor(beta / gamma / step))
    too_large = ~(np.abs(real) < 2.0 ** (BIAS_BITS_MAX - 1))
    if too_large.any():
        bank, place = np.argwhere(too_large)[0]
        raise ConfigError(
            f"beta: value {place} of bank {bank} is {beta[bank, place]:g} with gamma {gamma[bank, place]:g}: as an "
            f"integer beside z it must have at most {BIAS_BITS_MAX} bits, |beta / gamma| < "
            f"{2.0 ** (BIAS_BITS_MAX - 1) * step:g}"
        )
    return real.astype(np.int64)
