"""Seeds: the only source of randomness, so that what was drawn once can be drawn again."""

import numpy as np

from streamnorm.spec.values import integer_at_least

__all__ = ["checked_seed", "seeded"]


def checked_seed(seed: object) -> int:
    """Return a seed; ConfigError if it is no integer of at least 0."""
    return integer_at_least("seed", seed, 0)


def seeded(seed: int) -> np.random.Generator:
    """Return a generator of random numbers; ConfigError if the seed is no integer of at least 0."""
    return np.random.default_rng(checked_seed(seed))
