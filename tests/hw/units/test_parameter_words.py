"""Channels of several elements: how many words and blocks gamma takes, which value a lane gets, and the loads."""

import numpy as np
import pytest

from hw.simulation import run, signed, trace
from hw.units.units import unit
from streamnorm.logic.primitives.block_ram import block_count
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters
from streamnorm.units.channel_counter import ChannelCounter
from streamnorm.units.parameter_store import ParameterStore
from streamnorm.units.parameter_words import BeatWords, ChannelWords, SplitChannelWords, parameter_words


def channels(lanes: int, length: int, repeat: int, banks: int = 3, **more) -> NormConfig:
    """A unit whose values are all different."""
    shape = (banks, -(-length // repeat))
    values = np.arange(1, np.prod(shape) + 1).reshape(shape) / 64
    return unit(
        lanes=lanes, max_length=length, parameter_repeat=repeat, banks=banks, gamma=values, beta=-values, **more
    )


SHAPES = [
    (8, 96, 1, BeatWords, 12, 8),  # a value for each element
    (8, 96, 3, BeatWords, 12, 8),  # many channels in a beat
    (8, 96, 8, ChannelWords, 12, 1),
    (8, 96, 24, ChannelWords, 4, 1),  # three beats: counted
    (8, 96, 32, ChannelWords, 3, 1),  # four beats: a shift
    (8, 99, 32, ChannelWords, 4, 1),
    (8, 98, 49, SplitChannelWords, 2, 1),
    (8, 100, 9, SplitChannelWords, 12, 1),
    (1, 20, 7, ChannelWords, 3, 1),
    (8, 96, 96, ChannelWords, 1, 1),  # one number a row
    (8, 95, 95, ChannelWords, 1, 1),
    (8, 5, 6, ChannelWords, 1, 1),
    (8, 96, 16384, ChannelWords, 1, 1),
]


@pytest.mark.parametrize(("lanes", "length", "repeat", "kind", "count", "values"), SHAPES)
def test_words_are_as_few_as_it_is_easy(lanes, length, repeat, kind, count, values):
    words = parameter_words(channels(lanes, length, repeat))
    assert type(words) is kind
    assert (words.count, words.lanes) == (count, values)
    if count == 1:
        assert words.place_bits == 0  # the address is the bank alone


def test_blocks_of_a_group_norm():
    """32 groups of 16 channels of 7 x 7 or 14 x 14 positions: gamma and beta of 512 channels."""
    target = {"target": "ecp5-85k-6", "clock_mhz": 200}
    keys = {"lanes": 8, "max_length": 784, "banks": 32, **target}
    rng = np.random.default_rng(0)

    def blocks(repeat: int, **more) -> int:
        shape = ({**keys, **more}["banks"], -(-{**keys, **more}["max_length"] // repeat))
        gamma = rng.uniform(0.5, 1.5, shape)
        config = unit(**{**keys, **more}, parameter_repeat=repeat, gamma=gamma, beta=gamma)
        return ParameterStore(config).block_rams

    bits = unit().gamma_bits
    assert blocks(56) == 2 * block_count(bits, 512, "ecp5") == 2  # 14 channels of 56
    assert blocks(49) == 4  # even and odd channels of gamma and of beta
    assert blocks(1, banks=16) >= 30
    assert blocks(3136, banks=512, max_length=3136) == 2  # 512 instances, a number each


def lanes_of(config: NormConfig, name: str) -> np.ndarray:
    """(banks, beats, lanes) of what every lane must get; behind ``max_length`` anything."""
    parameters = StoredParameters.of(config)
    stored = parameters.gamma if name == "gamma" else parameters.beta + (1 << parameters.beta_frac_bits - 1)
    elements = np.arange(config.max_beats * config.lanes)
    shared = np.minimum(elements, config.max_length - 1) // config.parameter_repeat
    return stored[:, shared].reshape(config.banks, config.max_beats, config.lanes)


def places(config: NormConfig) -> list[int]:
    """Where each beat of a row reads, by the definition of a channel."""
    words = parameter_words(config)
    repeat, lanes = config.parameter_repeat, config.lanes
    if isinstance(words, BeatWords):
        return list(range(config.max_beats))
    first = [beat * lanes // repeat for beat in range(config.max_beats)]
    if isinstance(words, ChannelWords):
        return first
    remaining = [min(lanes, (channel + 1) * repeat - beat * lanes) for beat, channel in enumerate(first)]
    return [channel | left << words.column_bits for channel, left in zip(first, remaining, strict=True)]


def read_all(config: NormConfig, store: ParameterStore, prepare=()) -> dict[str, np.ndarray]:
    place_bits = parameter_words(config).place_bits
    addresses = [bank << place_bits | place for bank in range(config.banks) for place in places(config)]
    inputs = list(prepare)
    inputs += [{"gamma_address": address, "beta_address": address} for address in addresses]
    inputs += [{}] * store.latency
    seen = trace(store, inputs, ["gamma", "beta"])[-len(addresses) :]
    result = {}
    for name in ("gamma", "beta"):
        width = len(getattr(store, name).as_value()) // config.lanes
        words = [
            [signed(outputs[name] >> width * lane & ((1 << width) - 1), width) for lane in range(config.lanes)]
            for outputs in seen
        ]
        result[name] = np.array(words).reshape(config.banks, config.max_beats, config.lanes)
    return result


def same_in_rows(config: NormConfig, got: dict[str, np.ndarray]) -> None:
    for name, values in got.items():
        inside = np.s_[:, : config.max_length]
        want = lanes_of(config, name).reshape(config.banks, -1)[inside]
        assert (values.reshape(config.banks, -1)[inside] == want).all(), name


@pytest.mark.parametrize("shape", [shape[:3] for shape in SHAPES])
@pytest.mark.parametrize(("target", "clock_mhz"), [("generic", 50.0), ("ecp5-85k-6", 200.0), ("ice40-hx8k", 40.0)])
def test_every_lane_gets_its_channels_value_in_time(shape, target, clock_mhz):
    config = channels(*shape, target=target, clock_mhz=clock_mhz)
    same_in_rows(config, read_all(config, ParameterStore(config)))


@pytest.mark.parametrize(("lanes", "length", "repeat"), [(8, 96, 24), (8, 100, 49), (4, 99, 5), (3, 40, 7), (3, 40, 9)])
def test_the_counter_tells_a_beats_channel_a_cycle_later(lanes, length, repeat):
    config = channels(lanes, length, repeat)
    words = parameter_words(config)
    assert words.place_cycle == 1
    rng = np.random.default_rng(repeat)
    inputs, expected = [], []
    for _ in range(12):
        for beat in range(int(rng.integers(1, config.max_beats, endpoint=True))):
            pauses = int(rng.integers(3))
            inputs += [{"issue": 0, "first": int(rng.integers(2))}] * pauses
            expected += expected[-1:] * pauses or [None] * pauses
            inputs.append({"issue": 1, "first": int(beat == 0)})
            expected.append(places(config)[beat])
    outputs = ["channel", "remaining"] if repeat % lanes else ["channel"]
    seen = trace(ChannelCounter(config), [*inputs, {"issue": 0}], outputs)[1:]
    for found, place in zip(seen, expected, strict=True):
        if place is not None:
            assert found["channel"] | found.get("remaining", 0) << words.column_bits == place


@pytest.mark.parametrize(
    ("shape", "loads"),
    [
        ((8, 96, 24), [(2, 4), (0, 2), (1, 9)]),  # all, some, too many
        ((8, 98, 49), [(2, 2), (0, 1), (1, 5)]),
        ((8, 100, 9), [(1, 12), (1, 5), (0, 12), (2, 1)]),
        ((8, 96, 3), [(2, 32), (1, 8), (0, 40)]),
        ((8, 30, 4), [(2, 8), (1, 2), (0, 8)]),
        ((8, 95, 95), [(2, 1), (0, 1), (1, 3)]),
        ((1, 20, 7), [(0, 3), (2, 2)]),
    ],
)
def test_a_load_has_a_beat_for_each_channel(shape, loads):
    config = channels(*shape, storage="ram")
    store, parameters = ParameterStore(config), StoredParameters.of(config)
    assert config.load_lanes == 1
    rng = np.random.default_rng(11)
    gamma, beta = parameters.gamma.copy(), parameters.beta.copy()
    beats = []
    for bank, count in loads:
        for beat in range(count):
            values = [
                int(rng.integers(-(1 << bits - 1), 1 << bits - 1)) for bits in (config.gamma_bits, config.beta_bits)
            ]
            fields = {"gamma": [values[0]], "beta": [values[1]], "last": int(beat == count - 1)}
            beats.append({**fields, "bank": bank if beat == 0 else int(rng.integers(config.banks))})
            if beat < config.bank_values:
                gamma[bank, beat], beta[bank, beat] = values
    sent, offered, seen_words = 0, False, []
    place_bits = parameter_words(config).place_bits
    addresses = [bank << place_bits | place for bank in range(config.banks) for place in places(config)]
    loaded = 40 * len(loads) + 3 * config.parameter_repeat * len(beats) + 4 * len(beats)

    def step(cycle, seen):
        nonlocal sent, offered
        if seen is not None and offered and seen["i.ready"]:
            assert seen["hold"]
            sent += 1
        if cycle < loaded:
            offered = sent < len(beats) and cycle % 3 != 0
            inputs = {"i.valid": int(offered), "idle": 1, "rows_inside": 0}
            return inputs | {f"i.payload.{key}": value for key, value in beats[sent].items()} if offered else inputs
        offered = False
        seen_words.append(seen)
        index = cycle - loaded
        if index == len(addresses) + store.latency + 1:
            return None
        address = addresses[min(index, len(addresses) - 1)]
        return {"i.valid": 0, "gamma_address": address, "beta_address": address}

    run(store, step, ["i.ready", "hold", "gamma", "beta"])
    assert sent == len(beats)
    assert not seen_words[-1]["hold"]
    got = {}
    for name in ("gamma", "beta"):
        width = len(getattr(store, name).as_value()) // config.lanes
        words = [
            [signed(outputs[name] >> width * lane & ((1 << width) - 1), width) for lane in range(config.lanes)]
            for outputs in seen_words[store.latency + 1 : store.latency + 1 + len(addresses)]
        ]
        got[name] = np.array(words).reshape(config.banks, -1)[:, : config.max_length]
    shared = np.arange(config.max_length) // config.parameter_repeat
    assert (got["gamma"] == gamma[:, shared]).all()
    assert (got["beta"] == beta[:, shared] + (1 << parameters.beta_frac_bits - 1)).all()
