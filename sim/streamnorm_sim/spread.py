"""Values of gamma and beta that look like a trained model's, the same on every machine."""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

__all__ = ["spread"]

_GOLDEN_RATIO = (5**0.5 - 1) / 2


def spread(length: int, mean: float, deviation: float, phase: float) -> npt.NDArray[np.float32]:
    """Return ``length`` values that fill a normal distribution evenly, in scattered order.

    They come from a formula, not from a random generator, and are rounded to four decimals, since the last bit of a
    logarithm may differ between C libraries.
    """
    distribution = NormalDist(mean, deviation)
    places = [(phase + k * _GOLDEN_RATIO) % 1.0 for k in range(length)]
    values = [distribution.inv_cdf(min(max(place, 1e-3), 1 - 1e-3)) for place in places]
    return np.round(np.array(values), 4).astype(np.float32)
