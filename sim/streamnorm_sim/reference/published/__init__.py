"""Models of the algorithms of the literature, written from their publications, a file for each."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streamnorm.precision.lane import precision_of
from streamnorm.precision.precision import Precision
from streamnorm.spec.algorithms import IntegerLayerNorm
from streamnorm.spec.config import NormConfig

from . import i_bert, i_vit, int8_search
from .q_layernorm_dyadic import dyadic_numbers, integer_bias

__all__ = ["NORMALIZED", "PublishedModel", "published_model"]

Integers = npt.NDArray[Any]
Normalized = Callable[..., Integers]
"""From elements (rows, n) less the zero point, 0 behind a row's end, and lengths to z; all int64. Where the algorithm
has a shift, it is given as ``shift``."""

NORMALIZED: dict[str, Normalized | None] = {
    "i-bert": i_bert.normalized,
    "i-vit": i_vit.normalized,
    "q-layernorm-dyadic": None,
    "int8-search": int8_search.normalized,
}
"""By algorithm; None where z is that of the project's own datapath."""


class PublishedModel(NamedTuple):
    """What an algorithm of the literature computes.

    Attributes
    ----------
    normalized : from rows to z; None where z is that of the project's own datapath
    numbers : m, e and bias of each channel, (banks, bank_values)
    """

    normalized: Normalized | None
    numbers: tuple[Integers, Integers, Integers]


def published_model(config: NormConfig) -> PublishedModel | None:
    """The model of a configuration's algorithm; None where that is the project's own.

    ``m / 2**e`` is the dyadic number of ``gamma * step / output scale``, in float64, gamma with its offset.
    """
    algorithm = config.computed
    if not algorithm.is_dyadic:
        return None
    normalized = NORMALIZED[algorithm.name]
    if isinstance(algorithm, IntegerLayerNorm):
        step = algorithm.step(config.max_length)
        shift = algorithm.shift(config.input, config.max_length)
        normalized = partial(normalized, shift=shift) if normalized is not None and shift else normalized
    else:
        precision = precision_of(config)
        assert isinstance(precision, Precision)
        step = 2.0**-precision.normalized_frac_bits
    shape, given = (config.banks, config.bank_values), config.given_parameters
    gamma = np.broadcast_to(given.gamma + given.gamma_offset, shape)
    bias = integer_bias(gamma, np.broadcast_to(given.beta, shape), step)
    return PublishedModel(normalized, (*dyadic_numbers(gamma * step / config.output.scale), bias))
