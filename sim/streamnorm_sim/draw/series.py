"""What tells series apart in a picture: names, and colours, markers and dashes that do not repeat."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["COLOURS", "OTHERS", "fill_style", "line_style", "named", "other_style", "wrapped"]

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a3db8", "#8c564b", "#b00020", "#7f9f00")
"""Of this project's series, told apart by colour-blind readers too as far as ten can be; no grey is among them."""
OTHERS = ("#000000", "#7f7f7f", "#4d4d4d", "#a6a6a6")
"""Of other projects' series: greys."""
_MARKERS = "osv^D<>pPXh"  # as many as have no common factor with the colours, so that the pairs repeat late
_HATCHES = ("", "////", "....", "xxxx")
_DASHES = ("-", (0, (6, 2)), (0, (3, 1, 1, 1)), (0, (1, 1)))


def line_style(number: int) -> dict[str, Any]:
    """Return Matplotlib's keywords for a line; no two of the first 110 are alike."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "linestyle": _DASHES[number // len(COLOURS) % len(_DASHES)],
    }


def fill_style(number: int) -> dict[str, Any]:
    """Return the same for a filled shape; no two of the first 40 are alike."""
    hatch = _HATCHES[number // len(COLOURS) % len(_HATCHES)]
    return {"facecolor": COLOURS[number % len(COLOURS)], "edgecolor": "white", "hatch": hatch}


def other_style(number: int) -> dict[str, Any]:
    """Return the same for another project's line: grey and dotted, its markers hollow."""
    return {
        "color": OTHERS[number % len(OTHERS)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "linestyle": (0, (1, 2)),
        "markerfacecolor": "white",
    }


def named(
    facts: Sequence[Mapping[str, str]], places: Sequence[Any], *, always: str = "", unsaid: str = ""
) -> tuple[list[str], str]:
    """Return a name for each series or point of one: what tells it from the others; and what they have in common.

    Parameters
    ----------
    facts : sequence of mapping
        Of each the same facts, in words; "" is left out.
    places : sequence
        What names need not tell, such as the row length. Two of one name and place get numbers.
    always : str
        A fact to name even where it is the same for all.
    unsaid : str
        What goes without saying where it is the same for all.
    """
    own = [key for key in facts[0] if key == always or len({of[key] for of in facts}) > 1]
    names = []
    met = Counter[tuple[str, Any]]()
    for of, place in zip(facts, places, strict=True):
        name = ", ".join(of[key] for key in own if of[key])
        met[name, place] += 1
        if (number := met[name, place]) > 1:
            name = f"{name} ({number})" if name else f"({number})"
        names.append(name)
    common = [text for key, text in facts[0].items() if key not in own]
    return names, ", ".join(text for text in common if text not in ("", unsaid))


def wrapped(text: str, width: int, lines: int = 4) -> str:
    """Return a name in lines of at most so many letters; what does not fit in is cut."""
    return textwrap.fill(text, width, max_lines=lines, placeholder=" …")
