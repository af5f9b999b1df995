"""Flags of a row: those of all its beats, with the last one."""

import random

import pytest

from hw.simulation import trace
from hw.units.units import unit
from streamnorm.spec.formats import FloatFormat
from streamnorm.units.row_flags import RowFlags

CONFIG = unit(input=FloatFormat("fp16"))


@pytest.mark.parametrize("gaps", [False, True])
def test_flags_of_all_beats_come_with_the_last_one(gaps):
    generator = random.Random(gaps)
    inputs, wanted, row, seen = [], [], 0, 0
    for _ in range(600):
        valid, last = not gaps or generator.random() < 0.6, generator.random() < 0.3
        beat = generator.choice((0, 0, 0, 1, 2, 4, 3, 7))
        inputs.append({"valid": valid, "last": last, "beat": beat})
        if valid:
            row |= beat
            wanted.append(row if last else 0)
            seen |= wanted[-1]
            row = 0 if last else row
        else:
            wanted.append(None)  # nobody looks
    got = [outputs["flags"] for outputs in trace(RowFlags(CONFIG), inputs, ["flags"])]
    assert [flags if want is not None else None for flags, want in zip(got, wanted, strict=True)] == wanted
    assert seen == 7


def test_the_lowest_bit_is_nan():
    beat = {"valid": 1, "last": 1}
    inputs = [{**beat, "beat.nan": 1}, {"beat.nan": 0, "beat.infinite": 1}, {"beat.infinite": 0, "beat.overflow": 1}]
    assert [outputs["flags"] for outputs in trace(RowFlags(CONFIG), inputs, ["flags"])] == [1, 2, 4]
