"""Cycle counts of a unit, measured: L1, L2, L3 and SS."""

from dataclasses import dataclass

import numpy as np

from streamnorm.errors import CheckFailed, ConfigError
from streamnorm.spec.config import NormConfig, checked_config
from streamnorm.spec.values import integer_between
from streamnorm_sim.cells import GateNetlist
from streamnorm_sim.engines import DEFAULT_ENGINE, run
from streamnorm_sim.reference.rows import uniform_beside, uniform_elements
from streamnorm_sim.streams.seeds import seeded
from streamnorm_sim.streams.stalls import NO_STALL
from streamnorm_sim.streams.trace import Trace
from streamnorm_sim.streams.traffic import Traffic

_FLIGHT_CYCLES = 128  # more than any unit's latency: rows for as long as this fill it


@dataclass(frozen=True)
class Measured:
    """Cycles between accepted beats, ready and valid held at 1; a wire scores 0, one register 1.

    Attributes
    ----------
    L1 : int
        First input beat to first output beat of a row.
    L2 : int
        Last input beat to first output beat.
    L3 : int
        First input beat to last output beat.
    SS : float
        Cycles per row, rows back to back.
    """

    L1: int
    L2: int
    L3: int
    SS: float

    def to_dict(self) -> dict[str, int | float]:
        """Return the four as JSON values, SS an integer where it is whole."""
        return {**vars(self), "SS": int(self.SS) if self.SS.is_integer() else self.SS}


def measure(trace: Trace) -> Measured:
    """Take L1, L2 and L3 from a trace's first row, and SS from the second half of its rows.

    Raises
    ------
    ConfigError
        If the run has fewer than two rows, stalls, loads or a reset, or its rows have not all as many beats.
    CheckFailed
        If not as many rows came out as went in, or the first not as long.
    """
    traffic = trace.traffic
    if traffic.source != NO_STALL or traffic.sink != NO_STALL or traffic.loads or traffic.reset_at is not None:
        raise ConfigError("cycles are measured in a run without stalls, loads and reset")
    if traffic.batch is not None:  # the run has encoded it, which takes long
        ends_in = np.cumsum(-(-traffic.batch.lengths // trace.config.lanes)) - 1
    else:
        ends_in = np.flatnonzero(traffic.encode(trace.config).last)
    if len(ends_in) < 2 or (np.diff(ends_in) != ends_in[0] + 1).any():
        raise ConfigError("cycles are measured on two or more rows of as many beats each")
    ends_out = np.flatnonzero(trace.outputs.last)
    if len(ends_out) != len(ends_in) or ends_out[0] != ends_in[0]:
        raise CheckFailed(f"{len(ends_in)} rows went in, {len(ends_out)} came out, or the first is not as long")
    first_in, last_in = trace.input_cycles[0], trace.input_cycles[ends_in[0]]
    first_out, last_out = trace.output_cycles[0], trace.output_cycles[ends_out[0]]
    return Measured(
        L1=int(first_out - first_in), L2=int(first_out - last_in), L3=int(last_out - first_in), SS=steady_cycles(trace)
    )


def steady_cycles(trace: Trace) -> float:
    """Return the cycles from row to row over the second half of a trace's rows, two or more; stalls count."""
    ends = np.flatnonzero(trace.outputs.last)
    steady = trace.output_cycles[ends[(len(ends) - 1) // 2 :]]
    return float((steady[-1] - steady[0]) / (len(steady) - 1))


def measure_cycles(
    config: NormConfig,
    n: int | None = None,
    *,
    engine: str = DEFAULT_ENGINE,
    seed: int = 0,
    netlist: GateNetlist | None = None,
) -> Measured:
    """Run rows of ``n`` elements (default: ``max_length``) back to back, enough to fill a unit, and measure.

    ``engine`` and ``netlist`` are those of `streamnorm_sim.engines.run`.

    Raises
    ------
    ConfigError
        If ``n`` is no integer from 1 to ``max_length``, or the seed is none from 0 to `SEED_MAX`.
    """
    checked_config(config)
    rng = seeded(seed)
    length = config.max_length if n is None else integer_between("n", n, 1, config.max_length, " (max_length)")
    beats = -(-length // config.lanes)
    count = 4 + 2 * (_FLIGHT_CYCLES // beats)
    rows = uniform_elements(config, rng, (count, length))
    beside = uniform_beside(config, rng, [length] * count)
    return measure(run(config, Traffic(rows=rows, beside=beside), engine, netlist=netlist))
