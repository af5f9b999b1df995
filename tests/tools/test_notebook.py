"""The code of docs/python.md runs and prints what the page says, and the notebook is that page."""

import pytest

import notebook
from streamnorm.errors import CheckFailed

PAGE = """# Page

See [ports](interface.md#ports), [the project](../README.md) and [a site](https://example.org).

```python
a = 1
a
```

```text
old
```

Between.

```python
b = 2
```

The end.
"""


def test_the_page_and_the_notebook_are_what_comes_out(tmp_path):
    """The page's code, run: a kernel is started for it, and a unit compiled, which takes five seconds."""
    page = notebook.PAGE.read_text("utf-8")
    book = notebook.notebook(page)
    notebook.run(book, tmp_path)
    assert notebook.with_output(page, book) == page, "make docs"
    assert notebook.comparable(notebook.read()) == notebook.comparable(book), "make docs"


def test_the_notebook_goes_from_a_configuration_to_a_picture():
    cells = notebook.read().cells
    sources = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    steps = ["NormConfig(", "Plan.of(", "GoldenModel(", "simulate(", "generate(", "plt.subplots("]
    places = [sources.index(step) for step in steps]
    assert places == sorted(places)
    pictures = [output for cell in cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})]
    assert any(len(output.data["image/png"]) > 10_000 for output in pictures)


def test_a_page_becomes_cells_without_its_old_output():
    made = notebook.notebook(PAGE)
    assert [(cell.cell_type, cell.source) for cell in made.cells] == [
        (
            "markdown",
            "# Page\n\nSee [ports](../docs/interface.md#ports), [the project](../docs/../README.md) and "
            "[a site](https://example.org).",
        ),
        ("code", "a = 1\na"),
        ("markdown", "Between."),
        ("code", "b = 2"),
        ("markdown", "The end."),
    ]
    made.cells[1].outputs = [notebook.v4.new_output("execute_result", {"text/plain": "1"})]
    assert notebook.with_output(PAGE, made) == PAGE.replace("old", "1")
    assert notebook.comparable(made) != notebook.comparable(notebook.notebook(PAGE))


def test_a_cell_that_fails_is_told(monkeypatch, tmp_path):
    made = notebook.notebook(PAGE)

    class Client:
        def __init__(self, book, **_):
            self.book = book

        def execute(self, **_):
            self.book.cells[1].outputs = [notebook.v4.new_output("error", ename="NameError", evalue="no a")]

    monkeypatch.setattr(notebook, "NotebookClient", Client)
    with pytest.raises(CheckFailed, match=r"^cell-1: NameError: no a\na = 1\na$"):
        notebook.run(made, tmp_path)


@pytest.mark.parametrize(("change", "code"), [("", 0), ("\nMore.\n", 4)])
def test_check_compares_and_writes_nothing(change, code, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(notebook, "run", lambda book, folder: None)
    page, stored = tmp_path / "page.md", tmp_path / "notebook.ipynb"
    monkeypatch.setattr(notebook, "PAGE", page)
    monkeypatch.setattr(notebook, "NOTEBOOK", stored)
    page.write_text(PAGE)
    assert notebook.main([]) == 0
    assert "old" not in page.read_text()
    page.write_text(page.read_text() + change)
    before = (page.read_text(), stored.read_text())
    assert notebook.main(["--check"]) == code
    assert ("not up to date; run make docs" in capsys.readouterr().err) == bool(code)
    assert (page.read_text(), stored.read_text()) == before
