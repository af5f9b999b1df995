"""The statistic queue: what a row's statistic gives waits here until its first difference leaves the row buffer."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.block_ring import BlockRing
from streamnorm.logic.pointer import advance_pointer
from streamnorm.logic.primitives.queue import COLUMN_DEPTH
from streamnorm.logic.row_ring import RingMemory, data_delay
from streamnorm.spec.config import NormConfig

from .apply import Apply
from .queue_memory import queues_in_block_rams
from .statistic import Statistic

__all__ = ["StatisticQueue", "earliest_meeting", "queue_delay", "read_latency", "rings_apart", "rows_waiting"]

_COLUMNS_AT_ONCE = 2
_NARROW_BITS = 4
"""What a column of one LUT RAM holds, which is no block RAM worth."""


def queue_delay(config: NormConfig) -> float:
    """Nanoseconds from the clock to what comes from the queue; 0 from a plain register."""
    return config.device.block_ram_delay if queues_in_block_rams(config) else data_delay(config.device)


def rings_apart(config: NormConfig) -> bool:
    """Whether scale, with what else is there early, waits in a ring of its own: it is there before the centre, and
    needed before it. In LUTs two rings are no larger than one; two block RAMs may be."""
    return config.device.family.lut_ram


def rows_waiting(statistic: Statistic, apply: Apply, interval: int = 1) -> int:
    """About as many rows wait as come, one each ``interval`` cycles, until the first of them can be asked for."""
    return _there(statistic, apply) // interval


def read_latency(config: NormConfig, rows: int) -> int:
    """Cycles from asking for one of ``rows`` to its scale: 2 where the way from the memory's address to its data fills
    one. Up to two columns of LUT RAMs are chosen from in one level of logic, more take a second one."""
    target, family = config.device, config.device.family
    if queues_in_block_rams(config):
        return 1 + target.has_block_ram_register
    if not family.lut_ram:
        return 1
    more = family.lut if rows > _COLUMNS_AT_ONCE * COLUMN_DEPTH else 0.0
    return 2 if family.lut_ram_read + more > target.budget else 1


def earliest_meeting(statistic: Statistic, apply: Apply, latency: int) -> int:
    """Cycles from cycle 0 of a row's statistic to the earliest first difference of the row in apply.

    An entry is written when it is there, and fetched in the next cycle at the earliest.
    """
    return _there(statistic, apply) + 1 + latency


def _there(statistic: Statistic, apply: Apply) -> int:
    return max(statistic.scale_cycle, statistic.centre_cycle - apply.centre_cycle)


class StatisticQueue(wiring.Component):
    """One entry a row, from :class:`~streamnorm.units.statistic.Statistic` to
    :class:`~streamnorm.units.apply.Apply`; scale on its own where :func:`rings_apart` says so.

    ``row_scale`` is there :attr:`latency` cycles after ``advance``, ``row_centre`` and ``row_shift`` are there
    ``apply.centre_cycle`` cycles later, and they stay until the next row's. Statistics of other algorithms have other
    outputs: the first of them stands for scale.

    Parameters
    ----------
    config : NormConfig
    statistic, apply : whose values these are; both are asked for their cycles
    depth : rows that fit, at least; a row's place is free ``apply.centre_cycle`` cycles after its ``advance``. In block
        RAM, where a row's place is read until the next ``advance``, there are more places than rows
    refilled : cycles from a row's ``advance`` to the earliest ``write`` into its place
    latency : as :func:`read_latency` says

    Members
    -------
    write : In(1): ``scale`` is there; ``centre`` and ``shift`` are when Statistic gives them
    advance : In(1): the next row is asked for
    scale, centre, shift : In; row_scale, row_centre, row_shift : Out; as Statistic gives them
    """

    def __init__(
        self, config: NormConfig, statistic: Statistic, apply: Apply, *, depth: int, refilled: int, latency: int
    ) -> None:
        self._depth = depth
        self._waits = (statistic.centre_cycle - statistic.scale_cycle, apply.centre_cycle)
        assert apply.centre_cycle <= refilled + self._waits[0]
        self.latency = latency
        names, early = statistic.outputs, statistic.early_outputs
        groups = [names[:early], names[early:]] if rings_apart(config) else [names]
        self._groups = [group for group in groups if group]
        shapes = {name: getattr(statistic, name).shape() for name in names}
        if queues_in_block_rams(config):
            # Where one more row fits, none is written over the one that is read; of a power of 2, pointers are plain.
            self._depth = depth = 1 << depth.bit_length()
        self._memories = [self._memory(config, sum(shapes[name].width for name in group)) for group in self._groups]
        assert {memory.latency for memory in self._memories} == {latency}
        self.block_rams = sum(memory.block_rams for memory in self._memories)
        super().__init__(
            {
                **{name: In(1) for name in ("write", "advance")},
                **{name: In(shape) for name, shape in shapes.items()},
                **{f"row_{name}": Out(shape) for name, shape in shapes.items()},
            }
        )

    def _memory(self, config: NormConfig, width: int) -> RingMemory | BlockRing:
        target, depth = config.device, self._depth
        if queues_in_block_rams(config) and width > _NARROW_BITS:
            return BlockRing(width=width, depth=depth, target=target)
        return RingMemory(width=width, depth=depth, family=target.primitives, latency=self.latency)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        events: list[tuple[Value, Signal]] = []
        for name in ("write", "advance"):
            pointer = Signal(range(self._depth), name=f"{name}_at")
            advance_pointer(m, pointer, getattr(self, name), self._depth)
            events.append((getattr(self, name), pointer))
        for place, (group, memory) in enumerate(zip(self._groups, self._memories, strict=True)):
            m.submodules[f"{group[0]}_memory"] = memory
            if place:
                # Events and addresses follow those of the first group, in registers of their own.
                events = [_later(m, *event, wait) for event, wait in zip(events, self._waits, strict=True)]
            (write, write_at), (advance, read_at) = events
            m.d.comb += [
                memory.write.eq(write),
                memory.write_at.eq(write_at),
                memory.write_data.eq(Cat(getattr(self, name) for name in group)),
                memory.advance.eq(advance),
                memory.read_at.eq(read_at),
                Cat(getattr(self, f"row_{name}") for name in group).eq(memory.data),
            ]
        return m


def _later(m: Module, event: Value, pointer: Signal, cycles: int) -> tuple[Value, Signal]:
    """An event, and the address that belongs to it, some cycles later."""
    for stage in range(1, cycles + 1):
        later, later_at = (
            Signal(name=f"{pointer.name}_event_{stage}"),
            Signal.like(pointer, name=f"{pointer.name}_{stage}"),
        )
        m.d.sync += [later.eq(event), later_at.eq(pointer)]
        event, pointer = later, later_at
    return event, pointer
