"""What the cycle model returns: the cycle of every handshake, and where cycles were lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from .chains import contiguous

__all__ = ["CycleTrace", "Losses", "Runs"]

Cycles = NDArray[np.int64]


@dataclass(frozen=True)
class Losses:
    """Cycles without a handshake, by cause. What is not lost is a beat, at either end:

    - input: last accepted beat - first cycle after reset + 1 = beats + ``source`` + ``slots`` + ``buffer`` +
      ``beside``;
    - output: last output beat - first cycle after reset + 1 = beats + ``fill`` + ``rows`` + ``interval`` + ``sink``.

    Attributes
    ----------
    source : ready, or about to be, but the source had no beat to offer
    slots : a beat was offered, but as many rows were on their way as have a place, or, where rows go through, as many
        scales
    buffer : a beat was offered and there was a place for the row, but the row buffer was full (of two, the one that it
        comes in to); without one, the output queue
    beside : a beat was offered, but the one that goes with it was not there on a stream beside, or the queue of what
        leaves beside was full
    fill : up to the first output beat, its row's arrival included
    rows : no output beat, since the next row had not come in, or its statistic, or gamma and beta that come with it,
        were under way; without one, its next beat
    interval : the same, but only because the statistic had not yet been free for the row; where results are scaled by
        the largest of their row, what finds the scale
    sink : an output beat waited for the sink, or for room in the queue of a further result
    credits : issues put off because an output queue was full, the sum over all beats; what is lost by it is in
        ``slots``, ``buffer`` and ``sink``
    """

    source: int = 0
    slots: int = 0
    buffer: int = 0
    beside: int = 0
    fill: int = 0
    rows: int = 0
    interval: int = 0
    sink: int = 0
    credits: int = 0

    def __add__(self, other: Losses) -> Losses:
        return Losses(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(Losses)})

    def to_dict(self) -> dict[str, int]:
        """Return them as JSON values."""
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class Runs:
    """Cycles of beats, as runs of one beat a cycle: ``counts[i]`` beats from ``starts[i]`` on; None: 1 each."""

    starts: Cycles
    counts: Cycles | None = None

    def cycles(self) -> Cycles:
        """Return the cycle of every beat."""
        return self.starts if self.counts is None else contiguous(self.starts, self.counts)


@dataclass(frozen=True, eq=False)
class CycleTrace:
    """The cycle of every handshake of some whole rows. Cycle 0 is the first one with ``aresetn`` at 1.

    Attributes
    ----------
    beats_in, beats_out : int64 (rows,)
        Beats of each row; fewer come out of a row that was cut.
    first_in, last_in, first_out, last_out : int64 (rows,)
        Cycles of each row's first and last beat.
    losses : Losses
        Of these rows.
    """

    beats_in: Cycles
    beats_out: Cycles
    first_in: Cycles
    last_in: Cycles
    first_out: Cycles
    last_out: Cycles
    losses: Losses
    _inputs: Sequence[Runs] = field(repr=False)
    _outputs: Sequence[Runs] = field(repr=False)

    def __len__(self) -> int:
        return len(self.beats_in)

    def __repr__(self) -> str:
        return f"<CycleTrace of {len(self)} rows: {self.cycles} cycles>"

    @property
    def input_cycles(self) -> Cycles:
        """Cycle in which each input beat was accepted, int64 (input beats,); worked out when asked for."""
        return _joined([runs.cycles() for runs in self._inputs])

    @property
    def output_cycles(self) -> Cycles:
        """Cycle in which each output beat was taken, int64 (output beats,); worked out when asked for."""
        return _joined([runs.cycles() for runs in self._outputs])

    @property
    def cycles(self) -> int:
        """Cycles up to and including the last handshake; 0 without rows."""
        return int(max(self.last_in[-1], self.last_out[-1])) + 1 if len(self) else 0

    @classmethod
    def join(cls, parts: Sequence[CycleTrace]) -> CycleTrace:
        """Return the trace of consecutive parts."""
        names = ("beats_in", "beats_out", "first_in", "last_in", "first_out", "last_out")
        return cls(
            *(_joined([getattr(part, name) for part in parts]) for name in names),
            losses=sum((part.losses for part in parts), Losses()),
            _inputs=[runs for part in parts for runs in part._inputs],
            _outputs=[runs for part in parts for runs in part._outputs],
        )


def _joined(arrays: Sequence[Cycles]) -> Cycles:
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate(arrays) if arrays else np.zeros(0, np.int64)
