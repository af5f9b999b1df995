"""The record that every response begins with."""

import pytest

from streamnorm_fpga.link.protocol import RECORD, RECORD_BYTES, Record


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
