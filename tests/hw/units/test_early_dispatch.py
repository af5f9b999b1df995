"""Early dispatch: beats of rows that have not ended, in order, each once it is known whether it is the last."""

import random
from types import SimpleNamespace

import pytest

from hw.simulation import run
from hw.units.test_dispatch import issued_rows
from hw.units.units import unit
from streamnorm.units.dispatch import READY_TO_ISSUE
from streamnorm.units.early_dispatch import BEAT_TO_ISSUE, END_TO_ISSUE, EarlyDispatch

OUTPUTS = ["issue", "first", "last", "issued_error", "issued_keep", "issued_bank", "column"]
PART = {"norm": "rmsnorm"}
CONFIGURATIONS = {
    "three lanes": unit(lanes=3, max_length=14, statistic_length=5, **PART),
    "one lane": unit(lanes=1, max_length=20, statistic_length=1, **PART),
    "banks": unit(banks=3, gamma=[[1.0, 2.0] * 7, [3.0] * 14, [4.0] * 14], statistic_length=4, **PART),
}


def made(config, *, slots=16, depth=16):
    return EarlyDispatch(config, row_slots=slots, output_depth=depth, buffer_depth=64, family="generic")


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("share", [0.4, 1.0])
def test_order_and_credits(name, stall, share):
    """Beats come with gaps anywhere; a row is announced some time after its part is in, be its end in or not."""
    config, slots, depth = CONFIGURATIONS[name], 16, 16
    generator = random.Random(seed := 9)
    rows = [
        (generator.randint(1, config.max_length), generator.getrandbits(1), generator.randrange(config.banks))
        for _ in range(80)
    ]
    expected = [{**beat, "issued_error": beat["issued_error"] & beat["last"]} for beat in issued_rows(config, rows)]
    beats = [
        (row, column, -(-length // config.lanes))
        for row, (length, _, _) in enumerate(rows)
        for column in range(-(-length // config.lanes))
    ]
    state = SimpleNamespace(came=0, complete=[], announced=0, begun=0, level=0, most=0, error=0)
    issued: list[dict[str, int]] = []

    def step(cycle, seen):
        if seen is not None and seen.pop("issue"):
            issued.append({**seen, "issued_error": seen["issued_error"] & seen["last"]})  # of a last beat alone
            state.level += 1
            state.begun += seen["first"]
            # Nothing is issued before the beat behind it, or its row's end, is known.
            assert len(issued) < state.came or beats[state.came - 1][1] == beats[state.came - 1][2] - 1
        if len(issued) == len(expected) or cycle == 6000:
            return None
        inputs: dict[str, int] = dict.fromkeys(("row_end", "row_ready", "complete", "follows", "output_released"), 0)
        inputs["error"] = state.error
        waited = state.announced < len(state.complete)
        if waited and cycle >= state.complete[state.announced] + EarlyDispatch.END_TO_READY + generator.choice([0, 3]):
            inputs["row_ready"] = 1
            state.announced += 1
        room = len(state.complete) - state.begun < slots - 1 and state.came - len(issued) < 60
        if state.came < len(beats) and room and generator.random() < share:
            row, column, count = beats[state.came]
            length, error, bank = rows[row]
            state.came += 1
            inputs |= {"follows": int(column > 0), "index": column, "bank": bank}
            if column == min(count, config.statistic_beats) - 1:
                inputs["complete"] = 1
                state.complete.append(cycle)
            if column == count - 1:
                inputs |= {"row_end": 1, "keep": (1 << length - column * config.lanes) - 1}
                state.error = error
        state.most = max(state.most, state.level)
        if state.level and generator.random() >= stall:
            inputs["output_released"] = 1
            state.level -= 1
        return inputs

    run(made(config, slots=slots, depth=depth), step, OUTPUTS)
    assert issued == expected, f"seed {seed}"
    assert state.most <= depth


def issues(config, inputs, cycles=80):
    """Cycles of issues; ``inputs``: by cycle."""
    issued: list[int] = []

    def step(cycle, seen):
        if seen is not None and seen["issue"]:
            issued.append(cycle - 1)
        if cycle == cycles:
            return None
        quiet = dict.fromkeys(("row_end", "row_ready", "complete", "follows"), 0)
        return {**quiet, "keep": 1, **inputs.get(cycle, {})}

    run(made(config, depth=64), step, ["issue"])
    return issued


def test_latencies_are_those_promised():
    config = CONFIGURATIONS["three lanes"]
    # The part is in with the second beat; the third comes later, and the fifth, the last one, later yet.
    beats = {
        **{2: {}, 3: {"complete": 1, "follows": 1}, 5: {"row_ready": 1}},
        **{20: {"follows": 1}, 21: {"follows": 1}, 40: {"follows": 1, "row_end": 1, "index": 4}},
    }
    issued = issues(config, beats)
    assert issued == [5 + READY_TO_ISSUE, *(cycle + BEAT_TO_ISSUE for cycle in (20, 21, 40)), 40 + END_TO_ISSUE]


def test_a_row_that_comes_without_gaps_leaves_without_gaps():
    """Its part of one beat, announced as early as may be, and one row behind the other, of several beats and of one."""
    config = CONFIGURATIONS["one lane"]
    inputs: dict[int, dict[str, int]] = {}
    cycle = 0
    for count in (20, 1, 1, 5, 2, 1, 13):
        for column in range(count):
            told = {"follows": int(column > 0), "row_end": int(column == count - 1), "index": column}
            inputs.setdefault(cycle, {}).update(told, complete=int(column == 0))
            if column == 0:
                inputs.setdefault(cycle + EarlyDispatch.END_TO_READY, {})["row_ready"] = 1
            cycle += 1
    begin = EarlyDispatch.END_TO_READY + READY_TO_ISSUE
    assert issues(config, inputs) == list(range(begin, begin + cycle))
