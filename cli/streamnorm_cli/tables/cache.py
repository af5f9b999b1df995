"""What the cache of builds holds, in words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamnorm_sim.toolchain.cache import Usage

__all__ = ["cache_line", "in_words"]


def in_words(usage: "Usage") -> str:
    """Return how many builds there are and how large they are."""
    return f"{usage.builds} build{'' if usage.builds == 1 else 's'}, {usage.octets / 1e6:,.1f} MB"


def cache_line() -> str:
    """Return where the cache is and what it holds."""
    from streamnorm_sim.toolchain.cache import cache_directory, cache_usage

    return f"{in_words(cache_usage())} in {cache_directory()}"
