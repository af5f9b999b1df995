"""Pages of which parts are generated."""

import re
from collections.abc import Mapping

__all__ = ["with_parts"]


def with_parts(page: str, parts: Mapping[str, str]) -> str:
    """Return a Markdown page with what is between ``<!-- generated: NAME -->`` and ``<!-- end -->`` made anew.

    Parameters
    ----------
    parts : mapping of str to str
        What belongs there, by name.

    Raises
    ------
    ValueError
        If the marks of a part are not there exactly once.
    """
    for name, content in parts.items():
        marks = rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)"
        page, count = re.subn(marks, lambda m, c=content: f"{m[1]}\n{c}\n{m[2]}", page, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"the marks of {name} must be there once, and are there {count} times")
    return page
