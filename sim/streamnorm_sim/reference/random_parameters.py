"""Gamma and beta that come with rows, to try a unit with."""

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat

__all__ = ["random_parameters"]


def random_parameters(
    config: NormConfig, shape: tuple[int, int], rng: np.random.Generator
) -> dict[str, NDArray[np.integer]]:
    """Stored gamma and beta of rows, (rows, n): of a row, those of a network, gamma near 1, or any that may come, the
    farthest more often than by chance; of floating point, of magnitudes from a thousandth to a thousand."""
    found: dict[str, NDArray[np.integer]] = {}
    for side in config.side_inputs:
        if not side.follows:
            continue
        number, mean = side.number, 1.0 - config.gamma_offset if side.name == "gamma" else 0.0
        rows = number.quantize(mean + rng.normal(0, 0.3, shape).clip(-1, 1))
        wild = rng.random(len(rows)) < 0.5
        if isinstance(config.parameter_format, FloatFormat):
            numbers = rng.normal(0, 1, shape) * 10.0 ** rng.uniform(-3, 3, shape)
            anything = number.quantize(numbers)
        else:
            anything = rng.integers(number.min, number.max, shape, endpoint=True)
            ends = rng.choice(np.array([number.min, number.max]), shape)
            anything = np.where(rng.random(shape) < 0.1, ends, anything)
        if config.row_scale is not None:
            # Results of larger ones are beyond what a row's scale is found for.
            limit, offset = (config.gamma_max, config.gamma_offset) if side.name == "gamma" else (config.beta_max, 0.0)
            assert limit is not None
            low, high = number.quantize(np.array([-limit - offset, limit - offset]))
            anything = np.clip(anything, low + 1, high - 1)
        found[side.name] = np.where(wild[:, None], anything, rows)
    return found
