import dataclasses

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.stalls import Stall
from streamnorm_sim.streams.stimulus import Stimulus, load_beats
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic


def config(lanes=2, max_length=5, **more):
    number_format = IntFormat(8)
    return NormConfig(
        norm="layernorm",
        lanes=lanes,
        max_length=max_length,
        input=number_format,
        output=number_format,
        epsilon=0.0,
        **more,
    )


def load(after_row, n=4, bank=0):
    return ParameterLoad(after_row, np.arange(n), np.arange(n), bank)


def test_rows_may_be_a_list_or_a_matrix_with_lengths():
    listed = Traffic(rows=[[1, 2, 3], [4]]).encode(config())
    matrix = Traffic(rows=np.array([[1, 2, 3], [4, 99, 99]]), lengths=[3, 1]).encode(config())
    for field in dataclasses.fields(Beats):
        assert getattr(listed, field.name).tolist() == getattr(matrix, field.name).tolist()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({}, "either rows or beats must be given"),
        ({"rows": [[1]], "reset_cycles": 1}, "reset_cycles = 1: must be an integer of at least 2"),
        ({"rows": [[1]], "beats": Beats.empty(2)}, "either rows or beats must be given"),
        ({"beats": Beats.empty(2), "banks": [0]}, "lengths and banks go with rows, not with beats"),
        ({"rows": [[1.5]]}, "row 0 is an array of float64 of shape (1,): must be integers of shape (n,), n > 0"),
        ({"rows": [[1]], "lengths": [1]}, "lengths only go with rows given as one array"),
    ],
)
def test_a_traffic_of_wrong_shape_is_refused(keywords, message):
    with pytest.raises(ValueError, match=r"must|go with") as error:
        Traffic(**keywords)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("traffic", "message"),
    [
        (Traffic(rows=[[0], [0, 200]]), "row 1 element 1 is 200: must be from -128 to 127 (int8)"),
        (Traffic(rows=[[0]], banks=[1]), "banks[0] = 1: must be from 0 to 0"),
        (Traffic(beats=Beats.empty(3)), "raw beats have 3 bytes; the unit's have 2"),
        (Traffic(rows=[[0]], loads=[load(0)]), 'parameter loads need storage = "ram"; the configuration has "rom"'),
    ],
)
def test_a_traffic_must_fit_the_configuration(traffic, message):
    with pytest.raises(ValueError, match=r"must|need|bytes") as error:
        Stimulus.of(config(), traffic)
    assert str(error.value) == message


@pytest.mark.parametrize(("code", "fits"), [(0, True), (0xFFFF, True), (0x10000, False), (-1, False)])
def test_loaded_codes_have_no_sign(code, fits):
    unit = NormConfig(
        norm="layernorm", lanes=2, max_length=4, input=IntFormat(8), output="fp32", epsilon=0.0, storage="ram",
        parameter_format="bf16",
    )  # fmt: skip
    given = ParameterLoad(0, np.array([1, code]), np.array([2, 0x8000]))
    if fits:
        assert load_beats(unit, given, "load").data.tolist() == [[1, 0, 2, 0, code & 0xFF, code >> 8, 0, 0x80]]
    else:
        with pytest.raises(ConfigError, match=r"^load: gamma must be codes of 16 bits$"):
            load_beats(unit, given, "load")


@pytest.mark.parametrize(
    ("loads", "message"),
    [
        ([load(1)], "loads are after rows [1]: must be in order, from -1 to 0"),
        ([load(0), load(-1)], "loads are after rows [0, -1]: must be in order, from -1 to 0"),
        ([load(0, n=6)], "load 0: gamma and beta must have one shape (n,), n from 1 to 5"),
        ([load(0, n=3)], "load 0: 3 elements must be whole beats of 2, or all"),
        ([load(0), load(0, bank=2)], "load 1 names bank 2: must be from 0 to 1"),
        ([ParameterLoad(0, np.array([0, 40000]), np.array([0, 0]))], "load 0: gamma must be integers of 16 bits"),
    ],
)
def test_a_load_must_fit_the_configuration(loads, message):
    with pytest.raises(ValueError, match="load") as error:
        Stimulus.of(config(storage="ram", banks=2), Traffic(rows=[[0]], loads=loads))
    assert str(error.value) == message


def test_a_row_longer_than_max_length_is_received_cut():
    received = Traffic(rows=[[1, 2, 3, 4, 5, 6, 7, 8], [9]]).received(config())
    assert [row.tolist() for row in received.list()] == [[1, 2, 3, 4, 5], [9]]
    assert received.errors.tolist() == [True, False]


def raw(*rows):
    """Beats of 2 bytes: each row a list of (data, keep), its last beat with tlast."""
    beats = [(data, keep, index == len(row) - 1) for row in rows for index, (data, keep) in enumerate(row)]
    return Beats(
        np.array([data for data, _, _ in beats], np.uint8),
        np.array([keep for _, keep, _ in beats], np.bool_),
        np.array([last for _, _, last in beats], np.bool_),
        np.zeros(len(beats), np.uint8),
    )


@pytest.mark.parametrize(
    ("row", "values", "error"),
    [
        ([([1, 2], [1, 1]), ([3, 4], [1, 0])], [1, 2, 3], False),
        ([([1, 2], [1, 0]), ([3, 4], [1, 1])], [1, 2, 3, 4], True),  # a partial beat before the last is full
        ([([1, 2], [0, 0]), ([3, 4], [1, 1])], [1, 2, 3, 4], True),
        ([([1, 2], [1, 1]), ([3, 4], [0, 0])], [1, 2, 3], True),  # an empty last beat keeps lane 0
        ([([1, 2], [1, 1]), ([3, 4], [0, 1])], [1, 2, 3, 4], True),
        ([([1, 2], [1, 1])] * 3, [1, 2, 1, 2, 1], True),  # one element too many in the last beat
        ([([1, 2], [1, 1])] * 5, [1, 2, 1, 2, 1], True),  # beats too many
    ],
)
def test_malformed_rows_are_received_as_the_contract_says(row, values, error):
    received = received_twice(raw(row, [([255, 0], [1, 0])]))
    assert [row.tolist() for row in received.list()] == [values, [-1]]
    assert received.errors.tolist() == [error, False]


def received_twice(beats):
    """What is received; the number of output beats expected of it must agree."""
    received = Traffic(beats=beats).received(config())
    expected = Stimulus.of(config(), Traffic(beats=beats)).expected
    assert expected == sum(-(-length // 2) for length in received.lengths)
    return received


def test_lanes_after_a_hole_are_not_kept():
    unit = config(lanes=4)
    keep = np.array([[True, True, False, True], [False, True, True, False]])
    beats = Beats(np.arange(8, dtype=np.uint8).reshape(2, 4), keep, np.array([True, True]), np.zeros(2, np.uint8))
    received = Traffic(beats=beats).received(unit)
    assert [row.tolist() for row in received.list()] == [[0, 1], [4, 5, 6]]
    assert received.errors.tolist() == [True, True]


def test_a_final_row_without_tlast_is_received_only_if_it_is_too_long():
    beats = raw([([1, 2], [1, 1])], [([1, 2], [1, 1])] * 2)
    beats.last[-1] = False
    assert len(received_twice(beats)) == 1
    beats = raw([([1, 2], [1, 1])], [([1, 2], [1, 1])] * 4)
    beats.last[-1] = False
    received = received_twice(beats)
    assert received.lengths.tolist() == [2, 5]
    assert received.errors.tolist() == [False, True]


def test_bits_of_a_byte_beyond_the_format_are_not_looked_at():
    unit = config(lanes=1).replace(input=IntFormat(4))
    beats = Beats(
        np.array([[0xF7], [0x0F]], np.uint8), np.ones((2, 1), bool), np.array([False, True]), np.zeros(2, np.uint8)
    )
    assert Traffic(beats=beats).received(unit).x.tolist() == [[7, -1]]


def test_with_wide_elements_the_lowest_byte_says_whether_one_is_kept():
    unit = config().replace(input=IntFormat(16))
    keep = np.array([[True, False, False, True]])
    beats = Beats(np.array([[1, 0, 2, 0]], np.uint8), keep, np.array([True]), np.zeros(1, np.uint8))
    received = Traffic(beats=beats).received(unit)
    assert received.x.tolist() == [[1]]
    assert received.errors.tolist() == [False]


def test_rows_and_loads_wait_for_each_other():
    # Rows of 2, 1 and 3 beats; loads of 2 beats each before row 0 and after rows 1 and 2.
    traffic = Traffic(rows=[[1] * 3, [1], [1] * 5], loads=[load(-1), load(1), load(2)])
    stimulus = Stimulus.of(config(storage="ram"), traffic)
    assert stimulus.loads.gate.tolist() == [0, 0, 3, 3, 6, 6]
    assert stimulus.rows.gate.tolist() == [1, 1, 1, 3, 3, 3]
    assert stimulus.outputs_before.tolist() == [0, 2, 2, 3, 6, 6, 6]


def test_after_a_reset_a_begun_row_is_left_out():
    stimulus = Stimulus.of(config(), Traffic(rows=[[1] * 3, [1], [1] * 5]))
    assert stimulus.rows.resume.tolist() == [0, 2, 2, 3, 6, 6, 6]


def test_the_seed_decides_all_patterns_and_they_are_independent():
    def patterns(seed):
        traffic = Traffic(rows=[[1]], source=Stall.random(0.5), sink=Stall.random(0.5), seed=seed)
        stimulus = Stimulus.of(config(), traffic)
        return stimulus.rows.open, stimulus.loads.open, stimulus.sink_open

    first, again, other = patterns(1), patterns(1), patterns(2)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert all((a != b).any() for a, b in zip(first, other, strict=True))
    assert abs(np.corrcoef(np.stack(first)) - np.eye(3)).max() < 0.02
