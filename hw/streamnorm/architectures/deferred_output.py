"""The way of a row's scale beside the rows that it is of: squares, statistic, and a queue of its own."""

from amaranth.hdl import Elaboratable, Module, Mux, Signal, signed
from amaranth.lib import stream

from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import DeferredScale
from streamnorm.units import ingest
from streamnorm.units.deferred_statistic import DeferredStatistic
from streamnorm.units.ingest import Ingest
from streamnorm.units.moments import Moments
from streamnorm.units.output_queue import OutputQueue
from streamnorm.units.streams import side_layout

from .connections import connect_moments, delays
from .report import Stage

__all__ = ["DeferredOutput"]


class DeferredOutput(Elaboratable):
    """The scales of rows, beside a unit that buffers them: n and S1 are that unit's, S2 is worked out here.

    A row keeps its slot in the unit until its first beat is issued and its scale has left the memory of the queue here,
    which has as many places: so scales that nobody takes keep further rows out, and those inside leave all the same.

    Parameters
    ----------
    config : NormConfig, with ``defer``
    moments : the unit's, with n and S1

    Attributes
    ----------
    row_issued, row_released : Signal; the row's first beat has gone, and now the row keeps its slot no longer
    counted : cycles that a row counts because of its scale, from the cycle after its last beat on
    signature : of the stream that ``queue``, there behind :meth:`attach`, gives
    end_to_pop : cycles from a row's last beat to its scale's leaving the memory of that queue, if it is empty
    stages : on the way from a row's last beat to its scale
    """

    LATER = 1
    """Cycles from both to ``row_released``."""

    def __init__(self, config: NormConfig, moments: Moments) -> None:
        self._config, self._moments = config, moments
        self._squares = squares = Moments(config, outputs=("s2",))
        cycles = (moments.n_cycle, moments.s1_cycle, squares.s2_cycle)
        self._statistic = statistic = DeferredStatistic(config, squares, cycles=cycles)
        self.counted = ingest.LATENCY - 1 + statistic.scale_cycle + 1 + self.LATER
        self._layout = side_layout(config, DeferredScale.side(config), flagged=True)
        self.signature = stream.Signature(self._layout)
        self.row_issued = Signal()
        self.row_released = Signal()
        self.multipliers = {"squares": squares.multipliers, "scale": statistic.multipliers}
        self.tables = {f"{name} of the scale": block_rams for name, block_rams in statistic.tables.items()}

    def attach(self, entry: Ingest, *, rows: int) -> None:
        """Beats come from ``entry``; so many rows may be inside."""
        self._entry, self._rows = entry, rows
        queue = self.queue = OutputQueue(self._layout, depth=rows, family=self._config.device.family.primitives)
        # The last of the queue's cycles is its output register.
        self.end_to_pop = ingest.LATENCY + self._statistic.scale_cycle + queue.latency - 1

    @property
    def stages(self) -> tuple[Stage, ...]:
        begin = self._squares.s2_cycle
        steps = []
        for step in self._statistic.steps:
            steps.append(Stage(step.name, step.cycle - begin, step.meaning))
            begin = step.cycle
        return (
            Stage("ingest", ingest.LATENCY, self._entry.about),
            Stage("moments", self._squares.s2_cycle, self._squares.about),
            *steps,
            Stage("scale queue", self.queue.latency, self.queue.about),
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.squares = squares = self._squares
        m.submodules.statistic = statistic = self._statistic
        m.submodules.queue = queue = self.queue
        entry, moments = self._entry, self._moments
        connect_moments(m, entry, squares)
        wait = statistic.scale_cycle
        row_end = entry.valid & entry.last
        m.d.comb += [
            statistic.n.eq(moments.n),
            statistic.s1.eq(moments.s1),
            statistic.s2.eq(squares.s2),
            queue.write.eq(delays(m, row_end, wait, "row_end")[wait]),
            queue.write_data.data[0].eq(statistic.scale),
            queue.write_data.keep.eq(1),
            queue.write_data.last.eq(1),
            # Ingest tells of the error a cycle later.
            queue.write_data.error.eq(delays(m, entry.error, wait - 1, "row_error")[wait - 1]),
        ]

        # How many rows have gone whose scales have not; negative where scales are ahead.
        ahead = Signal(signed(self._rows.bit_length() + 1))
        issued, scale_gone = self.row_issued, queue.released
        both = Mux(ahead > 0, scale_gone, issued & (scale_gone | (ahead < 0)))
        m.d.sync += [ahead.eq(ahead + issued - scale_gone), self.row_released.eq(both)]
        return m
