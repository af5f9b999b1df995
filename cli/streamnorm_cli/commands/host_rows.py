"""The rows that ``streamnorm host`` sends."""

import argparse
from typing import TYPE_CHECKING

import numpy as np

from streamnorm.verilog.vector_files import Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streamnorm.spec.config import NormConfig
    from streamnorm_sim.reference.rows import RowBatch

_LENGTHS = 6  # of random rows: rows of one length travel together


def user_rows(args: argparse.Namespace, config: "NormConfig") -> Vectors:
    """Return the rows that the options ask for, and what must come out: those of a file, or random ones.

    Of the random ones, up to half are corner rows, unless lengths are given.
    """
    from streamnorm_sim.check.simulate import read_rows
    from streamnorm_sim.reference.rows import RowBatch, corner_rows, random_rows

    if args.input is not None:
        return _with_results(config, RowBatch.of(config, read_rows(config, args.input)))
    rng = np.random.default_rng(args.seed)
    count = args.rows
    corners = [] if args.lengths else [row for _, row in corner_rows(config, rng).values()][: count // 2]
    lengths = args.lengths or _several_lengths(config, rng)
    others = random_rows(config, count - len(corners), rng, lengths=np.resize(lengths, count - len(corners)))
    batch = RowBatch.pack(
        config,
        [*corners, *(row[:length] for row, length in zip(others.x, others.lengths, strict=True))],
        np.concatenate([np.arange(len(corners)) % config.banks, others.banks]),
    )
    return _with_results(config, batch)


def longest_rows(config: "NormConfig", count: int, seed: int) -> Vectors:
    """Return random rows of ``max_length``, all of bank 0."""
    from streamnorm_sim.reference.rows import RowBatch, random_rows

    lengths = np.full(count, config.max_length)
    rows = random_rows(config, count, np.random.default_rng(seed), lengths=lengths)
    return _with_results(config, RowBatch.of(config, rows.x))


def _several_lengths(config: "NormConfig", rng: np.random.Generator) -> "NDArray[np.int64]":
    low, high = config.min_length, config.max_length
    known = [high, low, high - 1, config.lanes]
    drawn = rng.integers(low, high, _LENGTHS - len(known), endpoint=True)
    return np.clip([*known, *drawn], low, high)


def _with_results(config: "NormConfig", batch: "RowBatch") -> Vectors:
    from streamnorm_sim.reference.golden import GoldenModel

    expected = GoldenModel(config).normalize(batch.x, lengths=batch.lengths, banks=batch.banks)
    return Vectors(input=batch.x, lengths=batch.lengths, banks=batch.banks, expected=expected)
