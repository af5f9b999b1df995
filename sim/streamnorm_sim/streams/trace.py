"""What came out of one run: beats, the cycle of every handshake, and the rows they make up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.values import shortened

from .beats import Beats, decode_rows, decode_side
from .joined import rows_of
from .rows import RowBatch, turns
from .traffic import Traffic


@dataclass(frozen=True, eq=False)
class SideOutput:
    """What came out on a stream beside the results.

    Attributes
    ----------
    beats : Beats, ``user`` being the error flag
    cycles : int64 (beats,)
        Cycle in which each was taken.
    """

    beats: Beats
    cycles: NDArray[np.int64]


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
    sides : mapping of str to SideOutput
        What came out on the streams beside the results, by their names.
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
    sides: Mapping[str, SideOutput] = field(default_factory=dict)

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
        sides: Mapping[str, SideOutput] | None = None,
    ) -> "Trace":
        """Make a trace of what an engine has recorded; the other attributes follow."""
        sides = {} if sides is None else sides
        handshakes = (input_cycles, load_cycles, output_cycles, *(side.cycles for side in sides.values()))
        return cls(
            config,
            traffic,
            engine,
            outputs,
            input_cycles,
            load_cycles,
            output_cycles,
            1 + max(int(array.max(initial=-1)) for array in handshakes),
            seconds,
            _before_reset(traffic, output_cycles),
            sides,
        )

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
        return _decoded(partial(decode_rows, self.config), self.outputs, self.outputs_before_reset)

    @cached_property
    def rows_beside(self) -> dict[str, RowBatch]:
        """The rows that came out on the streams beside the results, by their names; as `rows`."""
        return {
            side.name: _decoded(
                partial(decode_side, self.config, side), out.beats, _before_reset(self.traffic, out.cycles)
            )
            for side in self.config.side_outputs
            if (out := self.sides[side.name])
        }

    @cached_property
    def answered(self) -> NDArray[np.int64]:
        """Index, among ``traffic.received(config)``, of the row that each output row must be the answer to.

        Without a reset that is every row. With one, it is as many of the first rows as came out whole before
        it, and every row that the source began after it.
        """
        return self._answered(self.outputs, self.outputs_before_reset)

    def _answered(self, outputs: Beats, split: int | None) -> NDArray[np.int64]:
        received = len(self.traffic.received(self.config))
        if split is None:
            return np.arange(received)
        config, traffic = self.config, self.traffic
        starts = rows_of(config, traffic.encode(config), traffic.encode_beside(config)).starts
        reset_at = self.traffic.reset_at or 0
        whole = int(np.count_nonzero(outputs.last[:split]))
        resumed = np.flatnonzero(self.input_cycles[starts] >= reset_at)
        return np.concatenate([np.arange(whole), resumed[resumed < received]]).astype(np.int64)

    @property
    def expected(self) -> RowBatch:
        """The input rows, as the unit must see them, that the output rows are answers to, one for one.

        Where rows take the banks in turn, those after a reset begin with bank 0.
        """
        return self._expected(self.outputs, self.outputs_before_reset)

    @property
    def expected_beside(self) -> dict[str, RowBatch]:
        """The same for the rows that come out on each stream beside the results, by its name."""
        ahead = {side.name for side in self.config.side_outputs if side.ahead}
        return {
            name: self._expected(side.beats, _before_reset(self.traffic, side.cycles), ahead=name in ahead)
            for name, side in self.sides.items()
        }

    def _expected(self, outputs: Beats, split: int | None, *, ahead: bool = False) -> RowBatch:
        rows = self.traffic.received(self.config, ahead=ahead).select(self._answered(outputs, split))
        if split is None or self.config.bank_order == "given":
            return rows
        whole = int(np.count_nonzero(outputs.last[:split]))
        banks = [turns(self.config, count) for count in (whole, len(rows) - whole)]
        return replace(rows, banks=np.concatenate(banks))


def _before_reset(traffic: Traffic, cycles: NDArray[np.int64]) -> int | None:
    return None if traffic.reset_at is None else int(np.count_nonzero(cycles < traffic.reset_at))


def _decoded(decode: Callable[..., RowBatch], beats: Beats, split: int | None) -> RowBatch:
    if split is None:
        return decode(beats)
    return RowBatch.join(decode(beats[:split], cut_short=True), decode(beats[split:]))
