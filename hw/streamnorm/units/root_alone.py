"""The reciprocal square root alone, between registers: what a method costs, and how long it takes."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pipeline import Pipeline
from streamnorm.spec.roots import RootMethod
from streamnorm.spec.targets import Target

__all__ = ["RootAlone"]


class RootAlone(wiring.Component):
    """``rho`` of a mantissa, as the statistic of a unit has it built, and nothing else.

    Takes a mantissa every ``interval`` cycles. The inputs are expected to come from registers; ``rho`` is a register.

    Parameters
    ----------
    root : RootMethod
    target : Target
        What it is built for, and for which clock.
    interval : int
        Cycles from mantissa to mantissa, at least; above 1, steps and products share logic.

    Attributes
    ----------
    cycles : from the inputs to ``rho``, its register included
    multipliers, block_rams : multiplier tiles and block RAMs it takes

    Members
    -------
    mantissa : In(mantissa_bits); odd : In(1); rho : Out(rho_bits)
    start : In(1); 1 with each mantissa; only with an interval above 1
    """

    def __init__(self, root: RootMethod, target: Target, interval: int) -> None:
        starts = {"start": In(1)} if interval > 1 else {}
        super().__init__({**starts, "mantissa": In(root.mantissa_bits), "odd": In(1), "rho": Out(root.rho_bits)})
        self._m = m = Module()
        start = self.start if interval > 1 else None
        p = Pipeline(m, target, "root", interval=interval, start=start)
        rho = p.registered(root.build(p, p.input(self.mantissa), p.input(self.odd)))
        m.d.comb += self.rho.eq(rho.value)
        self.cycles = rho.cycle
        self.multipliers = p.multipliers
        self.block_rams = p.block_rams

    def elaborate(self, platform: object) -> Module:
        return self._m
