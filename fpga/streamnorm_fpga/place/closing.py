"""Finding the shallowest pipeline of a unit that closes its clock with every seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamnorm.errors import CheckFailed
from streamnorm.plan import Plan
from streamnorm.verilog.emit import body_hash, verilog
from streamnorm_fpga.devices import device_for

from .flow import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamnorm.spec.config import NormConfig

    from .place_route import Placed
    from .report import FitReport

__all__ = ["MARGINS", "Closing", "Try", "close"]

MARGINS = (0.0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5)
"""Margins that are tried, from the shallowest pipeline to the deepest."""


@dataclass(frozen=True)
class Try:
    """A margin that was planned for, and what placing the unit gave.

    Attributes
    ----------
    config : NormConfig
        With that margin.
    report : FitReport
        Of all seeds.
    """

    config: NormConfig
    report: FitReport

    def to_dict(self) -> dict[str, Any]:
        """Return what tells one try from another."""
        report = self.report
        return {
            "margin": self.config.margin,
            "L2": Plan.of(self.config).latency(1).L2,
            "comb": report.unit.comb,
            "ff": report.unit.ff,
            "fmax_mhz": {"min": report.worst.fmax_mhz, "median": report.fmax_median_mhz},
            "unrouted": list(report.unrouted),
            "meets_clock": report.meets_clock,
        }


@dataclass(frozen=True)
class Closing:
    """What was tried, in order; the last one closes, if any does.

    Attributes
    ----------
    tries : tuple of Try
        At least one.
    """

    tries: tuple[Try, ...]

    @property
    def closed(self) -> Try | None:
        """The try that closes the clock, if there is one."""
        last = self.tries[-1]
        return last if last.report.meets_clock else None

    @property
    def best(self) -> Try:
        """The one that closes, else the one whose worst seed is the fastest."""
        return self.closed or max(self.tries, key=lambda one: one.report.worst.fmax_mhz)

    def to_dict(self) -> dict[str, Any]:
        """Return the report of the best try, and "tries" and "margin": that of the one that closes, or None."""
        margin = None if self.closed is None else self.closed.config.margin
        return {**self.best.report.to_dict(), "margin": margin, "tries": [one.to_dict() for one in self.tries]}


def close(
    config: NormConfig,
    seeds: Sequence[int] = (1, 2, 3),
    *,
    begin: Callable[[float], None] = lambda margin: None,
    progress: Callable[[Placed | None], None] | None = None,
) -> Closing:
    """Raise the margin from 0 until every seed reaches the clock; margins that change no register are left out.

    Parameters
    ----------
    config : NormConfig
        Its own margin does not matter.
    seeds : sequence of int
        What each try is placed with.
    begin : callable
        Called with each margin before it is placed.
    progress : callable
        As for `fit`.

    Raises
    ------
    ConfigError, ToolMissing
        As `fit`.
    CheckFailed
        As `fit`; or if the block RAMs of the part do not bear the clock, which no margin changes.
    """
    limit = device_for(config.target).bram_limit_mhz
    if limit is not None and limit < config.clock_mhz and sum(Plan.of(config).block_rams.values()):
        raise CheckFailed(
            f"clock_mhz = {config.clock_mhz:g}: the block RAMs of {config.target} bear {limit:g} MHz at most, "
            "whatever the margin"
        )
    tries: list[Try] = []
    seen: set[str] = set()
    for margin in MARGINS:
        planned = config.replace(margin=margin)
        text = body_hash(verilog(planned))
        if text in seen:
            continue
        seen.add(text)
        begin(margin)
        tries.append(Try(planned, fit(planned, seeds, progress)))
        if tries[-1].report.meets_clock:
            break
    return Closing(tuple(tries))
