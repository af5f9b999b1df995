"""Streams beside the rows that have one element of each row."""

import numpy as np
import pytest

from streamnorm.errors import CheckFailed, ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.fusions import SideStream
from streamnorm_sim.streams.beats import Beats, decode_side, encode_side
from streamnorm_sim.streams.joined import joined, joined_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.stimulus import Stimulus
from streamnorm_sim.streams.traffic import Traffic

SIDE = SideStream("exponent", IntFormat("int12"), "of a row", per_row=True)


@pytest.fixture
def config(monkeypatch) -> NormConfig:
    """A unit that has such a stream on its way in and, as any with a scale for each row, one on its way out."""
    unit = NormConfig(
        norm="layernorm", lanes=2, max_length=8, epsilon=1e-5, input={"format": "int8", "scale": 0.1},
        output={"format": "int8", "scale": "row"},
    )  # fmt: skip
    monkeypatch.setattr(NormConfig, "side_inputs", property(lambda self: (SIDE,)))
    return unit


def bits(text: str) -> np.ndarray:
    return np.array([character == "1" for character in text])


def test_a_beat_of_each_row_goes_and_comes_back(config) -> None:
    batch = RowBatch.of(config, np.zeros((3, 5), np.int64), [5, 1, 3], exponent=np.array([-3, 7, 2047]))
    assert batch.beside["exponent"].tolist() == [[-3], [7], [2047]]
    beats = encode_side(config, [SIDE], batch)
    assert beats.data.tolist() == [[0xFD, 0xFF], [7, 0], [0xFF, 7]]
    assert beats.keep.all()
    assert beats.last.all()
    back = decode_side(config, SIDE, beats)
    assert back.x.tolist() == [[-3], [7], [2047]]
    assert back.lengths.tolist() == [1, 1, 1]


def test_a_beat_that_does_not_end_its_row_is_malformed(config) -> None:
    beats = Beats(np.zeros((2, 2), np.uint8), np.ones((2, 2), np.bool_), bits("10"), np.zeros(2, np.uint8))
    with pytest.raises(CheckFailed, match=r"exponent tlast is 0 in a beat of a row \(exponent beat 1\)"):
        decode_side(config, SIDE, beats)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((3, 2), np.int64), r"exponent: shape \(3, 2\): must be \(3, 1\), one element of each row"),
        (np.zeros(2, np.int64), r"exponent: shape \(2, 1\): must be \(3, 1\), one element of each row"),
        (np.array([0, 0, 4096]), "exponent: row 2 element 0 is 4096: must be from -2048 to 2047"),
    ],
)
def test_not_one_of_each_row_is_refused(config, values, message) -> None:
    with pytest.raises(ConfigError, match=message):
        RowBatch.of(config, np.zeros((3, 5), np.int64), exponent=values)


def test_rows_are_as_long_as_those_of_the_other_streams() -> None:
    rows = joined_rows(bits("0010110"), {"f": bits("010011"), "e": bits("111")}, per_row=["e"])
    assert rows.counts.tolist() == [2, 2, 1]
    assert rows.starts.tolist() == [0, 3, 5]
    assert rows.starts_beside["f"].tolist() == [0, 2, 5]
    assert rows.starts_beside["e"].tolist() == [0, 1, 2]


def test_a_row_without_its_element_is_not_begun() -> None:
    assert joined_rows(bits("0101"), {"e": bits("1")}, per_row=["e"]).starts.tolist() == [0]
    assert len(joined_rows(bits("0101"), {"e": bits("")}, per_row=["e"]).starts) == 0


def test_what_is_received(config) -> None:
    def beats(values: list[int], last: str, width: int) -> Beats:
        data = np.array(values, np.uint8).reshape(-1, width)
        return Beats(data, np.ones(data.shape, np.bool_), bits(last), np.zeros(len(data), np.uint8))

    given = {"exponent": beats([1, 0, 2, 0], "11", 2)}
    rows, others = joined(beats([1, 2, 3, 4, 5, 6], "011", 2), given, 2, per_row=["exponent"])
    assert rows.last.tolist() == [False, True, True]
    assert others["exponent"].data.tolist() == [[1, 0], [2, 0]]
    received = Traffic(beats=beats([1, 2, 3, 4, 5, 6], "011", 2), beats_beside=given).received(config)
    assert received.lengths.tolist() == [4, 2]
    assert received.beside["exponent"].tolist() == [[1], [2]]


def test_expected_beats_are_those_of_each_stream(config) -> None:
    rows = [np.zeros(length, np.int64) for length in (5, 1, 8, 20)]
    stimulus = Stimulus.of(config, Traffic(rows=rows, beside={"exponent": np.arange(4)}))
    assert stimulus.expected == 3 + 1 + 4 + 4
    assert stimulus.expected_beside == {"scale": 4}
    channel = stimulus.sides["exponent"]
    assert len(channel) == 4
    # At the beats of rows 0, 1, 2 and 3, and within row 2, whose place the next one takes.
    assert channel.resume[[0, 3, 4, 6, 8]].tolist() == [0, 1, 2, 3, 3]
    assert stimulus.remaining(4) == (8, {"scale": 2})
