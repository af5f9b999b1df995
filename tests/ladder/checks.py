"""What several rungs of the ladder share: rows to send, stall patterns, and the comparison of a run."""

import numpy as np

from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.check.compare import compare
from streamnorm_sim.cycles import CycleModel, predict
from streamnorm_sim.cycles.model.timing import FIRST_CYCLE
from streamnorm_sim.engines import DEFAULT_ENGINE, run
from streamnorm_sim.reference.rows import corner_rows, random_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.trace import Trace
from streamnorm_sim.streams.traffic import Traffic

STALLS = (
    NO_STALL,
    Stall.random(0.1),
    Stall.random(0.5),
    Stall.random(0.9),
    Stall.burst(3, 2),
    Stall.burst(30, 50),
    Stall.explicit([True, False]),
)


def mixed_rows(config: NormConfig, rng: np.random.Generator, *, count: int = 60, elements: int = 60_000) -> RowBatch:
    """Corner rows and ``count`` random ones of any length, in random order; no more than ``elements`` in all."""
    corners = [row for _, row in corner_rows(config, rng).values()]
    lengths = rng.integers(1, config.max_length, count, endpoint=True)
    short = rng.random(count) < 0.4
    lengths[short] = rng.integers(1, min(config.max_length, 3 * config.lanes), short.sum(), endpoint=True)
    drawn = random_rows(config, count, rng, lengths=lengths)
    rows = [*corners, *(row[:length] for row, length in zip(drawn.x, drawn.lengths, strict=True))]
    rows = [rows[index] for index in rng.permutation(len(rows))]
    fitting = np.cumsum([len(row) for row in rows]) <= max(elements, len(rows[0]))
    rows = rows[: int(fitting.sum())]
    banks = rng.integers(config.banks, size=len(rows))
    return RowBatch.pack(config, rows, banks if config.bank_order == "given" else None)


def traffic_of(batch: RowBatch, *, source: Stall = NO_STALL, sink: Stall = NO_STALL, seed: int = 0) -> Traffic:
    return Traffic(rows=batch.x, lengths=batch.lengths, banks=batch.banks, source=source, sink=sink, seed=seed)


def agree(config: NormConfig, traffic: Traffic, engine: str = DEFAULT_ENGINE) -> Trace:
    """Run a traffic; every element, length and error flag must be the golden model's."""
    trace = run(config, traffic, engine)
    equal_golden(trace)
    return trace


def equal_golden(trace: Trace) -> None:
    first = compare(trace).first
    stalls = f"source {trace.traffic.source}, sink {trace.traffic.sink}"
    assert first is None, f"{trace.config.name} on {trace.engine}, {stalls}: {first}"


def as_modelled(trace: Trace, *, known: bool = True) -> Trace:
    """Every beat of the rows and of the results must come when the cycle model says so; ``known``: whether it does."""
    assert CycleModel.knows(trace.config) == known
    if known:
        model = predict(trace.config, trace.traffic)
        np.testing.assert_array_equal(model.input_cycles, trace.input_cycles)
        np.testing.assert_array_equal(model.output_cycles, trace.output_cycles)
        lost = model.losses
        before = lost.source + lost.slots + lost.buffer + lost.beside
        behind = lost.fill + lost.rows + lost.interval + lost.sink
        assert trace.input_cycles[-1] + 1 == FIRST_CYCLE + len(trace.input_cycles) + before
        assert trace.output_cycles[-1] + 1 == FIRST_CYCLE + len(trace.output_cycles) + behind
    return trace


def within_bound(trace: Trace) -> Accuracy:
    """Every element must be as near to the exact result as the plan promises, and that within 1 ulp.

    Where z is rounded before gamma, the plan's bound is that of the few that are rounded the other way.
    """
    config, expected = trace.config, trace.expected
    bound = Plan.of(config).error_bound
    assert bound <= 1 or config.gamma_rounding == "output" or Plan.of(config).promise == "as-is"
    accuracy = Accuracy.of(config, trace.rows.x, expected.x, expected.lengths, expected.banks)
    assert accuracy.max_ulp <= bound + 1e-9, (
        f"{config.name}: error {accuracy.max_ulp} LSB, planned {bound} (seed {trace.traffic.seed})"
    )
    return accuracy


def same_beats(trace: Trace, other: Trace) -> None:
    """Two runs must have given the same beats, to the last bit."""
    about = f"{trace.config.name}: {trace.engine} and {other.engine}"
    assert len(trace.outputs) == len(other.outputs), about
    for name in ("data", "keep", "last", "user"):
        differs = getattr(trace.outputs, name) != getattr(other.outputs, name)
        where = np.argwhere(differs)
        assert not len(where), f"{about}: {name} differs first at {where[0]} (seed {trace.traffic.seed})"
