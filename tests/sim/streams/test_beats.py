import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnorm.errors import CheckFailed
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.streams.beats import Beats, decode_rows, encode_load, encode_rows
from streamnorm_sim.streams.rows import RowBatch


def config(lanes=4, bits=8, signed=True, **more):
    number_format = IntFormat(bits, signed=signed)
    return NormConfig(
        norm="layernorm", lanes=lanes, max_length=64, input=number_format, output=number_format, epsilon=0.0, **more
    )


def encode(unit, rows, banks=0):
    return encode_rows(unit, RowBatch.arrange(rows, None, banks))


def test_lane_0_is_the_lowest_byte_and_the_last_beat_is_partly_kept():
    beats = encode(config(lanes=4), [[1, 2, 3, -4, 5]])
    assert beats.data.tolist() == [[1, 2, 3, 252], [5, 0, 0, 0]]
    assert beats.keep.tolist() == [[True] * 4, [True, False, False, False]]
    assert beats.last.tolist() == [False, True]


def test_an_element_is_extended_to_whole_bytes_low_byte_first():
    signed = encode(config(lanes=2, bits=12), [[-2, 0x123]])
    assert signed.data.tolist() == [[0xFE, 0xFF, 0x23, 0x01]]
    unsigned = encode(config(lanes=1, bits=20, signed=False), [[0xFEDCB]])
    assert unsigned.data.tolist() == [[0xCB, 0xED, 0x0F]]


def test_a_bank_goes_with_every_beat_of_its_row():
    unit = config(lanes=2, banks=3, storage="ram")
    beats = encode(unit, [[1, 1, 1], [1]], [2, 1])
    assert beats.user.tolist() == [2, 2, 1]


def test_a_load_has_gamma_below_beta_in_each_lane():
    unit = config(lanes=2, storage="ram", gamma_bits=16, beta_bits=20)
    beats = encode_load(unit, {"gamma": np.array([0x0102, -2, 3]), "beta": np.array([0x012345, -1, 7])}, 0)
    assert beats.data.tolist() == [
        [0x02, 0x01, 0x45, 0x23, 0x01, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF],
        [0x03, 0x00, 0x07, 0x00, 0x00, 0, 0, 0, 0, 0],
    ]
    assert beats.last.tolist() == [False, True]


@given(
    lanes=st.integers(1, 64),
    bits=st.integers(4, 24),
    signed=st.booleans(),
    lengths=st.lists(st.integers(1, 64), min_size=1, max_size=6),
    seed=st.integers(0, 99),
)
def test_decoding_undoes_encoding(lanes, bits, signed, lengths, seed):
    unit = config(lanes, bits, signed)
    rng = np.random.default_rng(seed)
    rows = [rng.integers(unit.input.min, unit.input.max, n, endpoint=True) for n in lengths]
    beats = encode(unit, rows)
    assert len(beats) == sum(-(-n // lanes) for n in lengths)
    decoded = decode_rows(unit, dataclasses.replace(beats, user=np.where(beats.last, 1, 0).astype(np.uint8)))
    assert decoded.errors.all()
    assert [row.tolist() for row in decoded.list()] == [row.tolist() for row in rows]


def test_flags_of_a_row_are_above_its_error():
    unit = NormConfig(norm="layernorm", lanes=2, max_length=64, input="fp16", output="fp16", epsilon=0.0)
    beats = encode(unit, [[0xFC00, 0x7E01, 3], [0x8000], [1], [2]])
    assert beats.data[0].tolist() == [0x00, 0xFC, 0x01, 0x7E]
    beats.user[:] = [0, 0b0011, 0b1110, 0b0001, 0]
    decoded = decode_rows(unit, beats)
    assert decoded.list()[0].tolist() == [0xFC00, 0x7E01, 3]
    assert decoded.errors.tolist() == [True, False, True, False]
    assert decoded.flags.tolist() == [1, 7, 0, 0]
    assert decoded.flags.dtype == np.uint8


def test_bits_above_a_code_are_zero():
    unit = NormConfig(norm="layernorm", lanes=1, max_length=64, input="fp16", output="float(5, 4)", epsilon=0.0)
    beats = encode(unit, [[0x3FF], [0x400]])
    with pytest.raises(CheckFailed, match=r"^output element is not extended from float\(5, 4\) \(output beat 1\)$"):
        decode_rows(unit, beats)


def test_no_beats_are_no_rows():
    rows = decode_rows(config(), Beats.empty(4))
    assert len(rows) == 0
    assert rows.x.shape == (0, 0)


@pytest.fixture
def good():
    return encode(config(lanes=2, bits=12), [[1, 2, 3], [4, 5]])


@pytest.mark.parametrize(
    ("field", "index", "value", "message"),
    [
        ("keep", (1, 0), False, "output tkeep has holes or is empty (output beat 1)"),
        ("keep", (2, 1), False, "output tkeep has holes or is empty (output beat 2)"),
        ("keep", (1, 2), True, "output tkeep has holes or is empty (output beat 1)"),
        ("keep", (0, slice(2, 4)), False, "output tkeep is not full before the row's last beat (output beat 0)"),
        ("data", (1, 3), 1, "output tdata is not 0 where tkeep is 0 (output beat 1)"),
        ("data", (2, 1), 0x0F, "output element is not extended from int12 (output beat 2)"),
        ("last", 2, False, "output ends within a row: 1 beats after the last tlast"),
    ],
)
def test_a_malformed_output_is_refused(good, field, index, value, message):
    getattr(good, field)[index] = value
    with pytest.raises(CheckFailed) as error:
        decode_rows(config(lanes=2, bits=12), good)
    assert str(error.value) == message


def test_a_stream_cut_by_a_reset_may_end_within_a_row(good):
    good.last[2] = False
    rows = decode_rows(config(lanes=2, bits=12), good, cut_short=True)
    assert [row.tolist() for row in rows.list()] == [[1, 2, 3]]
