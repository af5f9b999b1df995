"""Batches of rows: how they are laid side by side, and what is refused."""

import re
from dataclasses import replace

import numpy as np
import pytest

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.streams.rows import RowBatch

CONFIG = NormConfig(
    norm="layernorm",
    lanes=4,
    max_length=21,
    input=IntFormat(8),
    output=IntFormat(8),
    epsilon=0.0,
    banks=3,
    gamma=np.ones((3, 21)),
)


def test_without_lengths_and_banks_all_elements_count_and_the_bank_is_0():
    batch = RowBatch.of(CONFIG, [[0, 1, 2], [3, 4, 5]])
    assert batch.lengths.tolist() == [3, 3]
    assert batch.banks.tolist() == [0, 0]
    assert batch.errors.tolist() == [False, False]
    assert batch.valid.all()
    assert len(batch) == 2


def test_one_length_and_one_bank_may_serve_all_rows():
    batch = RowBatch.of(CONFIG, [[0, 1, 2], [3, 4, 5]], 2, 1)
    assert batch.lengths.tolist() == [2, 2]
    assert batch.banks.tolist() == [1, 1]


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64])
def test_an_array_is_not_copied(kind):
    x = np.arange(6, dtype=kind).reshape(2, 3)
    assert RowBatch.of(CONFIG, x, [1, 3]).x is x


def test_what_lies_beyond_a_row_does_not_count():
    batch = RowBatch.of(CONFIG, [[1, 2, 999], [-1, 5, 6]], [2, 3], [2, 0])
    assert batch.valid.tolist() == [[True, True, False], [True, True, True]]
    assert [row.tolist() for row in batch.list()] == [[1, 2], [-1, 5, 6]]
    with pytest.raises(ValueError, match="row 0 element 2 is 999"):
        RowBatch.of(CONFIG, batch.x)


def test_pack():
    batch = RowBatch.pack(CONFIG, [[1], [2, 3], np.array([4], np.int8)], [0, 1, 2])
    assert batch.x.tolist() == [[1, 0], [2, 3], [4, 0]]
    assert batch.lengths.tolist() == [1, 2, 1]
    assert batch.banks.tolist() == [0, 1, 2]
    assert RowBatch.pack(CONFIG, []).x.shape == (0, 1)


def test_select_and_join():
    batch = RowBatch.pack(CONFIG, [[1], [2, 3], [4]], [0, 1, 2])
    last, first = batch.select(slice(1, 3)), RowBatch.of(CONFIG, [[7]])
    joined = RowBatch.join(first, last)
    assert joined.x.tolist() == [[7, 0], [2, 3], [4, 0]]
    assert joined.lengths.tolist() == [1, 2, 1]
    assert joined.banks.tolist() == [0, 1, 2]
    assert joined.select(np.array([2, 0])).x.tolist() == [[4, 0], [7, 0]]


@pytest.mark.parametrize(("elements", "sizes"), [(1, [1, 1, 1]), (4, [2, 1]), (99, [3])])
def test_parts_are_all_rows_in_order(elements, sizes):
    batch = RowBatch.of(CONFIG, [[1, 2], [3, 4], [5, 6]])
    parts = list(batch.parts(elements))
    assert [len(part) for _, part in parts] == sizes
    assert np.concatenate([batch.x[where] for where, _ in parts]).tolist() == batch.x.tolist()
    assert list(RowBatch.pack(CONFIG, []).parts(9)) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [np.zeros((2, 3), complex)],
            "rows are an array of complex128 of shape (2, 3): must be integers or floats of shape (rows, n), n > 0",
        ),
        (
            [np.zeros(3, np.int64)],
            "rows are an array of int64 of shape (3,): must be integers or floats of shape (rows, n), n > 0",
        ),
        (
            [np.zeros((2, 3), bool)],
            "rows are an array of bool of shape (2, 3): must be integers or floats of shape (rows, n), n > 0",
        ),
        (
            [np.zeros((2, 0), int)],
            "rows are an array of int64 of shape (2, 0): must be integers or floats of shape (rows, n), n > 0",
        ),
        ([np.zeros((2, 22), int)], "rows have 22 elements: must have at most max_length = 21"),
        ([[[0, 1], [-129, 2]]], "row 1 element 0 is -129: must be from -128 to 127 (int8)"),
        ([[[0, 128]]], "row 0 element 1 is 128: must be from -128 to 127 (int8)"),
        ([[[0, 1]], [3]], "lengths[0] = 3: must be from 1 to 2"),
        ([[[0, 1]], 0], "lengths[0] = 0: must be from 1 to 2"),
        ([[[0, 1], [2, 3]], [2, 0]], "lengths[1] = 0: must be from 1 to 2"),
        (
            [[[0, 1]], [1, 1]],
            "lengths are an array of int64 of shape (2,): must be integers of shape (1,), one for each row",
        ),
        (
            [[[0, 1]], [1.5]],
            "lengths are an array of float64 of shape (1,): must be integers of shape (1,), one for each row",
        ),
        (
            [[[0, 1]], None, [0, 0]],
            "banks are an array of int64 of shape (2,): must be integers of shape (1,), one for each row",
        ),
        ([[[0, 1]], None, [3]], "banks[0] = 3: must be from 0 to 2"),
        ([[[0, 1]], None, -1], "banks[0] = -1: must be from 0 to 2"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        RowBatch.of(CONFIG, *arguments)


@pytest.mark.parametrize("row", [[], [[1, 2]], [0.5]])
def test_pack_refuses(row):
    message = r"^row 1 is an array of .*: must be integers of shape \(n,\), n > 0$"
    with pytest.raises(ValueError, match=message):
        RowBatch.pack(CONFIG, [[1], row])


def test_rows_too_long_suit_a_configuration_where_they_may_be_cut():
    batch = RowBatch.arrange(np.zeros((2, 22), int), [22, 1])
    batch.require_fit(CONFIG, cut=True)
    with pytest.raises(ValueError, match=r"^rows have 22 elements: must have at most max_length = 21$"):
        batch.require_fit(CONFIG)


def test_flags_go_with_their_rows():
    batch = replace(RowBatch.pack(CONFIG, [[1, 2], [3], [4]]), flags=np.array([1, 2, 4], np.uint8))
    assert RowBatch.pack(CONFIG, [[1]]).flags.tolist() == [0]
    assert batch.select(slice(1, 3)).flags.tolist() == [2, 4]
    assert batch.select(np.array([2, 0])).flags.tolist() == [4, 1]
    assert RowBatch.join(batch, RowBatch.pack(CONFIG, [[1, 2, 3]])).flags.tolist() == [1, 2, 4, 0]
    assert [part.flags.tolist() for _, part in batch.parts(4)] == [[1, 2], [4]]
