"""The one writer of Markdown: tables, paragraphs, and pages of which parts are generated."""

import re
import textwrap
from collections.abc import Iterable, Mapping

__all__ = ["WHOLE", "commands", "paragraph", "table", "with_parts"]

WHOLE = ""
"""Name of the part that is all of a page, which then has no marks."""

_WIDTH = 120


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table."""
    names = tuple(head)
    lines = [names, tuple("---" for _ in names), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def paragraph(text: str) -> str:
    """Return text as one paragraph, its lines filled."""
    words = " ".join(text.split())
    return textwrap.fill(words, _WIDTH, break_on_hyphens=False, break_long_words=False) + "\n"


def commands(*lines: str) -> str:
    """Return lines to type."""
    return "```sh\n" + "".join(f"{line}\n" for line in lines) + "```\n"


def with_parts(page: str, parts: Mapping[str, str]) -> str:
    """Return a Markdown page with what is between ``<!-- generated: NAME -->`` and ``<!-- end -->`` made anew.

    Parameters
    ----------
    parts : mapping of str to str
        What belongs there, by name; or the whole page as :data:`WHOLE`.

    Raises
    ------
    ValueError
        If the marks of a part are not there exactly once.
    """
    if WHOLE in parts:
        return parts[WHOLE]
    for name, content in parts.items():
        marks = rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)"
        page, count = re.subn(marks, lambda m, c=content: f"{m[1]}\n{c}\n{m[2]}", page, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"the marks of {name} must be there once, and are there {count} times")
    return page
