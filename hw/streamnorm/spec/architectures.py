"""The architectures a unit may have: what each does; :mod:`streamnorm.architectures` has their hardware."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .norms import Norm

__all__ = ["ARCHITECTURES", "DEFERRED", "ONE_PASS", "STATIC", "TWO_PASS", "Architecture", "architectures_of"]

ONE_PASS = "one-pass"
"""What a unit with a statistic is unless it is asked for something else."""

TWO_PASS = "two-pass"
"""What a unit is that needs the mean before it reads the row a second time."""

STATIC = "static"
"""What a unit without one is."""

DEFERRED = "deferred"
"""What a unit is whose scales leave beside the rows."""


@dataclass(frozen=True)
class Architecture:
    """How a unit goes about its work.

    Where the mean comes first, it is its sum that does: squares are taken of differences to the row's first element in
    every architecture, which is what makes their results the same. Steps that are not done at once still have
    multipliers of their own.

    Attributes
    ----------
    name : what ``NormConfig.architecture`` calls it
    about : what it does
    exact : its sums are, so that its results are those of every other such architecture to the last bit. Else mean and
        variance are updated with every beat, as Welford did, in one scan in place of two; results differ, no bound of
        their error is promised, and there must be a mean.
    has_statistic : it works out a statistic of each row; norms that have none take the others
    has_second_pass : it reads a row a second time once its mean is there, as absolute deviations need it
    defers : its rows leave without their scales, which leave beside them; that is what ``NormConfig.defer`` asks for
    streams_parameters : gamma and beta may come in as rows beside the row, since each of its beats is multiplied once,
        and goes on its way without a stop from there
    """

    name: str
    about: str
    exact: bool = True
    has_statistic: bool = True
    has_second_pass: bool = False
    defers: bool = False
    streams_parameters: bool = False

    def goes_with(self, norm: Norm, *, defer: bool = False) -> bool:
        """Whether there is such a unit of a norm, whose scales leave beside the rows or, as elsewhere, do not."""
        return (
            self.defers == defer
            and norm.has_statistic == self.has_statistic
            and not (self.defers and norm.why_not_deferred)
            and (self.exact or norm.has_variance)
            and (self.has_second_pass or not norm.has_absolute_sum)
        )

    def takes_floats(self, norm: Norm) -> bool:
        """Whether there is such a unit of a norm for floating-point elements or results: only the first one that goes
        with it, since all others give the same results, or no promise."""
        return self.name == architectures_of(norm)[0]


ARCHITECTURES: dict[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        Architecture(
            ONE_PASS, "sums of d and of d**2 while the row comes in, then apply; rows overlap", streams_parameters=True
        ),
        Architecture(
            TWO_PASS,
            "the sum while the row comes in, squares (or absolute deviations) on the way to a second buffer, then "
            "apply; rows overlap",
            has_second_pass=True,
            streams_parameters=True,
        ),
        Architecture(
            "three-scan",
            "a row is buffered, then scanned for the mean, for the variance, and to apply; a row at a time",
        ),
        Architecture(
            "five-scan", "as three-scan, but normalize, scale and shift are scans of their own; a row at a time"
        ),
        Architecture("three-scan:welford", "as three-scan, with mean and variance in one scan", exact=False),
        Architecture("five-scan:welford", "as five-scan, with mean and variance in one scan", exact=False),
        Architecture(
            STATIC,
            "nothing is measured: each element goes straight through",
            has_statistic=False,
            streams_parameters=True,
        ),
        Architecture(
            DEFERRED,
            "rows go straight through, or leave less their mean; what they would be multiplied by leaves beside them",
            defers=True,
        ),
    )
}
"""Every architecture by its name."""


def architectures_of(norm: Norm, *, defer: bool = False) -> list[str]:
    """The architectures that go with a norm; the first one is what its units are unless they are asked for another."""
    return [name for name, architecture in ARCHITECTURES.items() if architecture.goes_with(norm, defer=defer)]
