"""The record that every response begins with."""

import pytest

from streamnorm.spec.config import BANKS_MAX
from streamnorm_fpga.link.protocol import (
    BANK_OCTET,
    CONTROL_BANK,
    CONTROL_STALLS,
    RECORD,
    RECORD_BYTES,
    ROWS_HEADER,
    Record,
    rows_header,
)


def test_record_comes_back():
    record = Record(*range(1, len(RECORD) + 1))
    assert Record.unpack(record.pack() + b"payload") == record


def test_fields_are_in_the_order_of_the_table_low_byte_first():
    assert RECORD_BYTES == 28 == sum(size for _, size in RECORD)
    octets = Record(1, 2, 0x06050403, 0x0A090807, 0x0C0B, 0x0E0D, 0x100F, 0x1211, 0x1413, 0x1615, 0x1817, 0x1C1B1A19)
    assert octets.pack() == bytes(range(1, 29))


def test_short_record_is_refused():
    with pytest.raises(ValueError, match="a record has 28 octets, not 27"):
        Record.unpack(bytes(27))


@pytest.mark.parametrize("bank", [0, 1, 255, 256, BANKS_MAX - 1])
@pytest.mark.parametrize("stalls", [False, True])
def test_a_header_names_any_bank_that_there_may_be(bank, stalls):
    octet, control, beats_minus_1, kept = ROWS_HEADER.unpack(rows_header(bank, stalls=stalls, beats=300, kept=5))
    assert octet | control >> CONTROL_BANK << BANK_OCTET == bank
    assert bool(control & CONTROL_STALLS) == stalls
    assert (beats_minus_1, kept) == (299, 5)
