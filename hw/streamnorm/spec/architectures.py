"""The name of an architecture, and how its statistics are worked out."""

from __future__ import annotations

from dataclasses import dataclass

from streamnorm.errors import ConfigError

from .values import one_of

__all__ = ["ARCHITECTURES", "NAMES", "ONE_PASS", "WELFORD", "Architecture"]

ARCHITECTURES = {
    "one-pass": "sums of d and of d**2 while the row comes in, then apply; rows overlap",
    "two-pass": "the sum while the row comes in, squares on the way to a second buffer, then apply; rows overlap",
    "three-scan": "a row is buffered, then scanned for the mean, for the variance, and to apply; a row at a time",
    "five-scan": "as three-scan, but normalize, scale and shift are scans of their own; a row at a time",
}
"""Every architecture, and what it does.

Where the mean comes first, it is its sum that does: squares are taken of differences to the row's first element in
every architecture, which is what makes their results the same. Steps that are not done at once still have multipliers
of their own.
"""

_STATISTICS = ("exact", "welford")
WELFORD = ("three-scan", "five-scan")
"""Architectures that may have Welford's statistics."""

NAMES = (*ARCHITECTURES, *(f"{name}:welford" for name in WELFORD))
"""Every architecture with every kind of statistics, as :meth:`Architecture.of` takes them."""


@dataclass(frozen=True)
class Architecture:
    """How a unit goes about its work.

    Attributes
    ----------
    name : one of :data:`ARCHITECTURES`
    statistics : "exact", by sums of integers; or "welford", where mean and variance are updated with every beat, in
        one scan in place of two. Only in scans; results differ from the exact ones, and no bound of their error is
        promised.

    Raises
    ------
    ConfigError
        If there is no such architecture, or it does not go with the statistics.
    """

    name: str = "one-pass"
    statistics: str = "exact"

    def __post_init__(self) -> None:
        one_of("architecture", self.name, ARCHITECTURES)
        one_of("statistics", self.statistics, _STATISTICS)
        if self.statistics == "welford" and self.name not in WELFORD:
            raise ConfigError(
                f'statistics = "welford": does not go with architecture = {self.name!r}, only with '
                f"{' and '.join(WELFORD)}"
            )

    @staticmethod
    def of(architecture: Architecture | str) -> Architecture:
        """What ``three-scan`` or ``three-scan:welford`` names.

        Raises
        ------
        ConfigError
            As Architecture itself.
        """
        if isinstance(architecture, Architecture):
            return architecture
        one_of("architecture", architecture, NAMES)
        name, colon, statistics = architecture.partition(":")
        return Architecture(name, statistics if colon else "exact")

    def __str__(self) -> str:
        return self.name if self.statistics == "exact" else f"{self.name}:{self.statistics}"


ONE_PASS = Architecture()
"""What streamnorm builds unless it is asked for something else."""
