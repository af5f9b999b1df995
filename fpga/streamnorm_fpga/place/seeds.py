"""The seeds that nextpnr takes."""

from collections.abc import Iterable

from streamnorm.spec.values import integer_between

__all__ = ["SEED_MAX", "check_seeds"]

SEED_MAX = (1 << 64) - 1


def check_seeds(seeds: Iterable[int]) -> None:
    """Raise ConfigError unless each seed is an integer from 0 to `SEED_MAX`."""
    for seed in seeds:
        integer_between("seed", seed, 0, SEED_MAX)
