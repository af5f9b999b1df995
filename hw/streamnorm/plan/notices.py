"""What is allowed in a configuration, but hardly meant."""

from collections.abc import Iterator
from math import isfinite

import numpy as np

from streamnorm.precision.requantization import Requantization
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters

__all__ = ["notices"]


def notices(config: NormConfig, error_bound: float) -> Iterator[str]:
    """Sentences on a configuration whose results are off by up to ``error_bound`` LSB with gamma and beta as given.

    Where z is rounded before gamma, those of a z that is rounded right.
    """
    given, stored = config.given_parameters, StoredParameters.of(config)
    if isfinite(error_bound) and error_bound > 1:
        yield (
            f"with gamma and beta as given, a result can be off by {error_bound:.3g} output LSB: "
            f"gamma_bits = {stored.gamma_bits} and beta_bits = {stored.beta_bits} do not hold them any better"
        )
    zero = Requantization.of(config).multiplier == 0 if config.computed.is_dyadic else stored.gamma == 0
    lost = zero & (given.gamma + given.gamma_offset != 0)
    if count := np.count_nonzero(lost):
        why = "no product reaches half an output step" if config.computed.is_dyadic else None
        yield (
            f"{count} of {lost.size} values of gamma are stored as 0 and are not 0: "
            f"{why or f'too small for {stored.gamma_bits} bits'}"
        )
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
