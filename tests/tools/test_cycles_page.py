"""docs/cycles.md tells today's cycle counts."""

import json

import pytest

import cycles_page
from markdown import with_parts


@pytest.mark.parametrize("path", cycles_page.PAGES, ids=lambda path: path.name)
def test_pages_are_up_to_date(path):
    page = path.read_text("utf-8")
    assert with_parts(page, cycles_page.PAGES[path]()) == page, "make docs"


def test_the_waveform_is_that_of_today():
    stored = cycles_page.PAGE.with_name(cycles_page.WAVEFORM_SOURCE).read_text("utf-8")
    assert json.loads(stored) == cycles_page.waveform(), "make docs"


def test_its_pictures_are_there_and_can_be_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    cycles_page.pictures(tmp_path)
    for name in (cycles_page.GROWTH, cycles_page.TIMELINE, cycles_page.BLOCKS, cycles_page.WAVEFORM):
        assert f"]({name})" in cycles_page.PAGE.read_text("utf-8")
        assert cycles_page.PAGE.with_name(name).read_text("utf-8").startswith("<?xml")
        assert (tmp_path / name).stat().st_size > 10_000
