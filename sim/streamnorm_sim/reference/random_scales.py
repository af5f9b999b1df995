"""Scales that come with rows, to try a unit with."""

from math import log2

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.epsilon_placements import RowVariancePlacement

__all__ = ["random_scales"]

_BAD = (0.0, -0.0, -1.0, np.nan, np.inf, -np.inf)


def random_scales(config: NormConfig, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Codes of the scales of rows, (rows, 1): half of them those that epsilon is seen beside, the others of any
    magnitude; one float32 in eight is no scale."""
    kind, placement = config.input_scale, config.placement
    assert kind is not None
    assert isinstance(placement, RowVariancePlacement)
    least, most = kind.exponents
    lowest = placement.exponent_min if placement.epsilon else -8
    # From where on epsilon is as large as the smallest variance.
    highest = max(lowest, round(log2(config.epsilon) / 2) + 8 if config.epsilon else 8)
    anywhere = rng.integers(least - 24 if kind.fraction_bits else least, most, count, endpoint=True)
    exponents = np.where(rng.random(count) < 0.5, rng.integers(lowest - 1, highest, count, endpoint=True), anywhere)
    exponents = np.clip(exponents, least - 23 if kind.fraction_bits else least, most)
    if not kind.fraction_bits:
        return kind.codes(np.ldexp(1.0, exponents))[:, None]
    scales = np.ldexp(rng.uniform(1, 2, count), exponents)
    scales = np.where(rng.random(count) < 1 / 8, rng.choice(_BAD, count), np.minimum(scales, np.finfo(np.float32).max))
    return kind.codes(scales)[:, None]
