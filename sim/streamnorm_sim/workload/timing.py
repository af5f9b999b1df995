"""Cycles of rows on one or many units, from the latency formulas of a plan."""

from collections.abc import Sequence
from dataclasses import dataclass

from streamnorm.plan import Plan

__all__ = ["LOAD_CYCLES", "Pool", "Rows", "Run", "Span"]

Rows = tuple[int, int]
"""Elements of a row, and how many such rows follow one another."""

LOAD_CYCLES = 11
"""Cycles of a load of gamma and beta besides its beats: the unit comes to rest, and lets the next row in."""


@dataclass(frozen=True)
class Run:
    """Rows that follow one another, with no load among them.

    Attributes
    ----------
    rows : in the order in which they go in
    loaded : elements of the gamma and beta that are loaded before, once the rows before have left; 0: none
    """

    rows: tuple[Rows, ...]
    loaded: int = 0


@dataclass(frozen=True)
class Span:
    """Cycles of runs of rows, source and sink always willing, counted as `Latency` counts them.

    Attributes
    ----------
    taken : first beat in to last beat in, of each run
    total : first beat in to last beat out, of each run, and all loads
    loading : of these, cycles of loads
    """

    taken: int
    total: int
    loading: int = 0

    @property
    def exposed(self) -> int:
        """Loads, and last beat in to last beat out: what follows waits for it even if all else went on beside other
        work. A load is among it because no row may be inside meanwhile."""
        return self.total - self.taken

    @property
    def hidden(self) -> int:
        """The other cycles, in which what feeds the units is still at work if it keeps their rate."""
        return self.taken


@dataclass(frozen=True)
class Pool:
    """Equal units that take rows in turn, each with its own input and output.

    Rows do not wait for rows of other units: a row is worked off by one unit. So several units shorten a step of
    many rows, not a single row.
    """

    plan: Plan
    units: int = 1

    def cycles(self, length: int) -> int:
        """Cycles for which a row of ``length`` elements occupies a unit, SS of its plan."""
        return self.plan.latency(length).SS

    def load(self, length: int) -> int:
        """Cycles that a load of so many elements adds, from the last beat out before it to the first beat in behind."""
        config = self.plan.config
        beats = self._beats(length) if config.parameter_repeat == 1 else -(-length // config.parameter_repeat)
        return beats + LOAD_CYCLES if length else 0

    def busy(self, runs: Sequence[Run]) -> int:
        """Unit cycles that rows and loads take, of all units together; a unit without rows of a run loads nothing."""
        return sum(
            sum(self.cycles(length) * count for length, count in run.rows)
            + self.load(run.loaded) * min(self.units, sum(count for _, count in run.rows))
            for run in runs
        )

    def occupied(self, runs: Sequence[Run]) -> int:
        """Cycles for which rows and loads occupy the unit that gets most of them."""
        one = Pool(self.plan)
        return max(one.busy(self._dealt(runs, unit)) for unit in self._unlike(runs))

    def span(self, runs: Sequence[Run]) -> Span:
        """Return how long the pool takes, from the first beat that comes in to the last that goes out.

        Loads before the first row are counted too.
        """
        spans = [self._alone(self._dealt(runs, unit)) for unit in self._unlike(runs)]
        return Span(
            taken=max(span.taken for span in spans),
            total=max(span.total for span in spans),
            loading=max(span.loading for span in spans),
        )

    def _unlike(self, runs: Sequence[Run]) -> set[int]:
        """Some units among which is one like any other: which share of each group a unit gets changes only where a
        group's last round ends."""
        edges, start = {0}, 0
        for run in runs:
            for _, count in run.rows:
                start = (start + count) % self.units
                edges.add(start)
        return edges

    def _dealt(self, runs: Sequence[Run], unit: int) -> list[Run]:
        """Return the runs of one unit, rows being dealt to the units in turn."""
        result, before = [], 0
        for run in runs:
            own = []
            for length, count in run.rows:
                share = (before + count - unit - 1) // self.units - (before - unit - 1) // self.units
                before += count
                if share:
                    own.append((length, share))
            if own:
                result.append(Run(tuple(own), run.loaded))
        return result

    def _alone(self, runs: Sequence[Run]) -> Span:
        """One unit does run after run; behind a load it is as it was in the beginning.

        Runs without a load between them never come: they would be one.
        """
        spans = [self._one_unit(run.rows) for run in runs]
        loading = sum(self.load(run.loaded) for run in runs)
        return Span(
            taken=sum(span.taken for span in spans), total=sum(span.total for span in spans) + loading, loading=loading
        )

    def _one_unit(self, rows: Sequence[Rows]) -> Span:
        """Rows go in one behind the other; a row goes out once it is in and the row before it is out.

        With t the cycle of the last beat in that a row's statistic needs: it starts at max(t, start of the row before +
        interval), the row's first beat is out as many cycles later as L2 of a row that ends there, or behind the row
        before, and the others follow without a gap. Rows that take
        fewer beats than the interval are taken to come in at SS, though queues inside let some in earlier: for a row
        behind them the result is an upper bound.
        """
        begin, last_in, last_out, interval = 0, -1, -1, self.plan.interval
        start = -interval
        for length, count in rows:
            latency, beats = self.plan.latency(length), self._beats(length)
            first_in = begin + beats - 1
            last_in = first_in + (count - 1) * latency.SS
            begin += count * latency.SS
            # Within the group starts and ends are the larger of straight lines, so the first and last row decide.
            ahead = self.plan.report.beats_after_statistic(beats)
            first_start = max(start + interval, first_in - ahead)
            start = max(first_start + (count - 1) * interval, last_in - ahead)
            to_output = latency.L2 + ahead - 1
            last_out = max(last_out + count * beats, first_start + to_output + count * beats, start + to_output + beats)
        return Span(taken=max(last_in, 0), total=max(last_out, 0))

    def _beats(self, length: int) -> int:
        return -(-length // self.plan.config.lanes)
