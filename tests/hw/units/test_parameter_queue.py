"""Gamma and beta that come in beside the row: each beat has its own in time, and rows stay in step."""

import random
from collections.abc import Iterator

import pytest

from hw.simulation import run, signed
from hw.units.units import unit
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters
from streamnorm.units.parameter_queue import ERROR_LATER, ParameterQueue

LANES = 3
OUTPUTS = ["i.ready", "there", "there_next", "slot", "gamma", "beta", "row_error"]

Beat = tuple[int, int, int, int]
"""Of gamma and beta, in all lanes the same; keep, last."""


def configuration(**changes) -> NormConfig:
    return unit(storage="stream", **changes)


def payload(config: NormConfig, beat: Beat) -> int:
    gamma, beta, keep, last = beat
    word, at = 0, 0
    for value, bits in ((gamma, config.gamma_bits), (beta, config.beta_bits)):
        for _ in range(LANES):
            word |= (value & ((1 << bits) - 1)) << at
            at += bits
    return word | keep << at | last << at + LANES


def rows(generator: random.Random, config: NormConfig, lengths: list[int]) -> Iterator[Beat]:
    """Rows of any values, of so many beats."""
    for length in lengths:
        for beat in range(length):
            gamma, beta = (
                generator.randrange(-(1 << bits - 1), 1 << bits - 1) for bits in (config.gamma_bits, config.beta_bits)
            )
            yield gamma, beta, 0b111, int(beat == length - 1)


def taken(beats: list[Beat], lengths: list[int], asked: list[int]) -> Iterator[Beat]:
    """The beat that each beat of rows takes whose lengths are ``asked``."""
    start = 0
    for length, wanted in zip(lengths, asked, strict=True):
        for beat in range(wanted):
            yield beats[start + min(beat, length - 1)]
        start += length


@pytest.mark.parametrize(("issued", "told"), [(1, 1), (0, 2)])
@pytest.mark.parametrize(
    ("reach", "offered", "asked_for"), [(4, 1.0, 1.0), (9, 1.0, 1.0), (20, 0.5, 1.0), (9, 1.0, 0.4), (30, 0.7, 0.7)]
)
@pytest.mark.parametrize("same", [True, False], ids=["same lengths", "any lengths"])
@pytest.mark.parametrize("target", ["generic", "ecp5-85k-6"])
def test_each_beat_has_its_own_in_time(
    issued: int, told: int, reach: int, offered: float, asked_for: float, same: bool, target: str
) -> None:
    """``gamma`` is read as soon as this test knows where, ``beta`` as late as may be."""
    config = configuration(target=target, clock_mhz=200.0)
    queue = ParameterQueue(config, issued=issued, told=told).reaching(reach)
    generator = random.Random(seed := 100 * reach + same)
    lengths = [generator.choice([1, 1, 2, 3, 5, 9]) for _ in range(40)]
    asked = lengths if same else [generator.choice([length, 1, 2, 5, 9]) for length in lengths]
    beats = list(rows(generator, config, lengths))
    wanted = list(taken(beats, lengths, asked))
    ends = [beat == length - 1 for length in asked for beat in range(length)]
    firsts = [beat == 0 for length in asked for beat in range(length)]
    half = 1 << StoredParameters.of(config).beta_frac_bits - 1
    waits = {"gamma": queue.place_cycle + 1, "beta": reach - queue.latency}
    sent, at, offer, there, done = 0, 0, False, False, 0
    took: list[int] = []  # cycles of the beats taken
    slots: dict[int, int] = {}  # by the cycle in which it is told
    errors: list[bool] = []

    def arrives(number: int, key: str) -> int:
        return took[number] + issued + waits[key] + queue.latency

    def step(cycle, seen):
        nonlocal sent, at, offer, there, done
        before = cycle - 1
        if seen is not None:
            about = f"cycle {before} (seed {seed})"
            slots[before] = seen["slot"]
            if offer and seen["i.ready"]:
                sent, offer = sent + 1, False
            for number in range(max(0, at - 64), at):
                gamma, beta, _, _ = wanted[number]
                for key, value in (("gamma", gamma), ("beta", beta + half)):
                    if arrives(number, key) == before:
                        width = len(getattr(queue, key).as_value()) // LANES
                        lanes = [signed(seen[key] >> width * lane & ((1 << width) - 1), width) for lane in range(LANES)]
                        assert lanes == [value] * LANES, f"{key} of beat {number}, {about}"
                        done += 1
                if took[number] + issued + told + ERROR_LATER == before and ends[number]:
                    errors.append(bool(seen["row_error"]))
            assert seen["there"] == there, about
            there = bool(seen["there_next"])
        if done == 2 * len(wanted) and cycle > took[-1] + 10:
            return None
        assert cycle < 20 * len(wanted) + 400, f"hangs at beat {at} (seed {seed})"
        offer = offer or (sent < len(beats) and generator.random() < offered)
        take = there and at < len(wanted) and generator.random() < asked_for
        inputs = {"i.valid": int(offer), "take": int(take), "i.payload": payload(config, beats[sent]) if offer else 0}
        inputs["take_last"] = int(ends[at]) if take else generator.randrange(2)
        if take:
            took.append(cycle)
            at += 1
        for key, wait in waits.items():
            # Told in the cycle after the beat is taken.
            inputs[f"{key}_address"] = slots.get(cycle - (issued + wait - 1), 0)
        inputs |= {"beat_valid": 0, "beat_first": 1, "beat_last": 0, "beat_keep": 0}
        if cycle - issued - told in took:
            number = took.index(cycle - issued - told)
            inputs |= {"beat_valid": 1, "beat_first": int(firsts[number]), "beat_last": int(ends[number])}
            inputs["beat_keep"] = 0b111
        return inputs

    run(queue, step, OUTPUTS)
    assert errors == [length != other for length, other in zip(lengths, asked, strict=True)]
    if same and offered == asked_for == 1:
        assert took == list(range(took[0], took[0] + len(took)))  # full rate
