"""Streams of rows side by side that do not agree."""

import numpy as np

from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.joined import joined, joined_rows


def beats(lasts: str, keep: str | None = None) -> Beats:
    """Beats of two lanes of a byte, their number as data; ``keep``: lanes that are kept."""
    last = np.array([mark == "!" for mark in lasts])
    kept = np.array([int(count) for count in (keep or "2" * len(lasts))])
    data = np.repeat(np.arange(len(lasts), dtype=np.uint8)[:, None], 2, axis=1)
    return Beats(data, np.arange(2) < kept[:, None], last, np.zeros(len(lasts), np.uint16))


def test_a_row_ends_with_the_shorter_one_and_the_next_are_in_step() -> None:
    own, others = beats("..!.!!.!"), {"f": beats(".!..!.!!")}
    rows = joined_rows(own.last, {"f": others["f"].last})
    assert rows.starts.tolist() == [0, 3, 5, 6]
    assert rows.starts_beside["f"].tolist() == [0, 2, 5, 7]
    assert rows.counts.tolist() == [2, 2, 1, 1]
    assert rows.ended.all()
    made, sides = joined(own, others, 2)
    assert made.data[:, 0].tolist() == [0, 1, 3, 4, 5, 6]
    assert sides["f"].data[:, 0].tolist() == [0, 1, 2, 3, 5, 7]
    assert made.last.tolist() == sides["f"].last.tolist() == [False, True, False, True, True, True]
    # Malformed are the beats in which only one of the two ends.
    assert made.keep[:, 0].tolist() == [True, False, True, False, False, False]
    assert made.keep[:, 1].all()


def test_lanes_that_only_one_keeps_do_not_count() -> None:
    made, sides = joined(beats("!!!", "121"), {"f": beats("!!!", "211")}, 2)
    for of in (made, sides["f"]):
        assert of.keep.tolist() == [[False, False], [False, False], [True, False]]


def test_rows_that_one_stream_does_not_begin_or_end() -> None:
    rows = joined_rows(beats("..!.!").last, {"f": beats("..!...").last})
    assert (rows.counts.tolist(), rows.ended.tolist()) == ([3, 2], [True, True])
    rows = joined_rows(beats("..!...").last, {"f": beats("..!..").last})
    assert (rows.counts.tolist(), rows.ended.tolist()) == ([3, 2], [True, False])
    assert joined_rows(beats("!!!").last, {"f": beats("!").last}).counts.tolist() == [1]
    assert not len(joined_rows(beats("!").last, {"f": beats("").last}).counts)


def test_a_stream_alone_is_as_it_is() -> None:
    own = beats("..!")
    assert joined(own, {}, 2) == (own, {})
