"""Gamma and beta: what is stored, in time, per bank; loads at run time wait for the unit to come to rest."""

import random
from types import SimpleNamespace

import numpy as np
import pytest

from hw.simulation import run, signed, trace
from hw.units.units import unit
from streamnorm.spec.parameters import StoredParameters
from streamnorm.units.parameter_store import ParameterStore

RNG = np.random.default_rng(8)
LANES, LENGTH = 3, 14
BEATS = -(-LENGTH // LANES)
ARRAYS = {"gamma": RNG.uniform(0.5, 2, LENGTH), "beta": RNG.normal(0, 1, LENGTH)}
BANKS = {"banks": 3, "gamma": RNG.uniform(0.5, 2, (3, LENGTH)), "beta": RNG.normal(0, 1, (3, LENGTH))}


def stored_words(config) -> dict[str, np.ndarray]:
    """(banks, beats, lanes) of each parameter; beta with half a step, 0 behind the end."""
    parameters = StoredParameters.of(config)
    words = {}
    for name, values in (("gamma", parameters.gamma), ("beta", parameters.beta + (1 << parameters.beta_frac_bits - 1))):
        padded = np.zeros((config.banks, BEATS * LANES), np.int64)
        padded[:, :LENGTH] = values
        words[name] = padded.reshape(config.banks, BEATS, LANES)
    return words


def lanes_of(store: ParameterStore, name: str, bits: int) -> list[int]:
    width = len(getattr(store, name).as_value()) // LANES
    return [signed(bits >> width * lane & ((1 << width) - 1), width) for lane in range(LANES)]


def read_all(config, store, prepare=()) -> dict[str, np.ndarray]:
    """Every word, read after the cycles of ``prepare``."""
    names = [name for name in ("gamma", "beta") if hasattr(store, name)]
    column_bits = max(1, (BEATS - 1).bit_length())
    addresses = [bank << column_bits | beat for bank in range(config.banks) for beat in range(BEATS)]
    inputs = list(prepare)
    inputs += [{f"{name}_address": address for name in names} for address in addresses]
    inputs += [{}] * store.latency
    seen = trace(store, inputs, names)
    first = len(inputs) - len(addresses)
    return {
        name: np.array([lanes_of(store, name, outputs[name]) for outputs in seen[first:]]).reshape(
            config.banks, BEATS, LANES
        )
        for name in names
    }


@pytest.mark.parametrize("keys", [ARRAYS, BANKS], ids=["one bank", "three banks"])
@pytest.mark.parametrize(("target", "clock_mhz"), [("generic", 50.0), ("ecp5-85k-6", 200.0), ("ice40-hx8k", 40.0)])
def test_stored_values_come_in_time(keys, target, clock_mhz):
    config = unit(target=target, clock_mhz=clock_mhz, **keys)
    words = read_all(config, ParameterStore(config))
    for name, expected in stored_words(config).items():
        assert (words[name] == expected).all(), name


def test_a_constant_has_no_memory():
    store = ParameterStore(unit(gamma=1.5, beta=None))
    assert not hasattr(store, "gamma")
    assert not hasattr(store, "beta")
    assert store.block_rams == 0
    store = ParameterStore(unit(gamma=ARRAYS["gamma"], beta=0.25))
    assert hasattr(store, "gamma")
    assert not hasattr(store, "beta")


class Load:
    """A source of loads and the rest of the unit, which takes ``rest`` cycles to come to rest."""

    def __init__(self, config, loads: list[tuple[int, int]], rest: int) -> None:
        parameters = StoredParameters.of(config)
        generator = random.Random(3)
        self.beats = []
        self.expected = stored_words(config)
        half = 1 << parameters.beta_frac_bits - 1
        for bank, count in loads:
            for beat in range(count):
                lanes = {
                    name: [generator.randrange(-(1 << bits - 1), 1 << bits - 1) for _ in range(LANES)]
                    for name, bits in (("gamma", parameters.gamma_bits), ("beta", parameters.beta_bits))
                }
                fields = {**lanes, "last": int(beat == count - 1)}
                if config.banks > 1:  # only the first beat's counts
                    fields["bank"] = bank if beat == 0 else generator.randrange(config.banks)
                self.beats.append(fields)
                if beat < BEATS:
                    self.expected["gamma"][bank, beat] = lanes["gamma"]
                    self.expected["beta"][bank, beat] = [value + half for value in lanes["beta"]]
        self.rest, self.held, self.offered, self.sent = rest, 0, False, 0
        self.log = SimpleNamespace(ready=[], hold=[])

    def step(self, cycle, seen):
        if seen is not None:
            self.log.ready.append(seen["i.ready"])
            self.log.hold.append(seen["hold"])
            self.held = self.held + 1 if seen["hold"] else 0
            if self.offered and seen["i.ready"]:
                self.sent += 1
        if cycle == 40 + 30 * len(self.beats):
            return None
        self.offered = self.sent < len(self.beats) and cycle % 3 != 0
        resting = self.held > self.rest
        inputs = {"i.valid": int(self.offered), "idle": int(resting), "rows_inside": int(not resting)}
        if self.offered:
            inputs |= {f"i.payload.{name}": value for name, value in self.beats[self.sent].items()}
        return inputs


@pytest.mark.parametrize("rest", [0, 7])
@pytest.mark.parametrize(
    ("keys", "loads"),
    [
        ({}, [(0, BEATS)]),
        (ARRAYS, [(0, 2)]),  # what it does not reach keeps its value
        (ARRAYS, [(0, 1), (0, BEATS + 5)]),  # what is too much is ignored
        (BANKS, [(2, BEATS), (0, 3), (1, 1)]),
    ],
)
def test_loads(keys, loads, rest):
    config = unit(storage="ram", gamma_max=4.0, beta_max=4.0, **keys)
    store = ParameterStore(config)
    load = Load(config, loads, rest)
    outputs: list[dict[str, int]] = []
    addresses = [bank << 3 | beat for bank in range(config.banks) for beat in range(BEATS)]

    def step(cycle, seen):
        if seen is not None:
            outputs.append(seen)
        inputs = load.step(cycle, seen) if cycle < loaded else None
        if cycle < loaded:
            return inputs
        index = cycle - loaded
        if index == len(addresses) + store.latency:
            return None
        address = addresses[min(index, len(addresses) - 1)]
        return {"i.valid": 0, "gamma_address": address, "beta_address": address}

    loaded = 40 + 30 * len(load.beats)
    run(store, step, ["i.ready", "hold", "gamma", "beta"])
    assert load.sent == len(load.beats)
    for name in ("gamma", "beta"):
        words = [lanes_of(store, name, o[name]) for o in outputs[loaded + store.latency :]]
        got = np.array(words).reshape(config.banks, BEATS, LANES)
        assert (got == load.expected[name]).all(), name
    # A beat is only taken while rows are held back, and each load waits for the unit to come to rest anew.
    assert all(hold for ready, hold in zip(load.log.ready, load.log.hold, strict=True) if ready)
    starts = sum(now and not before for before, now in zip([0, *load.log.ready], load.log.ready, strict=False))
    assert starts == len(loads)
    assert load.log.ready.index(1) > rest
    assert load.log.hold[-1] == 0
