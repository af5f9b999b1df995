"""The model against the unit's control written out register by register, with buffers and queues of every size."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.cycles import registers, static_registers, two_pass_registers
from streamnorm_sim.cycles import StaticTiming, Timing, TwoPassTiming
from streamnorm_sim.cycles.model import static
from streamnorm_sim.cycles.model.buffered import unit
from streamnorm_sim.cycles.model.buffered.one_pass import OnePass
from streamnorm_sim.cycles.model.buffered.two_pass import TwoPass
from streamnorm_sim.cycles.model.buffered.unit import Buffered
from streamnorm_sim.cycles.model.model import CycleStream
from streamnorm_sim.cycles.model.open_cycles import open_cycles
from streamnorm_sim.cycles.model.static import Static
from streamnorm_sim.cycles.model.timing import FIRST_CYCLE


@st.composite
def timings(draw):
    max_beats = draw(st.integers(1, 12))
    issue_to_pop, pop_to_issue = draw(st.integers(2, 9)), draw(st.integers(2, 3))
    beat_to_issue, statistic_beats = draw(st.integers(4, 8)), draw(st.just(max_beats) | st.integers(1, max_beats))
    soonest = 5 if statistic_beats == max_beats else beat_to_issue + 1
    return Timing(
        lanes=1,
        max_beats=max_beats,
        statistic_beats=statistic_beats,
        interval=draw(st.sampled_from([1, 2, 3, 5, 9])),
        row_slots=draw(st.integers(4, 9)),
        buffer_limit=max_beats + draw(st.integers(1, 9) | st.integers(1, 60)),
        output_depth=issue_to_pop + pop_to_issue + draw(st.integers(0, 8)),
        end_to_issue=draw(st.integers(soonest, 25)),
        beat_to_issue=beat_to_issue,
        release_to_ready=draw(st.integers(1, 3)),
        issue_to_pop=issue_to_pop,
        pop_to_output=1,
        pop_to_issue=pop_to_issue,
    )


@st.composite
def two_pass_timings(draw):
    max_beats = draw(st.integers(1, 12))
    issue_to_pop, pop_to_issue = draw(st.integers(2, 9)), draw(st.integers(2, 3))
    end_to_issue, issue_to_second = draw(st.integers(4, 25)), draw(st.integers(2, 3))
    spare = st.integers(0, 3) | st.integers(0, 40)
    return TwoPassTiming(
        lanes=1,
        max_beats=max_beats,
        statistic_beats=max_beats,
        row_slots=draw(st.integers(4, 12)),
        buffer_limit=max_beats + draw(st.integers(1, 9) | st.integers(1, 60)),
        output_depth=issue_to_pop + pop_to_issue + draw(st.integers(0, 8)),
        end_to_issue=end_to_issue,
        release_to_ready=draw(st.integers(1, 4)),
        issue_to_pop=issue_to_pop,
        pop_to_output=1,
        pop_to_issue=pop_to_issue,
        end_to_second=draw(st.integers(4, 12)),
        second_limit=max_beats - 1 + end_to_issue + issue_to_second + draw(spare),
        issue_to_second=issue_to_second,
    )


@st.composite
def static_timings(draw):
    way = draw(st.integers(1, 20))
    return StaticTiming(
        accepted_to_pop=way, pop_to_output=1, limit=way + 4 + draw(st.integers(0, 3) | st.integers(0, 20))
    )


def patterns():
    booleans = st.lists(st.booleans(), min_size=1, max_size=40).filter(any)
    gaps = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 60)), max_size=8)
    return (
        st.none() | booleans | gaps.map(lambda pairs: np.cumsum(np.array(pairs, np.int64).reshape(-1)).reshape(-1, 2))
    )


def is_open(pattern, cycle):
    if pattern is None:
        return True
    if isinstance(pattern, np.ndarray):
        return not ((pattern[:, 0] <= cycle) & (cycle < pattern[:, 1])).any()
    return pattern[cycle % len(pattern)]


@st.composite
def runs(draw, max_beats):
    """Beats of each row, when they are offered, patterns of both ends, where parts begin, and beats solved at once."""
    kinds = st.integers(1, max_beats + draw(st.sampled_from([0, 0, 5])))
    longest = st.just(max_beats)
    sent = draw(st.lists(st.just(1) | kinds | longest, min_size=1, max_size=draw(st.sampled_from([5, 60]))))
    offered = None
    if draw(st.booleans()):
        count = len(sent) if draw(st.booleans()) else sum(sent)
        steps = draw(st.sampled_from([[0, 1], [0, 0, 0, 1, 30], [1, 1, 1, 3], [3, 6, 9]]))
        rng = np.random.default_rng(draw(st.integers(0, 1000)))
        offered = np.cumsum(rng.choice(steps, count))
    source, sink = draw(patterns()), draw(patterns())
    cuts = draw(st.lists(st.integers(0, len(sent)), max_size=3))
    few = draw(st.sampled_from([1, 4, 64]))
    return sent, offered, source, sink, sorted({0, len(sent), *cuts}), few


def every_time(sent, offered):
    """From which cycle on there is each beat."""
    if offered is None:
        return np.zeros(sum(sent), np.int64)
    return np.repeat(offered, sent) if len(offered) == len(sent) else offered


def compare(module, solver, max_beats, run, true):
    """The unit that ``solver`` makes of the open cycles of both ends, with what its registers did."""
    sent, offered, source, sink, cuts, few = run
    # All that is looked at of a configuration.
    shape: Any = SimpleNamespace(lanes=1, max_beats=max_beats, max_length=max_beats)
    stream = CycleStream(shape, solver(open_cycles("source", source), open_cycles("sink", sink)), cut=True)
    parts = []
    bounds = np.concatenate([[0], np.cumsum(sent)])
    for start, stop in pairwise(cuts):
        part = offered
        if offered is not None:
            part = offered[start:stop] if len(offered) == len(sent) else offered[bounds[start] : bounds[stop]]
        # So that many rows are solved as arrays, some in turn, and again as arrays.
        with patch.multiple(module, FEW=few, MANY=8 * few):
            parts.append(stream.feed(sent[start:stop], part))
    inputs = np.concatenate([part.input_cycles for part in parts])
    outputs = np.concatenate([part.output_cycles for part in parts])
    assert inputs.tolist() == true.accepted
    assert outputs.tolist() == true.given
    losses = stream.losses
    assert {name: getattr(losses, name) for name in true.lost} == true.lost
    assert inputs[-1] + 1 - FIRST_CYCLE == sum(sent) + losses.source + losses.buffer + losses.slots
    at_output = losses.fill + losses.rows + losses.interval + losses.sink
    assert outputs[-1] + 1 - FIRST_CYCLE == len(outputs) + at_output
    ends = np.cumsum(sent)
    assert np.concatenate([part.last_in for part in parts]).tolist() == inputs[ends - 1].tolist()
    assert np.concatenate([part.first_in for part in parts]).tolist() == inputs[ends - sent].tolist()
    out_sizes = np.minimum(sent, max_beats)
    ends = np.cumsum(out_sizes)
    assert np.concatenate([part.last_out for part in parts]).tolist() == outputs[ends - 1].tolist()
    assert np.concatenate([part.first_out for part in parts]).tolist() == outputs[ends - out_sizes].tolist()


def ends_of(run):
    """From which cycle on there is each beat, and whether source and sink are open in a cycle."""
    sent, offered, source, sink, *_ = run
    return every_time(sent, offered), lambda cycle: is_open(source, cycle), lambda cycle: is_open(sink, cycle)


def compare_buffered(context, simulate, timing, run):
    """Units whose rows wait in a buffer."""
    true = simulate(timing, run[0], *ends_of(run))
    compare(unit, lambda *patterns: Buffered(context(timing, *patterns)), timing.max_beats, run, true)


@settings(max_examples=600)
@given(timings().flatmap(lambda timing: st.tuples(st.just(timing), runs(timing.max_beats))))
def test_every_cycle_and_every_loss(case):
    compare_buffered(OnePass, registers.simulate, *case)


@settings(max_examples=400)
@given(two_pass_timings().flatmap(lambda timing: st.tuples(st.just(timing), runs(timing.max_beats))))
def test_every_cycle_and_every_loss_of_two_passes(case):
    compare_buffered(TwoPass, two_pass_registers.simulate, *case)


@settings(max_examples=300)
@given(static_timings(), st.integers(1, 30).flatmap(lambda beats: st.tuples(st.just(beats), runs(beats))))
def test_every_cycle_and_every_loss_of_a_static_unit(timing, case):
    max_beats, run = case
    kept = [place < max_beats for count in run[0] for place in range(count)]
    true = static_registers.simulate(timing, kept, *ends_of(run))
    compare(static, lambda *patterns: Static(timing, *patterns), max_beats, run, true)
