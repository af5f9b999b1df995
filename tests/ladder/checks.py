"""What several rungs of the ladder share: rows to send, stall patterns, and the comparison of a run."""

from typing import Any

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


def rows_for(config: NormConfig, seed: int, count: int = 60) -> RowBatch:
    """Corner rows and ``count`` random ones; random ones only where others go in beside."""
    rng = np.random.default_rng(seed)
    return random_rows(config, count, rng) if config.side_inputs else mixed_rows(config, rng, count=count)


def traffic_of(batch: RowBatch, **keys: Any) -> Traffic:
    """The rows of a batch and what goes in beside them; ``keys``: stalls, loads and a reset, as of `Traffic`."""
    return Traffic(rows=batch.x, lengths=batch.lengths, banks=batch.banks, beside=batch.beside, **keys)


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
    """Two runs must have given the same beats on every stream, to the last bit."""
    assert trace.sides.keys() == other.sides.keys()
    streams = {"": (trace.outputs, other.outputs)}
    streams |= {f"{name}: ": (side.beats, other.sides[name].beats) for name, side in trace.sides.items()}
    for stream, (beats, others) in streams.items():
        about = f"{trace.config.name}: {trace.engine} and {other.engine}: {stream}"
        assert len(beats) == len(others), about
        for name in ("data", "keep", "last", "user"):
            where = np.argwhere(getattr(beats, name) != getattr(others, name))
            assert not len(where), f"{about}{name} differs first at {where[0]} (seed {trace.traffic.seed})"


def same_cycles(trace: Trace, other: Trace) -> None:
    """Two runs must have had every handshake on every stream of rows and results in the same cycle."""
    np.testing.assert_array_equal(trace.input_cycles, other.input_cycles)
    np.testing.assert_array_equal(trace.output_cycles, other.output_cycles)
    assert trace.sides.keys() == other.sides.keys()
    for name, side in trace.sides.items():
        np.testing.assert_array_equal(side.cycles, other.sides[name].cycles, name)
