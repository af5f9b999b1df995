"""The cycle model: every handshake of a unit, without simulating it."""

from __future__ import annotations

from numpy.typing import ArrayLike

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.architectures import ONE_PASS
from streamnorm.spec.arrays import ArrayOrFile
from streamnorm.spec.config import NormConfig, checked_config
from streamnorm.spec.values import boolean, shortened

from . import by_beat, by_row
from .context import Context
from .open_cycles import OpenCycles, open_cycles
from .rows import Rows, checked_lengths, checked_times
from .state import State
from .timing import Timing
from .trace import CycleTrace, Losses

__all__ = ["CycleModel", "CycleStream"]

PATTERN_BEATS_MAX = 1 << 24
"""Beats of one row where stalls are patterns: memory is that of the beats."""

_FEW, _MANY = 1 << 9, 1 << 15
"""Rows, or beats, worked on at once: few where ready has just fallen or risen, then twice as many each time."""


class CycleModel:
    """In which cycle each beat enters and leaves an :class:`~streamnorm.verilog.axi.AxiNorm`, exactly.

    Cycle 0 is the first one with ``aresetn`` at 1. No parameters are loaded meanwhile. It works with arrays over rows
    while ready stays at 1, the sink takes every beat and a row's beats are offered one after the other; with arrays
    over beats where the latter two do not hold; and where ready falls, row by row or beat by beat.

    Parameters
    ----------
    config : NormConfig

    Attributes
    ----------
    timing : Timing
        All that it knows of the unit.

    Raises
    ------
    ConfigError
        If no datapath reaches the accuracy asked for, it is given something else than a NormConfig, or does not know
        the unit.
    """

    def __init__(self, config: NormConfig) -> None:
        checked_config(config)
        if not self.knows(config):
            raise ConfigError(f"architecture = {config.architecture!r}: the cycle model knows the one-pass unit only")
        self.config = config
        self.timing = Timing.of(config)

    def __repr__(self) -> str:
        return f"<CycleModel of {shortened(self.config.name, 20)}: {Plan.of(self.config).report.architecture}>"

    @staticmethod
    def knows(config: NormConfig) -> bool:
        """Whether the configuration's unit is one whose every cycle is modelled: the one-pass unit."""
        return Plan.of(config).report.architecture == ONE_PASS

    def run(
        self,
        lengths: ArrayOrFile,
        offered: ArrayLike | None = None,
        *,
        source: OpenCycles | ArrayLike | None = None,
        sink: OpenCycles | ArrayLike | None = None,
        cut: bool = False,
    ) -> CycleTrace:
        """Return the cycles of some rows that come first after reset; see `stream` and `CycleStream.feed`."""
        return self.stream(source=source, sink=sink, cut=cut).feed(lengths, offered)

    def stream(
        self,
        *,
        source: OpenCycles | ArrayLike | None = None,
        sink: OpenCycles | ArrayLike | None = None,
        cut: bool = False,
    ) -> CycleStream:
        """Return a unit just reset, to be fed with rows part by part: memory is that of a part.

        Parameters
        ----------
        source : array or None
            When a beat that is not on the bus yet may be put there; once there it stays. None: always. Booleans,
            (cycles,): in cycle t where element t modulo the length is true. Integers, (intervals, 2): not from the
            first to before the second cycle of any pair.
        sink : array or None
            When ``m_axis_tready`` is 1, in the same forms.
        cut : bool
            Whether rows above ``max_length`` are allowed. The unit cuts them and swallows the excess.

        Raises
        ------
        ConfigError
            If a pattern is malformed or never open, or ``cut`` no bool.
        """
        boolean("cut", cut)
        context = Context(self.timing, open_cycles("source", source), open_cycles("sink", sink))
        return CycleStream(self.config, context, cut)


class CycleStream:
    """A unit that is fed with rows part by part; made by `CycleModel.stream`.

    Attributes
    ----------
    losses : Losses
        Of all rows so far.
    rows : int
        How many there have been.
    """

    def __init__(self, config: NormConfig, context: Context, cut: bool) -> None:
        self._config, self._context, self._cut = config, context, cut
        self._state = State.after_reset(context.timing)
        self._offered = 0
        self.losses = Losses()
        self.rows = 0

    def __repr__(self) -> str:
        return f"<CycleStream of {shortened(self._config.name, 20)}: {self.rows} rows so far>"

    def feed(self, lengths: ArrayOrFile, offered: ArrayLike | None = None) -> CycleTrace:
        """Return the cycles of the next rows. Nothing that comes after them changes these any more.

        Parameters
        ----------
        lengths : integers (rows,)
            Elements of each row.
        offered : integers (rows,) or (beats,), optional
            From which cycle on the source has each row, then its beats one after the other, or each beat. Never
            decreasing. A beat waits for those ahead of it. Absent: from the first cycle on.

        Raises
        ------
        ConfigError
            If lengths are no integers, below 1, or above ``max_length`` although rows are not to be cut; if times are
            no integers, not as many as rows or beats, negative or decreasing; or either beyond `CYCLES_MAX`; or a row
            is of more than `PATTERN_BEATS_MAX` beats and a source or sink has a pattern. Nothing has then been fed.
        """
        beats, taken = checked_lengths(self._config, lengths, self._cut)
        times, by_beat = checked_times(offered, len(beats), int(beats.sum()), self._offered)
        if not self._context.by_row and int(beats.max(initial=0)) > PATTERN_BEATS_MAX:
            raise ConfigError(
                f"lengths: with patterns, a row has {PATTERN_BEATS_MAX:,} beats at most, "
                f"{PATTERN_BEATS_MAX * self._config.lanes:,} elements"
            )
        if times is not None and len(times):
            self._offered = int(times[-1])
        trace = CycleTrace.join(self._solve(Rows(beats, taken, times, by_beat)))
        self.losses += trace.losses
        self.rows += len(trace)
        return trace

    def _solve(self, rows: Rows) -> list[CycleTrace]:
        context, state = self._context, self._state
        by_row_now = context.by_row and not rows.by_beat
        unhindered = by_row.solve_unhindered if by_row_now else by_beat.solve_unhindered
        bounds = rows.bounds
        parts: list[CycleTrace] = []
        start, many, few = 0, _MANY, _FEW

        def whole_rows(beats: int) -> int:
            """Where rows of so many beats end, from ``start`` on; at least one row."""
            return max(start + 1, int(bounds.searchsorted(bounds[start] + beats, side="right")) - 1)

        while start < len(rows):
            stop = min(start + many, len(rows)) if by_row_now else whole_rows(many)
            part = unhindered(context, state, rows.part(start, stop))
            if part is not None:
                parts.append(part)
                start += len(part)
                many = min(2 * many, _MANY)
            if start == stop:
                few = _FEW
                continue
            # Ready may fall: some rows the slow way, and more of them each time that it still falls after these.
            many, part = _FEW, None
            if by_row_now:
                stop = min(start + few, len(rows))
                part = by_row.solve_in_turn(context, state, rows.part(start, stop))
            if part is None:
                stop = whole_rows(_FEW if by_row_now else few)
                part = by_beat.solve_waiting(context, state, rows.part(start, stop))
            parts.append(part)
            start += len(part)
            if start == stop:
                few = min(2 * few, _MANY)
            else:
                few = max(_FEW, len(part) if by_row_now else int(part.beats_in.sum()))
        return parts
