"""What is allowed in a configuration, but hardly meant."""

from collections.abc import Iterator
from math import isfinite

import numpy as np
import numpy.typing as npt

from streamnorm.precision.requantization import Requantization
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats.element_text import error_unit
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.stored_floats import StoredFloats

__all__ = ["notices"]


def notices(config: NormConfig, error_bound: float) -> Iterator[str]:
    """Sentences on a configuration whose results are off by up to ``error_bound`` with gamma and beta as given.

    Where z is rounded before gamma, those of a z that is rounded right.
    """
    given = config.given_parameters
    if isfinite(error_bound) and error_bound > 1:
        yield (
            f"with gamma and beta as given, a result can be off by {error_bound:.3g} {error_unit(config.output)}: "
            f"{_storage(config)} not hold them any better"
        )
    lost = _stored_as_zero(config) & (given.gamma + given.gamma_offset != 0)
    if count := np.count_nonzero(lost):
        why = f"too small for {_narrowest(config)}"
        if config.computed.is_dyadic:
            why = "no product reaches half an output step"
        yield f"{count} of {lost.size} values of gamma are stored as 0 and are not 0: {why}"
    if config.is_floating:
        return  # there is no step that everything could be smaller than
    if given.z_max == 0 < given.z_limit:
        yield (
            f"every normalized value is rounded to 0: epsilon = {config.epsilon:g} is too large beside inputs of scale "
            f"{config.input.scale:g}"
        )
    elif given.largest_result(given.z_max) < 0.5 * config.output.scale <= given.largest_result(given.z_limit):
        yield (
            f"every result is 0: epsilon = {config.epsilon:g} is so large beside inputs of scale "
            f"{config.input.scale:g} that z is at most {given.z_max:.3g}"
        )


def _storage(config: NormConfig) -> str:
    """What gamma and beta are stored in, as the subject of "do not hold them"."""
    if config.output.is_float:
        return f"parameter_format = {config.parameter_format.name} does"
    stored = StoredParameters.of(config)
    return f"gamma_bits = {stored.gamma_bits} and beta_bits = {stored.beta_bits} do"


def _narrowest(config: NormConfig) -> str:
    if config.output.is_float:
        return config.parameter_format.name
    return f"{StoredParameters.of(config).gamma_bits} bits"


def _stored_as_zero(config: NormConfig) -> npt.NDArray[np.bool_]:
    """Which values of gamma are stored as 0."""
    if config.computed.is_dyadic:
        return Requantization.of(config).multiplier == 0
    if config.output.is_float:
        floats = StoredFloats.of(config)
        return floats.format.dequantize(floats.gamma) == 0
    return StoredParameters.of(config).gamma == 0
