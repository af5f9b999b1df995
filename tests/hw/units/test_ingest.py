"""Ingest: every stream of beats becomes well-formed rows of differences, and nothing overflows."""

import random
from types import SimpleNamespace
from typing import Any

import pytest

from hw.simulation import member, run, signed
from hw.units.units import unit
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.units import ingest
from streamnorm.units.ingest import READY_LAG, Ingest

OUTPUTS = ["valid", "first", "last", "error", "d", "keep", "before", "index", "bank", "i.ready"]
Beat = dict[str, Any]


def random_beats(config: NormConfig, rows: int, generator: random.Random) -> list[Beat]:
    """Rows of any length, some too long, some with holes in ``keep`` or partial beats inside."""
    lanes, beats = config.lanes, []
    for _ in range(rows):
        length = generator.choice([1, lanes, generator.randint(1, config.max_length), config.max_length])
        if generator.random() < 0.3:
            length = generator.randint(config.max_length, 3 * config.max_length)
        bank = generator.randrange(config.banks)
        for start in range(0, length, lanes):
            last = start + lanes >= length
            keep = (1 << min(lanes, length - start)) - 1
            if generator.random() < 0.15:
                keep = generator.getrandbits(lanes)
            x = [generator.randint(config.input.min, config.input.max) for _ in range(lanes)]
            beat = {"data": x, "keep": keep, "last": int(last)}
            if config.banks > 1:  # only the first beat's counts
                beat["bank"] = bank if start == 0 else generator.randrange(config.banks)
            beats.append(beat)
    return beats


def model(config: NormConfig, beats: list[Beat]) -> list[dict[str, Any] | None]:
    """What each beat becomes; None where it is swallowed."""
    results, index, swallow, pivot, error, bank = [], 0, False, config.input.zero_point, 0, 0
    for beat in beats:
        if swallow:
            results.append(None)
            swallow = not beat["last"]
            continue
        at_limit = index == config.max_beats - 1
        last = bool(beat["last"] or at_limit)
        kept = 1
        if not beat["last"]:
            kept = config.lanes
        else:
            while kept < config.lanes and beat["keep"] >> kept & 1:
                kept += 1
        kept = min(kept, config.max_length - index * config.lanes)
        if index == 0:
            error, bank = 0, beat.get("bank", 0)
            if config.norm == "layernorm":
                pivot = beat["data"][0]
        error |= beat["keep"] != (1 << kept) - 1 or (at_limit and not beat["last"])
        results.append(
            {
                "first": int(index == 0),
                "last": int(last),
                "error": int(error),
                "d": [x - pivot if lane < kept else 0 for lane, x in enumerate(beat["data"])],
                "keep": (1 << kept) - 1,
                "before": index * config.lanes,
                "index": index,
                "bank": bank,
            }
        )
        swallow = at_limit and not beat["last"]
        index = 0 if last else index + 1
    return results


CONFIGURATIONS = {
    "three lanes": unit(),
    "one lane": unit(lanes=1, max_length=5),
    "one beat": unit(lanes=8, max_length=6),
    "one element": unit(lanes=1, max_length=1),
    "whole beats": unit(lanes=4, max_length=16, norm="rmsnorm", input=IntFormat(6, signed=False, zero_point=9)),
    "banks": unit(banks=3, gamma=[[1.0, 2.0] * 7, [3.0] * 14, [4.0] * 14]),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("valid_share", [1.0, 0.6])
def test_rows_are_made_well_formed(name, valid_share):
    config = CONFIGURATIONS[name]
    generator = random.Random(4)
    beats = random_beats(config, 60, generator)
    design = Ingest(config, buffer_depth=config.max_beats + 40, row_slots=32)
    bits = len(member(design, "d").as_value()) // config.lanes
    sent: list[tuple[int, Beat]] = []
    results: dict[int, dict[str, int]] = {}
    state = SimpleNamespace(offered=None)

    def step(cycle, seen):
        if seen is not None:
            results[cycle - 1] = seen
            if state.offered is not None and seen["i.ready"]:
                sent.append((cycle - 1, state.offered))
                state.offered = None
        if len(sent) == len(beats) and cycle > sent[-1][0] + 5:
            return None
        if state.offered is None and len(sent) < len(beats) and generator.random() < valid_share:
            state.offered = beats[len(sent)]
        inputs = {"i.valid": int(state.offered is not None), "beat_released": 0, "row_released": 0}
        # Everything that comes out is released at once.
        if seen is not None and seen["valid"]:
            inputs |= {"beat_released": 1, "row_released": seen["last"]}
        if state.offered is not None:
            inputs |= {f"i.payload.{key}": value for key, value in state.offered.items()}
        return inputs

    run(design, step, OUTPUTS)
    expected = dict(zip((cycle for cycle, _ in sent), model(config, beats), strict=True))
    for cycle, got in results.items():
        want = expected.get(cycle - ingest.LATENCY)
        assert got["valid"] == int(want is not None), f"cycle {cycle} of seed 4"
        if want is not None:
            lanes = [signed(got["d"] >> bits * i & ((1 << bits) - 1), bits) for i in range(config.lanes)]
            told = {"valid": 1, "i.ready": got["i.ready"], "error": got["error"]}
            assert {**got, "d": lanes} == {**want, **told}, f"cycle {cycle}"
            if want["last"]:
                assert results[cycle + 1]["error"] == want["error"], f"cycle {cycle}"
    if valid_share == 1.0:
        # No gap: a beat in every cycle from the first on.
        assert [cycle for cycle, _ in sent] == list(range(sent[0][0], sent[0][0] + len(beats)))


@pytest.mark.parametrize("longest_rows", [True, False])
def test_what_is_on_its_way_is_limited(longest_rows):
    """Nothing is released for a while: neither the row buffer nor the row slots overflow, and none is wasted."""
    config = unit(lanes=2, max_length=12)
    depth, slots = 40, 16
    design = Ingest(config, buffer_depth=depth, row_slots=slots)
    beats_per_row = 6 if longest_rows else 1
    counts = {"beats": 0, "rows": 0, "most_beats": 0, "most_rows": 0}
    state = SimpleNamespace(sent=0, drain=0, released=0)

    def step(cycle, seen):
        if cycle == 400:
            return None
        released = {"beat_released": 0, "row_released": 0}
        if seen is not None and seen["i.ready"]:
            counts["beats"] += 1
            state.sent += 1
            counts["rows"] += state.sent % beats_per_row == 0
        if cycle > 150 and counts["beats"] and state.drain % 7 == 0:
            released["beat_released"] = 1
            counts["beats"] -= 1
            state.released += 1
            if state.released % beats_per_row == 0:
                released["row_released"] = 1
                counts["rows"] -= 1
        state.drain += 1
        counts["most_beats"] = max(counts["most_beats"], counts["beats"])
        counts["most_rows"] = max(counts["most_rows"], counts["rows"])
        last = state.sent % beats_per_row == beats_per_row - 1
        return {"i.valid": 1, "i.payload.last": int(last), "i.payload.keep": 3, **released}

    run(design, step, ["i.ready"])
    assert counts["most_beats"] <= depth
    assert counts["most_rows"] <= slots
    if longest_rows:
        assert counts["most_beats"] > depth - READY_LAG - 2
    else:
        assert counts["most_rows"] == slots
    assert state.sent > depth  # it goes on once places are released


def test_hold_keeps_the_next_row_out_and_lets_the_present_one_end():
    config = unit(lanes=2, max_length=20, storage="ram")
    design = Ingest(config, buffer_depth=60, row_slots=16)
    sent: list[int] = []
    idle_at: list[int] = []

    def step(cycle, seen):
        if seen is not None:
            if seen["i.ready"]:
                sent.append(cycle - 1)
            if seen["idle"]:
                idle_at.append(cycle - 1)
        if cycle == 120:
            return None
        # Rows of 6 beats, without a gap; hold from the middle of one on.
        return {
            "i.valid": 1,
            "i.payload.last": int(len(sent) % 6 == 5),
            "i.payload.keep": 3,
            "hold": int(20 <= cycle < 70),
            "beat_released": int(cycle > 5),
            "row_released": int(cycle > 5 and cycle % 6 == 0),
        }

    run(design, step, ["i.ready", "idle"])
    held = [cycle for cycle in range(20, 70) if cycle not in sent]
    before = [cycle for cycle in sent if cycle < held[0]]
    assert len(before) % 6 == 0  # the row that had begun came in to its end
    assert held == list(range(held[0], 71))[: len(held)]
    assert held[0] <= 28
    assert idle_at
    assert idle_at[0] > before[-1] + ingest.LATENCY
    assert next(cycle for cycle in sent if cycle >= 70) <= 72
    assert max(idle_at) <= 71


def test_idle_stays_low_without_hold():
    design = Ingest(unit(storage="ram"), buffer_depth=60, row_slots=16)
    idle = []

    def step(cycle, seen):
        if seen is not None:
            idle.append(seen["idle"])
        return {"i.valid": 0} if cycle < 30 else None

    run(design, step, ["idle"])
    assert not any(idle)
