"""What every unit promises of its streams and cycles, tried on one: stalls, long rows, any beats, resets, engines."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import cycle
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ladder.checks import STALLS, agree, as_modelled, same_beats, same_cycles, traffic_of
from ladder.raw_beats import lawless_beats
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm_sim.check.measure import measure_cycles
from streamnorm_sim.reference.random_scales import random_scales
from streamnorm_sim.reference.rows import uniform_beside
from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.trace import Trace
from streamnorm_sim.streams.traffic import Traffic

StallPairs = Iterable[tuple[Stall, Stall]]
"""Of the source and of the sink."""

SOME_STALLS: StallPairs = [
    (STALLS[source], STALLS[sink]) for source, sink in [(0, 0), (1, 4), (2, 3), (4, 2), (3, 6), (0, 5)]
]

EVERY_STALL: StallPairs = [
    (source, STALLS[(3 * seed + 1) % len(STALLS)]) for seed, source in enumerate(STALLS)
]  # fmt: skip


def stalled(
    config: NormConfig, batch: RowBatch, *others: RowBatch, stalls: StallPairs = SOME_STALLS, known: bool = True
) -> list[Trace]:
    """The batches in turn, under each pair of stalls: the golden model's beats, in the cycle model's cycles, and every
    row on every stream, at its length. ``known``: whether the cycle model knows the unit."""
    traces = []
    for seed, ((source, sink), sent) in enumerate(zip(stalls, cycle((batch, *others)), strict=False)):
        trace = agree(config, traffic_of(sent, source=source, sink=sink, seed=seed))
        has_lengths(as_modelled(trace, known=known), sent.lengths)
        traces.append(trace)
    return traces


def has_lengths(trace: Trace, lengths: NDArray[np.integer]) -> None:
    """Rows of these lengths must have come out, on every stream."""
    assert trace.rows.lengths.tolist() == lengths.tolist()
    for side in trace.config.side_outputs:
        wanted = np.ones_like(lengths) if side.per_row else lengths
        assert trace.rows_beside[side.name].lengths.tolist() == wanted.tolist(), side.name


def cycles_as_planned(config: NormConfig, lengths: Iterable[int] | None = None) -> Mapping[int, dict[str, int]]:
    """L1, L2, L3 and SS of rows of each length, by default of any: what is measured is what the plan says, and what its
    formulas come to."""
    plan = Plan.of(config)
    formulas = plan.latency_formulas()
    functions = {"__builtins__": {}, "ceil": ceil, "min": min, "max": max}
    found = {}
    for n in range(1, config.max_length + 1) if lengths is None else sorted(set(lengths)):
        planned = vars(plan.latency(n))
        assert {key: eval(text, {**functions, "n": n}) for key, text in formulas.items()} == planned
        assert measure_cycles(config, n).to_dict() == planned, f"{config.name}: n = {n}"
        found[n] = planned
    return found


Lengths = Callable[[NormConfig, np.random.Generator], NDArray[np.int64]]


def around_the_longest(config: NormConfig, rng: np.random.Generator) -> NDArray[np.int64]:
    """Of 40 rows: shortest, longest, and up to three times as long, in random order."""
    full = config.max_length
    return rng.choice([1, full - 1, full, full + 1, full + config.lanes, 3 * full + 2], 40)


def up_to_two_beats_more(config: NormConfig, rng: np.random.Generator) -> NDArray[np.int64]:
    """Every length twice, in random order, up to two beats above the longest."""
    return rng.permutation(np.repeat(np.arange(1, config.max_length + 2 * config.lanes), 2))


def between_others(config: NormConfig, rng: np.random.Generator) -> NDArray[np.int64]:
    """Overlong rows, each in front of the longest and the shortest ones."""
    full, lanes = config.max_length, config.lanes
    too_long = [full + 1, full + lanes - 1, full + lanes, full + lanes + 1, 2 * full + 3, 5 * full + 9]
    return np.array([n for extra in too_long for n in (extra, full, extra, 1, max(1, full - 1))])


def cut_and_flagged(
    config: NormConfig,
    lengths: Lengths = around_the_longest,
    *,
    draw: int = 3,
    stalls: StallPairs = ((STALLS[1], NO_STALL), (STALLS[1], STALLS[2])),
    seed: int = 4,
    known: bool = True,
) -> None:
    """Rows some of which are overlong: each comes out cut at ``max_length``, and it and no other flagged, on every
    stream; where rows bring their scale, those without are flagged too. ``draw``: seed of the rows; ``seed``: of the
    stalls."""
    rng = np.random.default_rng(draw)
    drawn = lengths(config, rng)
    rows = [rng.integers(config.input.min, config.input.max, n, endpoint=True) for n in drawn]
    beside: dict[str, Any] = {**uniform_beside(config, rng, drawn)}
    banks = rng.integers(config.banks, size=len(rows)) if config.bank_order == "given" else None
    flagged = drawn > config.max_length
    if config.input_scale is not None:
        codes = random_scales(config, len(rows), rng)
        flagged = flagged | config.input_scale.is_bad(codes[:, 0])
        beside[config.input_scale.side.name] = codes
    for source, sink in stalls:
        sent = Traffic(rows=rows, banks=banks, beside=beside, source=source, sink=sink, seed=seed)
        trace = as_modelled(agree(config, sent), known=known)
        has_lengths(trace, np.minimum(drawn, config.max_length))
        for came_out in (trace.rows, *trace.rows_beside.values()):
            assert came_out.errors.tolist() == flagged.tolist()


def rules_broken(
    config: NormConfig,
    *,
    count: int = 600,
    ends: Sequence[float] = (0.02, 0.2, 0.7),
    ended: bool = True,
    beside: Callable[[Beats, np.random.Generator], Mapping[str, Beats]] = lambda beats, rng: {},
    stalls: StallPairs = ((STALLS[1], STALLS[4]),) * 3,
) -> None:
    """So many beats with holes, of rows that end at one of these rates: out comes what the golden model says.

    ``ended``: whether the last row is sure to end, as it must where rows leave before; ``beside``: the beats of other
    streams.
    """
    for seed, (source, sink) in enumerate(stalls):
        rng = np.random.default_rng(seed)
        beats = lawless_beats(config, count, rng, ends=ends)
        beats.last[-1] |= ended
        agree(config, Traffic(beats=beats, beats_beside=beside(beats, rng), source=source, sink=sink, seed=seed))


def resets(
    config: NormConfig,
    batch: RowBatch,
    at: Iterable[int] = (0, 1, 17, 40, 77, 103, 160, 250),
    *,
    stalls: StallPairs = ((STALLS[1], STALLS[2]),),
    reset_cycles: Iterable[int] = (4,),
) -> list[Trace]:
    """A reset in each of these cycles: rows come out, and they are those of the golden model."""
    stalls, reset_cycles = list(stalls), list(reset_cycles)
    traces = []
    for reset_at in at:
        for source, sink in stalls:
            for low in reset_cycles:
                keys: dict[str, Any] = {"reset_at": reset_at, "reset_cycles": low, "seed": reset_at}
                trace = agree(config, traffic_of(batch, source=source, sink=sink, **keys))
                assert len(trace.rows) >= 1
                traces.append(trace)
    return traces


def engines_agree(
    config: NormConfig,
    batch: RowBatch,
    engine: str,
    *,
    stalls: StallPairs = ((NO_STALL, NO_STALL), (STALLS[1], STALLS[1])),
    seed: int = 3,
) -> None:
    """Another engine gives the golden model's beats too, on every stream; each in the same cycle where nothing stalls,
    of which each engine makes its own pattern."""
    for source, sink in stalls:
        given = traffic_of(batch, source=source, sink=sink, seed=seed)
        trace, other = agree(config, given, engine), agree(config, given)
        same_beats(trace, other)
        if source is sink is NO_STALL:
            same_cycles(trace, other)
