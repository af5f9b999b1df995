"""What the memories of gamma and beta hold, by the algorithm."""

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from streamnorm.spec.algorithms.dyadic import MULTIPLIER_BITS
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.stored_floats import StoredFloats

from .requantization import Requantization

__all__ = ["StoredWords", "stored_words"]


@dataclass(frozen=True, eq=False)
class StoredWords:
    """The values of one memory.

    Attributes
    ----------
    values : int64, shape (banks, bank_values)
    bits : two's complement bits of a value
    is_constant : one value serves every element of every bank for good: there is no memory
    """

    values: npt.NDArray[Any]
    bits: int
    is_constant: bool


def stored_words(config: NormConfig) -> dict[str, StoredWords]:
    """The words of "gamma", which the normalized value is multiplied by, and of "beta", which is added.

    Those of :class:`StoredFloats` where results are floats, codes as they are. Else those of
    :class:`StoredParameters`, beta with half an output step added; with a dyadic algorithm, those of
    :class:`Requantization`: "gamma" is its multiplier with the shift in the bits above, "beta" its bias.

    Raises
    ------
    ConfigError
        If gamma or beta cannot be held.
    """
    if config.output.is_float:
        floats = StoredFloats.of(config)
        return {
            "gamma": StoredWords(floats.gamma, floats.format.bits, floats.gamma_is_constant),
            "beta": StoredWords(floats.beta, floats.format.bits, floats.beta_is_constant),
        }
    if not config.computed.is_dyadic:
        parameters = StoredParameters.of(config)
        beta = parameters.beta + (1 << (parameters.beta_frac_bits - 1))
        return {
            "gamma": StoredWords(parameters.gamma, parameters.gamma_bits, parameters.gamma_is_constant),
            "beta": StoredWords(beta, parameters.beta_bits + 1, parameters.beta_is_constant),
        }
    dyadic = Requantization.of(config)
    multipliers = dyadic.multiplier & ((1 << MULTIPLIER_BITS) - 1)
    shift_bits = dyadic.shift_max.bit_length()
    bits = MULTIPLIER_BITS + shift_bits
    packed = dyadic.shift << MULTIPLIER_BITS | multipliers
    # Two's complement of the whole word, as every memory has it.
    packed -= (packed >> (bits - 1)) << bits
    return {
        "gamma": StoredWords(packed, bits, _is_constant(packed)),
        "beta": StoredWords(dyadic.bias, dyadic.bias_bits, _is_constant(dyadic.bias)),
    }


def _is_constant(values: npt.NDArray[Any]) -> bool:
    return bool((values == values[0, 0]).all())
