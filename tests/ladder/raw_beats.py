"""Beats that no sender should send: with holes, of rows that never end or end at any beat, of rows of other lengths."""

from collections.abc import Sequence

import numpy as np

from streamnorm.spec.config import NormConfig
from streamnorm_sim.streams.beats import Beats


def raw_beats(config: NormConfig, keep: np.ndarray, last: np.ndarray, rng: np.random.Generator) -> Beats:
    """Beats of random bytes; ``keep`` is one bit an element."""
    count, width = len(last), config.lanes * config.input.bytes
    return Beats(
        rng.integers(256, size=(count, width), dtype=np.uint8),
        np.repeat(keep.astype(np.bool_), config.input.bytes, axis=1),
        last.astype(np.bool_),
        rng.integers(config.banks, size=count).astype(np.uint8),
    )


def lawless_beats(config: NormConfig, count: int, rng: np.random.Generator, *, ends: Sequence[float]) -> Beats:
    """Beats that break every rule: some of which lanes are kept at random, and rows that end at one of these rates."""
    keep = rng.random((count, config.lanes)) < rng.choice([0.3, 0.9, 1.0], (count, 1))
    last = rng.random(count) < rng.choice(ends)
    beats = raw_beats(config, keep, last, rng)
    beats.keep[:] ^= rng.random(beats.keep.shape) < 0.05  # a bit for each byte: of an element's, the low one counts
    return beats


def beats_of_lengths(lanes: int, lengths: Sequence[int], rng: np.random.Generator, *, width: int = 1) -> Beats:
    """Well-formed beats of rows of these lengths, of random elements of ``width`` bytes."""
    kept = [np.arange(-(-length // lanes) * lanes).reshape(-1, lanes) < length for length in lengths]
    last = [np.arange(len(beats)) == len(beats) - 1 for beats in kept]
    keep = np.repeat(np.concatenate(kept), width, axis=1)
    data = rng.integers(256, size=keep.shape, dtype=np.uint8)
    return Beats(data, keep, np.concatenate(last), np.zeros(len(data), np.uint16))


def any_beats(rng: np.random.Generator, rows: int, lanes: int, width: int, most: int) -> Beats:
    """Rows of up to ``most`` beats; one keep in thirty is any."""
    counts = rng.integers(1, most, rows, endpoint=True)
    total = int(counts.sum())
    last = np.zeros(total, np.bool_)
    last[counts.cumsum() - 1] = True
    keep = np.arange(lanes) < np.where(last, rng.integers(1, lanes, total, endpoint=True), lanes)[:, None]
    odd = rng.random(total) < 1 / 30
    keep[odd] = rng.random((int(odd.sum()), lanes)) < 0.5
    data = rng.integers(0, 256, (total, lanes * width), dtype=np.uint8)
    return Beats(data, np.repeat(keep, width, axis=1), last, np.zeros(total, np.uint16))


def beats_of_another_width(beats: Beats, rng: np.random.Generator, lanes: int, width: int) -> Beats:
    """As many beats of rows as long, kept in the same lanes."""
    keep = beats.keep.reshape(len(beats), lanes, -1)[..., 0]
    data = rng.integers(0, 256, (len(beats), lanes * width), dtype=np.uint8)
    return Beats(data, np.repeat(keep, width, axis=1), beats.last, beats.user)


def beats_of_a_number(data: np.ndarray, *, keep: bool = True, last: np.ndarray | bool = True) -> Beats:
    """A beat for each number, bytes (beats, bytes of it)."""
    count = len(data)
    return Beats(data, np.full(data.shape, keep), np.broadcast_to(last, count).copy(), np.zeros(count, np.uint16))
