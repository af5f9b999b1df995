"""The method for the reciprocal square root that costs least where a unit is built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from amaranth.hdl import Module, Signal

from streamnorm.logic.pipeline import Pipeline
from streamnorm.spec.config import NormConfig
from streamnorm.spec.roots import RootMethod
from streamnorm.spec.targets import CAPACITIES, Capacity

from .interval import statistic_interval

__all__ = ["CYCLE_SHARE", "RootCost", "least_costly"]

CYCLE_SHARE = 0.001
"""What a cycle of latency counts, as a share of the part."""

_USUAL = CAPACITIES["ecp5-85k-6"]
"""What a target counts as that is no part."""


@dataclass(frozen=True)
class RootCost:
    """What a root takes by itself, built for a unit's target, clock and interval.

    Attributes
    ----------
    cycles, multipliers, block_rams : as built
    logic_bits : bits that are computed, about as many LUTs
    cells : logic cells, about: bits that are computed or kept, whichever are more
    """

    cycles: int
    multipliers: int
    block_rams: int
    logic_bits: int
    cells: int

    @staticmethod
    def of(config: NormConfig, root: RootMethod) -> RootCost:
        """Builds it, for nothing but this."""
        interval = statistic_interval(config, root)
        p = Pipeline(Module(), config.device, "root", interval=interval, start=Signal() if interval > 1 else None)
        rho = p.registered(root.build(p, p.input(Signal(root.mantissa_bits)), p.input(Signal())))
        cells = max(p.logic_bits, p.register_bits)
        return RootCost(rho.cycle, p.multipliers, p.block_rams, p.logic_bits, cells)

    def share(self, capacity: Capacity) -> float:
        """Shares of a part's cells, multipliers and block RAMs, added up, and `CYCLE_SHARE` for each cycle."""
        taken = self.cells / capacity.luts + self.block_rams / capacity.block_rams
        taken += self.multipliers / capacity.multipliers if self.multipliers else 0
        return taken + self.cycles * CYCLE_SHARE


def least_costly(config: NormConfig, roots: Iterable[tuple[str, RootMethod]]) -> str:
    """The name that stands with the root of least :meth:`RootCost.share`; the first of equals."""
    capacity = CAPACITIES.get(config.target, _USUAL)
    shares = {name: RootCost.of(config, root).share(capacity) for name, root in roots}
    return min(shares, key=lambda name: shares[name])
