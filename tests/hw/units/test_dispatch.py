"""Dispatch: rows in order, beat by beat without a gap, never more than the output has room for."""

import random
from types import SimpleNamespace

import pytest

from hw.simulation import run
from hw.units.units import unit
from streamnorm.units.dispatch import CREDIT_RETURN, READY_TO_ISSUE, Dispatch

OUTPUTS = ["issue", "first", "last", "issued_error", "issued_keep", "issued_bank", "column"]
CONFIGURATIONS = {
    "three lanes": unit(lanes=3, max_length=14),
    "one beat": unit(lanes=8, max_length=6),
    "one lane": unit(lanes=1, max_length=20),
    "banks": unit(banks=3, gamma=[[1.0, 2.0] * 7, [3.0] * 14, [4.0] * 14]),
}


def issued_rows(config, rows):
    """What each beat of the rows is issued as."""
    for length, error, bank in rows:
        beats = -(-length // config.lanes)
        for column in range(beats):
            last = column == beats - 1
            yield {
                "first": int(column == 0),
                "last": int(last),
                "issued_error": error,
                "issued_keep": (1 << (length - column * config.lanes if last else config.lanes)) - 1,
                "issued_bank": bank,
                "column": column,
            }


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_order_and_credits(name, stall):
    config, depth, slots = CONFIGURATIONS[name], 16, 16
    generator = random.Random(9)
    rows = [
        (generator.randint(1, config.max_length), generator.getrandbits(1), generator.randrange(config.banks))
        for _ in range(60)
    ]
    expected = list(issued_rows(config, rows))
    state = SimpleNamespace(ended=0, announced=0, left=0, level=0, most=0, error=0)
    issued: list[tuple[int, dict[str, int]]] = []
    released: dict[int, int] = {}

    def step(cycle, seen):
        if seen is not None and seen.pop("issue"):
            issued.append((cycle - 1, seen))
            state.level += 1
            state.left += seen["last"]
        if len(issued) == len(expected) or cycle == 5000:
            return None
        inputs = {"row_end": 0, "row_ready": 0, "output_released": 0, "error": state.error}
        if state.announced < state.ended - generator.choice([0, 0, 1]):
            inputs["row_ready"] = 1
            state.announced += 1
        if state.ended < len(rows) and state.ended - state.left < slots - 1 and generator.random() < 0.5:
            length, error, bank = rows[state.ended]
            beats = -(-length // config.lanes)
            keep = (1 << length - (beats - 1) * config.lanes) - 1
            inputs |= {"row_end": 1, "index": beats - 1, "keep": keep, "bank": bank}
            state.error = error
            state.ended += 1
        state.most = max(state.most, state.level)
        if state.level and generator.random() >= stall:
            inputs["output_released"] = 1
            state.level -= 1
        released[cycle] = inputs["output_released"]
        return inputs

    run(Dispatch(config, row_slots=slots, output_depth=depth, family="generic"), step, OUTPUTS)
    assert [beat for _, beat in issued] == expected
    assert state.most <= depth


def test_rows_follow_each_other_without_a_gap():
    """Rows of one beat and of several; they end in successive cycles and are announced right after."""
    config = unit(lanes=3, max_length=14)
    lengths = (1, 3, 2, 14, 1, 4, 1, 2, 9, 14, 1, 1, 1, 7, 1)
    beats = [-(-length // 3) for length in lengths]
    issued: list[int] = []

    def step(cycle, seen):
        if seen is not None and seen["issue"]:
            issued.append(cycle - 1)
        if cycle == 60:
            return None
        row = min(cycle, len(lengths) - 1)
        ended, ready = cycle < len(lengths), 1 <= cycle <= len(lengths)
        return {"row_end": int(ended), "index": beats[row] - 1, "keep": 1, "row_ready": int(ready)}

    run(Dispatch(config, row_slots=16, output_depth=64, family="generic"), step, ["issue"])
    assert issued == list(range(1 + READY_TO_ISSUE, 1 + READY_TO_ISSUE + sum(beats)))


def test_latencies_are_those_promised():
    config = unit(lanes=3, max_length=14)

    def step(cycle, seen):
        if seen is not None and seen["issue"]:
            issued.append(cycle - 1)
        if cycle == 60:
            return None
        return {
            "row_end": int(cycle in (2, 3)),
            "index": 3,
            "keep": 1,
            "row_ready": int(cycle in (5, 6)),
            "output_released": int(cycle in (30, 37)),
        }

    issued: list[int] = []
    run(Dispatch(config, row_slots=16, output_depth=6, family="generic"), step, ["issue"])
    first = 5 + READY_TO_ISSUE
    # Two rows of four beats, credits for six: the others wait for a place each.
    assert issued == [*range(first, first + 6), 30 + CREDIT_RETURN, 37 + CREDIT_RETURN]
