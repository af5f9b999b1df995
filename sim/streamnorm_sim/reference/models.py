"""From a configuration to the model of its results."""

import numpy.typing as npt

from streamnorm.spec.architectures import ARCHITECTURES
from streamnorm.spec.config import NormConfig, checked_config

from .golden import GoldenModel
from .welford import WelfordModel

__all__ = ["golden_model"]


def golden_model(
    config: NormConfig,
    *,
    gamma: npt.ArrayLike | None = None,
    beta: npt.ArrayLike | None = None,
    **further: npt.ArrayLike,
) -> GoldenModel:
    """The model that the unit equals to the last bit; arguments as of :class:`GoldenModel`.

    Every architecture with exact statistics has the same.
    """
    checked_config(config)
    kind = GoldenModel if ARCHITECTURES[config.architecture].exact else WelfordModel
    return kind(config, gamma=gamma, beta=beta, **further)
