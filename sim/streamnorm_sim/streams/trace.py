"""What came out of one run: beats, the cycle of every handshake, and the rows they make up."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.values import shortened

from .beats import Beats, decode_rows
from .rows import RowBatch, turns
from .stimulus import Stimulus
from .traffic import Traffic, row_bounds


@dataclass(frozen=True, eq=False)
class Trace:
    """Record of one run. Cycle 0 is the first one after the reset that every run begins with.

    Attributes
    ----------
    config, traffic : NormConfig, Traffic
        What was run.
    engine : str
        On which engine.
    outputs : Beats
        Every beat that came out, ``user`` being the error flag and the row's others; also beats that should not have
        come.
    input_cycles : int64 (input beats,)
        Cycle in which each input beat was accepted; -1 for one that a reset made the source abandon.
    load_cycles : int64 (parameter beats,)
        The same on the parameter stream.
    output_cycles : int64 (output beats,)
        Cycle in which each output beat was taken.
    cycles : int
        Cycles up to and including the last handshake.
    seconds : float
        Wall time of the run, without building anything.
    outputs_before_reset : int or None
        Output beats taken before ``traffic.reset_at``; None in a run without reset.
    """

    config: NormConfig
    traffic: Traffic
    engine: str
    outputs: Beats
    input_cycles: NDArray[np.int64]
    load_cycles: NDArray[np.int64]
    output_cycles: NDArray[np.int64]
    cycles: int
    seconds: float
    outputs_before_reset: int | None = None

    @classmethod
    def of(
        cls,
        config: NormConfig,
        traffic: Traffic,
        engine: str,
        *,
        outputs: Beats,
        input_cycles: NDArray[np.int64],
        load_cycles: NDArray[np.int64],
        output_cycles: NDArray[np.int64],
        seconds: float,
    ) -> "Trace":
        """Make a trace of what an engine has recorded; the other attributes follow."""
        handshakes = (input_cycles, load_cycles, output_cycles)
        split = None
        if traffic.reset_at is not None:
            split = int(np.count_nonzero(output_cycles < traffic.reset_at))
        cycles = 1 + max(int(array.max(initial=-1)) for array in handshakes)
        return cls(config, traffic, engine, outputs, input_cycles, load_cycles, output_cycles, cycles, seconds, split)

    def __repr__(self) -> str:
        beats = f"{len(self.input_cycles)} beats in, {len(self.outputs)} out"
        return f"<Trace of {shortened(self.config.name, 20)} on {self.engine}: {beats}, {self.cycles} cycles>"

    @property
    def cycles_per_second(self) -> float:
        """Simulated cycles per second of wall time."""
        return self.cycles / max(self.seconds, 1e-9)

    @cached_property
    def rows(self) -> RowBatch:
        """The rows that came out; after a reset, without the row it cut.

        Raises
        ------
        CheckFailed
            If the output stream is malformed; see `decode_rows`.
        """
        split = self.outputs_before_reset
        if split is None:
            return decode_rows(self.config, self.outputs)
        before = decode_rows(self.config, self.outputs[:split], cut_short=True)
        after = decode_rows(self.config, self.outputs[split:])
        return RowBatch.join(before, after)

    @cached_property
    def answered(self) -> NDArray[np.int64]:
        """Index, among ``traffic.received(config)``, of the row that each output row must be the answer to.

        Without a reset that is every row. With one, it is as many of the first rows as came out whole before
        it, and every row that the source began after it.
        """
        received = len(self.traffic.received(self.config))
        split = self.outputs_before_reset
        if split is None:
            return np.arange(received)
        stimulus = Stimulus.of(self.config, self.traffic)
        starts, _ = row_bounds(stimulus.rows.beats.last)
        reset_at = self.traffic.reset_at or 0
        whole = int(np.count_nonzero(self.outputs.last[:split]))
        resumed = np.flatnonzero(self.input_cycles[starts] >= reset_at)
        return np.concatenate([np.arange(whole), resumed[resumed < received]]).astype(np.int64)

    @property
    def expected(self) -> RowBatch:
        """The input rows, as the unit must see them, that the output rows are answers to, one for one.

        Where rows take the banks in turn, those after a reset begin with bank 0.
        """
        rows = self.traffic.received(self.config).select(self.answered)
        split = self.outputs_before_reset
        if split is None or self.config.bank_order == "given":
            return rows
        whole = int(np.count_nonzero(self.outputs.last[:split]))
        banks = [turns(self.config, count) for count in (whole, len(rows) - whole)]
        return replace(rows, banks=np.concatenate(banks))
