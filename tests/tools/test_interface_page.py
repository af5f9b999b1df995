"""The parts of docs/interface.md that are made from the configuration keys."""

from interface_page import key_table
from streamnorm.spec.config import key_fields


def test_every_key_has_a_row_that_fits_a_table() -> None:
    rows = key_table().splitlines()
    assert len(rows) == 2 + len(key_fields())
    for row, key in zip(rows[2:], key_fields(), strict=True):
        cells = row.split("|")
        assert len(cells) == 6
        assert cells[1] == f" `{key.name}` "
        assert all(cell.strip() for cell in cells[1:-1])
