"""Run the code of docs/python.md: write what it prints into the page, and the whole as examples/notebook.ipynb.

    python tools/notebook.py            run it, and write both; some seconds
    python tools/notebook.py --check    write nothing; exit code 4 if one is not what would be written

The page is the source of both: change the code there. Pictures are in the notebook only, and are not compared: their
bytes depend on versions of the drawing packages.
"""

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode, v4

from figures import ROOT
from streamnorm.errors import CheckFailed, StreamnormError

PAGE, NOTEBOOK = ROOT / "docs/python.md", ROOT / "examples/notebook.ipynb"

_CODE = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n.*?^```\n)?", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|#)")
_SECONDS = 300


def notebook(page: str) -> NotebookNode:
    """Return a page as a notebook that has not been run: a cell for each block of code, and for the text between."""
    cells: list[NotebookNode] = []
    end = 0
    for block in _CODE.finditer(page):
        cells += _text(page[end : block.start()])
        cells.append(v4.new_code_cell(block[1].rstrip("\n")))
        end = block.end()
    cells += _text(page[end:])
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # else drawn at random
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def run(book: NotebookNode, folder: Path) -> None:
    """Run every cell in ``folder``, and keep what comes out.

    Raises
    ------
    CheckFailed
        If a cell fails.
    """
    metadata = dict(book.metadata)
    client = NotebookClient(
        book,
        timeout=_SECONDS,
        record_timing=False,
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=ERROR"],
    )
    client.execute(env={**os.environ, "IPYTHONDIR": str(folder / ".ipython"), "MPLBACKEND": ""})
    book.metadata = nbformat.from_dict(metadata)  # without the version of Python
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                raise CheckFailed(f"{cell['id']}: {output.ename}: {output.evalue}\n{cell.source}")


def printed(cell: NotebookNode) -> str:
    """Return the text that a cell has brought, without its pictures."""
    texts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            texts.append(output.text)
        elif "image/png" not in output.data:
            texts.append(f"{output.data['text/plain']}\n")
    return "".join(texts)


def with_output(page: str, book: NotebookNode) -> str:
    """Return the page with what its code printed behind each block."""
    cells = iter([cell for cell in book.cells if cell.cell_type == "code"])

    def block(match: re.Match[str]) -> str:
        text = printed(next(cells))
        return f"```python\n{match[1]}```\n" + (f"\n```text\n{text}```\n" if text else "")

    return _CODE.sub(block, page)


def comparable(book: NotebookNode) -> list[tuple[str, ...]]:
    """Return what has to be the same in a notebook that is up to date: sources, texts, and where pictures are."""
    return [(cell.cell_type, cell.source, *(_shown(cell) if cell.cell_type == "code" else ())) for cell in book.cells]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="tools/notebook.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 4 if a file differs")
    args = parser.parse_args(argv)
    try:
        page = PAGE.read_text("utf-8")
        book = notebook(page)
        with tempfile.TemporaryDirectory() as folder:
            run(book, Path(folder))
        made = with_output(page, book)
        if not args.check:
            PAGE.write_text(made, "utf-8")
            NOTEBOOK.write_text(nbformat.writes(book) + "\n", "utf-8")
        elif made != page or comparable(read()) != comparable(book):
            raise CheckFailed(f"{PAGE} or {NOTEBOOK}: not up to date; run make docs")
    except StreamnormError as error:
        print(f"tools/notebook.py: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def read() -> NotebookNode:
    """Return the notebook as it is stored."""
    return nbformat.reads(NOTEBOOK.read_text("utf-8"), as_version=4)


def _text(markdown: str) -> list[NotebookNode]:
    # Links of the page are relative to docs/, those of the notebook to examples/.
    text = _LINK.sub("](../docs/", markdown.strip("\n"))
    return [v4.new_markdown_cell(text)] if text else []


def _shown(cell: Any) -> tuple[str, str]:
    pictures = sum("image/png" in output.get("data", {}) for output in cell.outputs)
    return printed(cell), f"{pictures} pictures"


if __name__ == "__main__":
    sys.exit(main())
