"""The statistic of a row by scans over its buffer, exact: the mean in one, the variance in the next."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig
from streamnorm.units.moments import Moments
from streamnorm.units.statistic import Statistic

from .connections import delays

__all__ = ["ExactScans", "hold_statistic", "scan_ports"]


def scan_ports(config: NormConfig, scans: int) -> dict[str, Any]:
    """Ports of whatever works out a row's statistic in that many scans.

    At a beat's issue: ``issue``, ``scan``, ``first``, ``last``, ``keep``, ``before``; ``d`` comes when the buffer gives
    it. ``scale``, ``centre`` and ``shift`` are registers, as of :class:`~streamnorm.units.statistic.Statistic`; they
    are there with the earliest ``d`` of the scan that follows and then stay.
    """
    precision = Precision.of(config)
    return {
        "issue": In(1),
        "scan": In(range(scans)),
        "first": In(1),
        "last": In(1),
        "keep": In(config.lanes),
        "before": In(precision.ranges.length_bits),
        "d": In(data.ArrayLayout(signed(precision.ranges.difference_bits), config.lanes)),
        "scale": Out(precision.scale_bits),
        "centre": Out(precision.centre_bits),
        "shift": Out(max(1, (precision.shift_count - 1).bit_length())),
    }


class ExactScans(wiring.Component):
    """``S1`` in a first scan (LayerNorm), ``n`` and ``S2`` in a second, and from them the statistic.

    The second scan begins when S1 is complete as its first beat arrives, as it must where the mean is subtracted; it
    adds up squares of the differences to the row's pivot, so that the statistic is that of the one-pass unit to the
    last bit. Norms without a variance need one scan only.

    Parameters
    ----------
    config : NormConfig
    steps : scans that follow
    base, d_delay : cycles from a beat's issue to ``d``; ns of logic behind it

    Attributes
    ----------
    names, waits, paces : the scans; cycles from the last beat of each to the first of the next; from beat to beat
    multipliers, block_rams : tiles and block RAMs
    """

    def __init__(self, config: NormConfig, *, steps: int, base: int, d_delay: float) -> None:
        self._base = base
        norm = config.formula
        self._has_sum = norm.has_sum
        self._sum = Moments(config, d_delay=d_delay, outputs=("s1",)) if norm.has_variance else None
        outputs = ("n", "s1", "s2") if self._sum is None else ("n", "s2")
        self._squares = squares = Moments(config, d_delay=d_delay, outputs=outputs)
        cycles = (squares.n_cycle, squares.s1_cycle, squares.s2_cycle)
        self._statistic = statistic = Statistic(config, squares, cycles=cycles)
        self.names = ("mean", "variance") if self._sum else ("mean square" if norm.has_squares else "mean",)
        sum_wait = () if self._sum is None else (max(1, self._sum.s1_cycle),)
        self.waits = (*sum_wait, statistic.latency + 1)
        self.paces = (1,) * len(self.waits)
        self.multipliers = squares.multipliers + statistic.multipliers
        self.block_rams = statistic.block_rams
        super().__init__(scan_ports(config, len(self.names) + steps))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.squares = squares = self._squares
        m.submodules.statistic = statistic = self._statistic
        base = self._base
        square_scan = len(self.names) - 1
        valid = Signal()
        ended = Signal()
        m.d.comb += [valid.eq(self.issue & (self.scan == square_scan)), ended.eq(valid & self.last)]
        first = delays(m, self.first, base, "first")[base]
        m.d.comb += [
            squares.valid.eq(delays(m, valid, base, "square_valid")[base]),
            squares.first.eq(first),
            squares.d.eq(self.d),
            squares.keep.eq(delays(m, self.keep, base, "keep")[base]),
            squares.before.eq(delays(m, self.before, base, "before")[base]),
            statistic.n.eq(squares.n),
            statistic.s2.eq(squares.s2),
        ]
        if self._sum is None:
            if self._has_sum:
                m.d.comb += statistic.s1.eq(squares.s1)
        else:
            m.submodules.sum = total = self._sum
            sum_valid = Signal()
            m.d.comb += [
                sum_valid.eq(self.issue & (self.scan == 0)),
                total.valid.eq(delays(m, sum_valid, base, "sum_valid")[base]),
                total.first.eq(first),
                total.d.eq(self.d),
                statistic.s1.eq(total.s1),
            ]
        done = delays(m, ended, base + statistic.latency, "row_end")[-1]
        hold_statistic(m, self, statistic, done)
        return m


def hold_statistic(m: Module, scans: Any, statistic: Statistic, done: Value) -> None:
    """Takes what the statistic gives, when ``done``, into the registers that the scans after it read."""
    with m.If(done):
        m.d.sync += [
            scans.scale.eq(statistic.scale),
            scans.centre.eq(statistic.centre),
            scans.shift.eq(statistic.shift),
        ]
