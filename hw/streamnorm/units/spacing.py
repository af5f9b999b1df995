"""Spacing: holds the moments of rows that end in quick succession until the statistic can take them."""

from collections.abc import Sequence
from typing import Protocol

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.level import Level
from streamnorm.logic.row_ring import RowRing
from streamnorm.logic.timed_logic import TimedLogic
from streamnorm.spec.config import NormConfig

__all__ = ["RowValues", "Spacing"]

LATENCY = 2
"""Cycles from a row's last moment to ``start``, where no row is ahead of it."""


class RowValues(Protocol):
    """What gives values of each row, such as :class:`~streamnorm.units.moments.Moments`: for each name a signal, and as
    ``NAME_cycle`` the cycles from the beat that is the last one that counts to its value."""

    @property
    def names(self) -> Sequence[str]: ...


class Spacing(wiring.Component):
    """A queue of moments that lets a row out every ``interval`` cycles at most.

    Only where multipliers are shared between the steps of a row: rows of ``interval`` beats and more pass at full rate,
    shorter ones wait for their turn. A row without rows ahead of it starts :attr:`latency` cycles after the last beat
    that its statistic needs entered :class:`Moments`. Outputs are registers and stay until the next ``start``.

    Parameters
    ----------
    config : NormConfig
    moments : Moments, or other values of rows
    interval : at least 2
    row_slots : rows that fit; the rows on their way must not be more

    Members
    -------
    row_end : In(1): the beat whose lanes enter Moments in this cycle is the last that its row's statistic needs
    n, s1, s2, … : In, as Moments gives them; start : Out(1); start_n, start_s1, start_s2, … : Out, there with ``start``
    """

    def __init__(self, config: NormConfig, moments: RowValues, *, interval: int, row_slots: int) -> None:
        assert interval >= 2
        self._interval, self._row_slots = interval, row_slots
        self._target = config.device
        self._names = names = moments.names
        self._cycles = [getattr(moments, f"{name}_cycle") for name in names]
        self.latency = max(self._cycles) + LATENCY
        shapes = [getattr(moments, name).shape() for name in names]
        self._ring = RowRing(
            width=sum(shape.width for shape in shapes), depth=row_slots, family=self._target.primitives
        )
        self.block_rams = self._ring.block_rams
        members: dict[str, object] = {"row_end": In(1), "start": Out(1)}
        members |= {name: In(shape) for name, shape in zip(names, shapes, strict=True)}
        members |= {f"start_{name}": Out(shape) for name, shape in zip(names, shapes, strict=True)}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        logic = TimedLogic(m, self._target, "spacing")
        written = max(self._cycles)
        moments: list[Value] = [
            logic.delayed(logic.input(signal, cycle), written).value
            for signal, cycle in zip((getattr(self, name) for name in self._names), self._cycles, strict=True)
        ]
        ends = [self.row_end]
        for stage in range(written):
            ended = Signal(name=f"ended_{stage + 1}")
            m.d.sync += ended.eq(ends[-1])
            ends.append(ended)
        entry = Cat(*moments)
        m.submodules.ring = ring = self._ring
        m.submodules.waiting = waiting = Level(maximum=self._row_slots)
        # Counts down to the cycle in which the next row may be fetched.
        wait = Signal(range(self._interval))
        free = Signal(init=1)
        fetch = Signal()
        with m.If(fetch):
            m.d.sync += [wait.eq(self._interval - 2), free.eq(0)]
        with m.Else():
            m.d.sync += [wait.eq(wait - 1), free.eq(free | (wait == 0))]
        m.d.comb += [
            fetch.eq(waiting.some & free),
            ring.write.eq(ends[-1]),
            ring.write_data.eq(entry),
            ring.advance.eq(fetch),
            waiting.up.eq(ends[-1]),
            waiting.down.eq(fetch),
            Cat(getattr(self, f"start_{name}") for name in self._names).eq(ring.data),
        ]
        m.d.sync += self.start.eq(fetch)
        return m
