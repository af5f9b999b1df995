"""Generated parts of pages are what their makers make of today's project; `make docs` brings them up to date."""

import re

import pytest

import pages
from markdown import WHOLE, with_parts

DOCUMENTS = sorted([*pages.ROOT.glob("*.md"), *pages.ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_a_page_is_up_to_date(page):
    assert pages.stale({page: pages.PAGES[page]}) == {}, "make docs"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_mark_has_a_maker(path):
    marks = set(re.findall(r"^<!-- generated: (.*) -->$", path.read_text("utf-8"), re.MULTILINE))
    measured = {"built"} if path.name == "boards.md" else set()  # by tools/board_figures.py
    assert marks == measured or path in pages.PAGES


def test_a_stale_page_is_named_and_left_alone(tmp_path, capsys):
    page, missing = tmp_path / "page.md", tmp_path / "missing.md"
    page.write_text("# Page\n\n<!-- generated: part -->\n\nold\n\n<!-- end -->\n")
    makers = {page: lambda: {"part": "new\n"}, missing: lambda: {WHOLE: "whole\n"}}
    assert pages.main(["--check"], makers) == 4
    message = f"tools/pages.py: error: {page} and {missing}: not up to date; run make docs\n"
    assert capsys.readouterr().err == message
    assert "old" in page.read_text()
    assert not missing.exists()


def test_makers_write_their_parts(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(pages, "PICTURES", ())
    page, missing = tmp_path / "page.md", tmp_path / "missing.md"
    page.write_text("# Page\n\n<!-- generated: part -->\n\nold\n\n<!-- end -->\n")
    makers = {page: lambda: {"part": "new\n"}, missing: lambda: {WHOLE: "whole\n"}}
    assert pages.main([], makers) == 0
    assert capsys.readouterr().out == f"{page}\n{missing}\n"
    assert page.read_text() == "# Page\n\n<!-- generated: part -->\n\nnew\n\n<!-- end -->\n"
    assert missing.read_text() == "whole\n"
    assert pages.main(["--check"], makers) == 0


@pytest.mark.parametrize("count", [0, 2])
def test_marks_must_be_there_once(count, tmp_path, capsys):
    text = "# Page\n" + count * "<!-- generated: part -->\n<!-- end -->\n"
    message = f"the marks of part must be there once, and are there {count} times"
    with pytest.raises(ValueError, match=f"^{message}$"):
        with_parts(text, {"part": "new\n"})
    page = tmp_path / "page.md"
    page.write_text(text)
    assert pages.main([], {page: lambda: {"part": "new\n"}}) == 4
    assert capsys.readouterr().err == f"tools/pages.py: error: {page}: {message}\n"
    assert page.read_text() == text


def test_pictures_are_there_and_can_be_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    for draw in pages.PICTURES:
        draw(tmp_path)
    documents = "".join(path.read_text("utf-8") for path in DOCUMENTS)
    for picture in tmp_path.iterdir():
        assert f"{picture.name})" in documents
        assert (pages.ROOT / "docs" / picture.name).read_text("utf-8").startswith("<?xml")
        assert picture.stat().st_size > 10_000
