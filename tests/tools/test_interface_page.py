"""The parts of docs/interface.md that are made from the configuration keys."""

import pytest

from interface_page import PAGE, key_table, refreshed
from streamnorm.spec.config import key_fields


def test_page_is_up_to_date() -> None:
    text = PAGE.read_text("utf-8")
    assert text == refreshed(text), "run: make docs"


def test_every_key_has_a_row_that_fits_a_table() -> None:
    rows = key_table().splitlines()
    assert len(rows) == 2 + len(key_fields())
    for row, key in zip(rows[2:], key_fields(), strict=True):
        cells = row.split("|")
        assert len(cells) == 6
        assert cells[1] == f" `{key.name}` "
        assert all(cell.strip() for cell in cells[1:-1])


def test_missing_marks_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"^the marks of keys must be there once, and are there 0 times$"):
        refreshed("# Interface\n")
