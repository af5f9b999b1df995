"""From an architecture to the model of its results."""

from __future__ import annotations

import numpy.typing as npt

from streamnorm.spec.architectures import ONE_PASS, Architecture
from streamnorm.spec.config import NormConfig

from .golden import GoldenModel
from .welford import WelfordModel

__all__ = ["golden_model"]


def golden_model(
    config: NormConfig,
    architecture: Architecture | str = ONE_PASS,
    *,
    gamma: npt.ArrayLike | None = None,
    beta: npt.ArrayLike | None = None,
) -> GoldenModel:
    """The model that a unit of this architecture equals to the last bit; arguments as of :class:`GoldenModel`.

    Every architecture with exact statistics has the same.

    Raises
    ------
    ConfigError
        If there is no such architecture.
    """
    kind = GoldenModel if Architecture.of(architecture).statistics == "exact" else WelfordModel
    return kind(config, gamma=gamma, beta=beta)
