"""Cycle counts of a unit for rows of one length: computed, or measured in simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from streamnorm.errors import CheckFailed, ConfigError
from streamnorm.plan import Limits, Plan
from streamnorm.spec.config import NormConfig, checked_config
from streamnorm.spec.fusions import streams_of
from streamnorm.spec.values import integer_between, shortened
from streamnorm_sim.check.measure import measure, steady_cycles
from streamnorm_sim.engines import run
from streamnorm_sim.reference.rows import uniform_beside, uniform_elements
from streamnorm_sim.streams.rows import ROWS_MAX
from streamnorm_sim.streams.seeds import checked_seed, seeded
from streamnorm_sim.streams.stalls import NO_STALL, Stall, check_stalls, open_patterns
from streamnorm_sim.streams.trace import Trace
from streamnorm_sim.streams.traffic import Traffic

from . import CycleModel, CycleStream, CycleTrace, Losses, predict
from .clocks import PlacedClock, at_clock, measured_clock
from .model.timing import FIRST_CYCLE

__all__ = ["CycleCounts", "computed", "simulated"]

SIMULATED_MAX = 1 << 26
"""Elements of a batch that is simulated: all of them are in memory at once."""
_PART_BEATS = 1 << 17


@dataclass(frozen=True, kw_only=True)
class CycleCounts:
    """What rows of one length cost.

    Attributes
    ----------
    config : NormConfig
    length, rows : int
        Elements of each row; rows of the batch.
    L1, L2, L3 : int
        Cycles of the first row, alone in the unit and without stalls: first beat in to first out, last in to first out,
        first in to last out.
    SS : float
        Cycles from row to row, without stalls: over the second half of the batch.
    stalled_SS : float or None
        The same with the stalls asked for; None without. What is random comes out the better, the more rows there are.
    batch : int
        Cycles from the first cycle after reset to the batch's last output beat, with the stalls asked for.
    losses : Losses or None
        Of the batch, by cause; None for architectures that the cycle model does not know.
    placed : PlacedClock or None
        The clock of the unit once placed; None where it is not known.
    """

    config: NormConfig
    length: int
    rows: int
    L1: int
    L2: int
    L3: int
    SS: float
    stalled_SS: float | None
    batch: int
    losses: Losses | None
    placed: PlacedClock | None

    def __repr__(self) -> str:
        counts = f"L1 = {self.L1}, L2 = {self.L2}, L3 = {self.L3}, SS = {self.SS:g}"
        rows = f"{self.rows} rows of {self.length}"
        return f"<CycleCounts of {shortened(self.config.name, 20)}: {counts}, {rows} in {self.batch} cycles>"

    @property
    def plan(self) -> Plan:
        """What the unit takes of the target."""
        return Plan.of(self.config)

    @property
    def beats(self) -> int:
        """Of a row."""
        return -(-self.length // self.config.lanes)

    @property
    def limits(self) -> Limits:
        """What the target has too little of."""
        return Limits(self.plan)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know of the unit at the plan's clock, and at that of the placed one, a sentence each."""
        notices = self.limits.notices
        if self.placed is not None and (refusal := self.limits.refusal(self.placed.mhz)):
            notices = (*notices, f"{self.config.name} cannot exist on {self.config.target}: {refusal}")
        return tuple(dict.fromkeys(notices))

    def at(self, clock_mhz: float) -> dict[str, float | None]:
        """Return ns and rates at a clock, see `at_clock`, and the rate of rows with the stalls asked for.

        All but the clock are None where there can be no such unit.
        """
        cycles = {"L1": self.L1, "L2": self.L2, "L3": self.L3, "SS": self.SS}
        stalled = None if self.stalled_SS is None else clock_mhz * 1e6 / self.stalled_SS
        rates = {**at_clock(clock_mhz, self.length, cycles), "stalled_rows_per_second": stalled}
        return {**dict.fromkeys(rates), "clock_mhz": clock_mhz} if self.limits.why_not(clock_mhz) else rates

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values: ns and rates at the clock of the plan, and below "placed" at that one."""
        return {
            "name": self.config.name,
            "architecture": self.config.architecture,
            "built_as": self.plan.report.architecture,
            "norm": self.config.norm,
            "input": self.config.input.name,
            "output": self.config.output.name,
            "lanes": self.config.lanes,
            "n": self.length,
            "L1": self.L1,
            "L2": self.L2,
            "L3": self.L3,
            "SS": _whole(self.SS),
            "stalled_SS": None if self.stalled_SS is None else _whole(self.stalled_SS),
            "rows": self.rows,
            "batch_cycles": self.batch,
            **self.at(self.config.clock_mhz),
            "placed": None if self.placed is None else {"by": self.placed.by, **self.at(self.placed.mhz)},
            "multipliers": sum(self.plan.multipliers.values()),
            "block_rams": sum(self.plan.block_rams.values()),
            "lost": None if self.losses is None else self.losses.to_dict(),
            "notices": list(self.notices),
        }


def _whole(number: float) -> float:
    """As an integer where it is one."""
    return int(number) if float(number).is_integer() else number


def computed(
    config: NormConfig, length: int, rows: int, *, source: Stall = NO_STALL, sink: Stall = NO_STALL, seed: int = 0
) -> CycleCounts:
    """Return the counts without simulating anything; `rows` is 2 or more.

    They come from the cycle model; those of units that it does not know from the formulas of `Plan`, which know no
    stalls.

    Raises
    ------
    ConfigError
        If the length is not from 1 to ``max_length``, there are fewer than 2 rows or too many, a stall or the seed is
        none, or the unit is to be stalled and the cycle model does not know it.
    """
    _check(config, length, rows, source, sink, seed)
    if not CycleModel.knows(config):
        if (source, sink) != (NO_STALL, NO_STALL):
            unit = f"the {config.architecture} unit"
            raise ConfigError(f"stalls: the cycle model does not know {unit}; simulate it (--simulate)")
        return _planned(Plan.of(config), length, rows, FIRST_CYCLE)
    model = CycleModel(config)
    free = batch = _Batch.of(model.stream(), length, rows)
    stalled = (source, sink) != (NO_STALL, NO_STALL)
    if stalled:
        inputs, outputs = (list(streams_of(sides)) for sides in (config.side_inputs, config.side_outputs))
        patterns = open_patterns(source, sink, seed, inputs=len(inputs), outputs=len(outputs))
        offers, _, takes, *others = (pattern.astype(np.bool_) for pattern in patterns)
        beside = dict(zip((*inputs, *outputs), others, strict=True))
        batch = _Batch.of(model.stream(source=offers, sink=takes, beside=beside), length, rows)
    return CycleCounts(
        config=config,
        length=length,
        rows=rows,
        **_first_row(free.first),
        SS=free.steady,
        stalled_SS=batch.steady if stalled else None,
        batch=batch.cycles,
        losses=batch.losses,
        placed=measured_clock(config),
    )


def simulated(
    config: NormConfig,
    length: int,
    rows: int,
    *,
    source: Stall = NO_STALL,
    sink: Stall = NO_STALL,
    seed: int = 0,
    engine: str = "cxxrtl",
) -> CycleCounts:
    """Return the counts of the hardware on an engine, fed with random elements; otherwise as `computed`.

    Every architecture may be stalled. Where the cycle model knows it, each cycle of the batch is compared with the
    model's, which tells the losses.

    Raises
    ------
    ConfigError
        As `computed`, or if the batch has more than `SIMULATED_MAX` elements.
    CheckFailed
        If the model says something else.
    """
    _check(config, length, rows, source, sink, seed)
    if rows * length > SIMULATED_MAX:
        raise ConfigError(
            f"rows = {rows}: simulated are {SIMULATED_MAX // length:,} rows of {length} elements at most; the cycle "
            "model takes more"
        )
    rng = seeded(seed)
    values = uniform_elements(config, rng, (rows, length))
    beside = uniform_beside(config, rng, [length] * rows)
    free = run(config, Traffic(rows=values, beside=beside), engine)
    batch, stalled_steady = free, None
    if (source, sink) != (NO_STALL, NO_STALL):
        batch = run(config, Traffic(rows=values, beside=beside, source=source, sink=sink, seed=seed), engine)
        stalled_steady = steady_cycles(batch)
    losses = _checked_losses(batch) if CycleModel.knows(config) else None
    return CycleCounts(
        config=config,
        length=length,
        rows=rows,
        **vars(measure(free)),
        stalled_SS=stalled_steady,
        batch=int(batch.output_cycles[-1]) + 1,
        losses=losses,
        placed=measured_clock(config),
    )


def _planned(plan: Plan, length: int, rows: int, first_in: int) -> CycleCounts:
    """A first row at ``first_in``, the others behind it."""
    latency = plan.latency(length)
    return CycleCounts(
        config=plan.config,
        length=length,
        rows=rows,
        L1=latency.L1,
        L2=latency.L2,
        L3=latency.L3,
        SS=float(latency.SS),
        stalled_SS=None,
        batch=first_in + latency.L3 + (rows - 1) * latency.SS + 1,
        losses=None,
        placed=measured_clock(plan.config),
    )


def _checked_losses(trace: Trace) -> Losses:
    """Compare with the cycle model, and return the losses that it tells."""
    model = predict(trace.config, trace.traffic)
    for what, measured, computed_cycles in (
        ("input", trace.input_cycles, model.input_cycles),
        ("output", trace.output_cycles, model.output_cycles),
    ):
        differing = np.flatnonzero(measured != computed_cycles)
        if len(differing):
            beat = differing[0]
            raise CheckFailed(
                f"{trace.config.name}: {what} beat {beat} is in cycle {measured[beat]}; the cycle model says "
                f"{computed_cycles[beat]}"
            )
    return model.losses


def _check(config: NormConfig, length: int, rows: int, source: Stall, sink: Stall, seed: int) -> None:
    checked_config(config)
    integer_between("length", length, 1, config.max_length, f" (max_length of {shortened(config.name)})")
    integer_between("rows", rows, 2, ROWS_MAX, "; from row to row takes two")
    check_stalls(source, sink)
    checked_seed(seed)


@dataclass(frozen=True)
class _Batch:
    """Of rows of one length: the first one's cycles, those from row to row in the second half, all, and the losses."""

    first: CycleTrace
    steady: float
    cycles: int
    losses: Losses

    @staticmethod
    def of(stream: CycleStream, length: int, rows: int) -> _Batch:
        """Feed the rows in parts, so that memory does not grow with them."""
        first = trace = stream.feed([length])
        half, half_out = (rows - 1) // 2, int(first.last_out[0])
        while stream.rows < rows:
            before = stream.rows
            count = min(max(1, _PART_BEATS // int(first.beats_in[0])), rows - before)
            trace = stream.feed(np.full(count, length))
            if before <= half < stream.rows:
                half_out = int(trace.last_out[half - before])
        steady = (int(trace.last_out[-1]) - half_out) / (rows - 1 - half)
        return _Batch(first, steady, trace.cycles, stream.losses)


def _first_row(trace: CycleTrace) -> dict[str, int]:
    first_in, last_in = int(trace.first_in[0]), int(trace.last_in[0])
    first_out, last_out = int(trace.first_out[0]), int(trace.last_out[0])
    return {"L1": first_out - first_in, "L2": first_out - last_in, "L3": last_out - first_in}
