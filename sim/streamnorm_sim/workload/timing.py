"""Cycles of rows on one or many units, from the latency formulas of a plan."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streamnorm.plan import Plan

__all__ = ["Pool", "Rows", "Span"]

Rows = tuple[int, int]
"""Elements of a row, and how many such rows follow one another."""


@dataclass(frozen=True)
class Span:
    """Cycles of a run of rows, source and sink always willing, counted as `Latency` counts them.

    Attributes
    ----------
    taken : first beat in to last beat in
    total : first beat in to last beat out
    """

    taken: int
    total: int

    @property
    def exposed(self) -> int:
        """Last beat in to last beat out: what follows waits for it even if all before went on beside other work."""
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

    def busy(self, rows: Iterable[Rows]) -> int:
        """Unit cycles that rows take, of all units together."""
        return sum(self.cycles(length) * count for length, count in rows)

    def occupied(self, rows: Sequence[Rows]) -> int:
        """Cycles for which the rows occupy the unit that gets most of them."""
        return max(self.busy(self._dealt(rows, unit)) for unit in self._unlike(rows))

    def span(self, rows: Sequence[Rows]) -> Span:
        """Return how long the pool takes, from the first beat that comes in to the last that goes out."""
        spans = [self._one_unit(self._dealt(rows, unit)) for unit in self._unlike(rows)]
        return Span(taken=max(span.taken for span in spans), total=max(span.total for span in spans))

    def _unlike(self, rows: Sequence[Rows]) -> set[int]:
        """Some units among which is one like any other: which share of each group a unit gets changes only where a
        group's last round ends."""
        edges, start = {0}, 0
        for _, count in rows:
            start = (start + count) % self.units
            edges.add(start)
        return edges

    def _dealt(self, rows: Sequence[Rows], unit: int) -> list[Rows]:
        """Return the rows of one unit, rows being dealt to the units in turn."""
        result, before = [], 0
        for length, count in rows:
            share = (before + count - unit - 1) // self.units - (before - unit - 1) // self.units
            result.append((length, share))
            before += count
        return result

    def _one_unit(self, rows: Sequence[Rows]) -> Span:
        """Rows go in one behind the other; a row goes out once it is in and the row before it is out.

        With t the cycle of a row's last beat in: its statistic starts at max(t, start of the row before + interval),
        its first beat is out L2 later or behind the row before, and the others follow without a gap. Rows that take
        fewer beats than the interval are taken to come in at SS, though queues inside let some in earlier: for a row
        behind them the result is an upper bound.
        """
        begin, last_in, last_out, interval = 0, -1, -1, self.plan.interval
        start = -interval
        for length, count in rows:
            if not count:
                continue
            latency, beats = self.plan.latency(length), self._beats(length)
            first_in = begin + beats - 1
            last_in = first_in + (count - 1) * latency.SS
            begin += count * latency.SS
            # Within the group starts and ends are the larger of straight lines, so the first and last row decide.
            first_start = max(start + interval, first_in)
            start = max(first_start + (count - 1) * interval, last_in)
            last_out = max(
                last_out + count * beats, first_start + latency.L2 - 1 + count * beats, start + latency.L2 - 1 + beats
            )
        return Span(taken=max(last_in, 0), total=max(last_out, 0))

    def _beats(self, length: int) -> int:
        return -(-length // self.plan.config.lanes)
