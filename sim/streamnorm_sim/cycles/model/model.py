"""The cycle model: every handshake of a unit, without simulating it."""

from __future__ import annotations

from collections.abc import Mapping

from numpy.typing import ArrayLike

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.arrays import ArrayOrFile
from streamnorm.spec.config import NormConfig, checked_config
from streamnorm.spec.fusions import streams_of
from streamnorm.spec.values import boolean, shortened

from .ends import Ends
from .modelled import MODELLED
from .open_cycles import OpenCycles, open_cycles
from .rows import Rows, checked_lengths, checked_times
from .solver import Solver
from .trace import CycleTrace, Losses

__all__ = ["CycleModel", "CycleStream", "fused"]

PATTERN_BEATS_MAX = 1 << 24
"""Beats of one row where stalls are patterns: memory is that of the beats."""


class CycleModel:
    """In which cycle each beat enters and leaves an :class:`~streamnorm.verilog.axi.AxiNorm`, exactly.

    Cycle 0 is the first one with ``aresetn`` at 1. No parameters are loaded meanwhile. It works with arrays over rows
    while ready stays at 1, the sink takes every beat and a row's beats are offered one after the other; with arrays
    over beats where the latter two do not hold; and where ready falls, row by row or beat by beat. Which units it
    knows, and what computes each, stands in :data:`~.modelled.MODELLED`.

    Parameters
    ----------
    config : NormConfig

    Attributes
    ----------
    timing : Timing, TwoPassTiming or StaticTiming
        All that it knows of the unit that normalizes; what stands around it is read off when a stream begins.

    Raises
    ------
    ConfigError
        If no datapath reaches the accuracy asked for, it is given something else than a NormConfig, or does not know
        the unit.
    """

    def __init__(self, config: NormConfig) -> None:
        checked_config(config)
        if key := fused(config):
            raise ConfigError(f"{key}: the cycle model does not know such units; `streamnorm cycles --simulate` does")
        if not self.knows(config):
            key = f"architecture = {config.architecture!r}"
            raise ConfigError(f"{key}: the cycle model knows these units only: {', '.join(MODELLED)}")
        self.config = config
        self._modelled = MODELLED[_built_as(config)]
        self.timing = self._modelled.timing(config)

    def __repr__(self) -> str:
        return f"<CycleModel of {shortened(self.config.name, 20)}: {_built_as(self.config)}>"

    @staticmethod
    def knows(config: NormConfig) -> bool:
        """Whether the configuration's unit is one whose every cycle is modelled, all that is fused included."""
        return not fused(config) and _built_as(config) in MODELLED

    def run(
        self,
        lengths: ArrayOrFile,
        offered: ArrayLike | None = None,
        *,
        source: OpenCycles | ArrayLike | None = None,
        sink: OpenCycles | ArrayLike | None = None,
        beside: Mapping[str, OpenCycles | ArrayLike | None] | None = None,
        cut: bool = False,
    ) -> CycleTrace:
        """Return the cycles of some rows that come first after reset; see `stream` and `CycleStream.feed`."""
        return self.stream(source=source, sink=sink, beside=beside, cut=cut).feed(lengths, offered)

    def stream(
        self,
        *,
        source: OpenCycles | ArrayLike | None = None,
        sink: OpenCycles | ArrayLike | None = None,
        beside: Mapping[str, OpenCycles | ArrayLike | None] | None = None,
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
        beside : mapping of str to the same, optional
            Of streams beside the rows and the results, by their names; those that go in have rows of the same lengths,
            or a beat of each row, and all of it is there from the first cycle on.
        cut : bool
            Whether rows above ``max_length`` are allowed. The unit cuts them and swallows the excess.

        Raises
        ------
        ConfigError
            If a pattern is malformed or never open, or of a stream that there is not, or ``cut`` no bool.
        """
        boolean("cut", cut)
        names = streams_of((*self.config.side_inputs, *self.config.side_outputs))
        if other := [name for name in beside or {} if name not in names]:
            raise ConfigError(f"{other[0]}: the unit has no stream of that name beside its rows and results")
        ends = Ends(
            open_cycles("source", source),
            open_cycles("sink", sink),
            {name: open_cycles(name, pattern) for name, pattern in (beside or {}).items()},
            cut,
        )
        return CycleStream(self.config, self._modelled.solver(self.config, self.timing, ends), cut)


def fused(config: NormConfig) -> str:
    """Return the key of what is fused with the norm and not modelled; empty if there is nothing."""
    if config.row_scale is not None:
        return 'scale = "row" in [output]'
    if config.defer and config.formula.centred:
        return f"defer = true with norm = {config.norm!r}"
    behind = MODELLED.get(_built_as(config))
    if behind is None or behind.buffered:
        return ""
    with_it = {"residual": config.residual is not None, 'storage = "stream"': config.parameters_are_streamed}
    unit = "defer = true" if config.defer else f"norm = {config.norm!r}"
    return next((f"{key} with {unit}" for key, is_there in with_it.items() if is_there), "")


def _built_as(config: NormConfig) -> str:
    """The architecture that the configuration's comes to."""
    return Plan.of(config).report.architecture


class CycleStream:
    """A unit that is fed with rows part by part; made by `CycleModel.stream`.

    Attributes
    ----------
    losses : Losses
        Of all rows so far.
    rows : int
        How many there have been.
    """

    def __init__(self, config: NormConfig, solver: Solver, cut: bool) -> None:
        self._config, self._solver, self._cut = config, solver, cut
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
        if not self._solver.by_row and int(beats.max(initial=0)) > PATTERN_BEATS_MAX:
            raise ConfigError(
                f"lengths: with patterns, a row has {PATTERN_BEATS_MAX:,} beats at most, "
                f"{PATTERN_BEATS_MAX * self._config.lanes:,} elements"
            )
        if times is not None and len(times):
            self._offered = int(times[-1])
        trace = CycleTrace.join(self._solver.solve(Rows(beats, taken, times, by_beat)))
        self.losses += trace.losses
        self.rows += len(trace)
        return trace
