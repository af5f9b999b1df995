import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnorm_fpga.host.rows import RowGroup, group_rows
from streamnorm_fpga.link.protocol import ROWS_HEADER, Operation
from streamnorm_fpga.top.banks import banks_of
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.beats import encode_rows


@given(
    rows=st.lists(st.tuples(st.integers(1, 15), st.integers(0, 1)), min_size=1, max_size=40),
    memory_beats=st.integers(16, 64),
)
def test_every_row_is_in_one_group(config, rows, memory_beats):
    lengths, banks = np.array(rows).T
    groups = group_rows(config, lengths, banks, memory_beats=memory_beats, stalls=True)
    assert sorted(index for group in groups for index in group.indices) == list(range(len(rows)))
    for group in groups:
        assert (lengths[group.indices] == group.length).all()
        assert (banks[group.indices] == group.bank).all()
        assert (np.diff(group.indices) > 0).all()
        assert group.stalls
        assert len(group.indices) * -(-group.length // config.lanes) == group.beats(config) <= memory_beats


IN_TURN = {"banks": 3, "bank_order": "cyclic", "gamma": np.ones((3, 15))}


@given(lengths=st.lists(st.sampled_from([1, 2, 15]), min_size=1, max_size=60), first=st.integers(0, 2))
def test_in_a_request_rows_take_the_banks_in_turn(config, lengths, first):
    config = config.replace(**IN_TURN)
    lengths = np.array(lengths)
    banks = (first + np.arange(len(lengths))) % 3
    groups = group_rows(config, lengths, banks, memory_beats=64, stalls=False)
    assert sorted(index for group in groups for index in group.indices) == list(range(len(lengths)))
    for group in groups:
        assert (lengths[group.indices] == group.length).all()
        assert banks[group.indices].tolist() == banks_of(config, group.bank, len(group.indices)).tolist()
        assert group.beats(config) <= 64


def test_rows_of_one_length_in_turn_travel_together(config):
    config = config.replace(**IN_TURN)
    banks = (1 + np.arange(50)) % 3
    groups = group_rows(config, np.full(50, 4), banks, memory_beats=64, stalls=False)
    assert [group.indices.tolist() for group in groups] == [list(range(32)), list(range(32, 50))]
    assert [group.bank for group in groups] == [1, 0]


@pytest.mark.parametrize("length", [1, 2, 3, 14, 15])
def test_a_request_holds_the_beats_that_a_simulation_plays(config, length):
    batch = random_rows(config, 5, np.random.default_rng(1), lengths=np.full(5, length))
    group = RowGroup(np.array([1, 3, 4]), length, 1, False)
    request = group.request(config, batch.x)
    chosen = group.indices
    beats = encode_rows(config, batch.select(chosen))
    row_beats = -(-length // config.lanes)
    assert request.operation == Operation.ROWS
    assert request.body[: ROWS_HEADER.size] == bytes((1, 0, row_beats - 1, 0, (length - 1) % 2 + 1))
    assert request.body[ROWS_HEADER.size :] == beats.data.tobytes()
    assert (request.beats, request.answer_octets) == (len(beats), len(beats) * config.lanes)


def test_elements_of_a_response(config):
    group = RowGroup(np.array([0, 1]), 3, 0, False)
    octets = bytes((1, 2, 0xFF, 0, 0x80, 4, 5, 9))
    assert group.elements(config, octets)[""].tolist() == [[1, 2, -1, 0], [-128, 4, 5, 9]]
    for wrong in (octets[:-1], octets[:4], octets * 2, b""):
        with pytest.raises(ValueError, match=r"are not 4 beats"):
            group.elements(config, wrong)
