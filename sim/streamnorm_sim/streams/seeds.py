"""Seeds: the only source of randomness, so that what was drawn once can be drawn again."""

import numpy as np

from streamnorm.spec.values import integer_between

__all__ = ["SEED_MAX", "checked_seed", "seeded"]

SEED_MAX = (1 << 63) - 1


def checked_seed(seed: object) -> int:
    """Return a seed; ConfigError if it is no integer from 0 to `SEED_MAX`."""
    return integer_between("seed", seed, 0, SEED_MAX)


def seeded(seed: int) -> np.random.Generator:
    """Return a generator of random numbers; ConfigError if the seed is no integer from 0 to `SEED_MAX`."""
    return np.random.default_rng(checked_seed(seed))
