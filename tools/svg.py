"""Pieces of pictures in SVG, as text that is the same on every machine."""

from collections.abc import Iterable
from html import escape

__all__ = ["arrow", "bar", "box", "document", "text"]


def document(width: int, height: int, pieces: Iterable[str]) -> str:
    """Return a picture on white ground."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#444"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *pieces,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def box(x: int, y: int, width: int, height: int, fill: str, title: str, *lines: str) -> str:
    """Return a block with its title and what is said of it."""
    middle = x + width // 2
    frame = f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{fill}" stroke="#444"/>'
    texts = (text(middle, y + 38 + 17 * index, line, size=11) for index, line in enumerate(lines))
    return "\n".join((frame, text(middle, y + 20, title, bold=True), *texts))


def bar(x: float, y: float, width: float, height: float, fill: str, *, radius: int = 0) -> str:
    """Return a filled stretch."""
    rounded = f' rx="{radius}"' if radius else ""
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}"{rounded} fill="{fill}"/>'


def text(
    x: float, y: float, words: str, *, bold: bool = False, size: int = 13, colour: str = "#222", anchor: str = "middle"
) -> str:
    """Return a line of text."""
    weight = ' font-weight="bold"' if bold else ""
    place = f'x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}"'
    return f'<text {place}{weight} fill="{colour}">{escape(words)}</text>'


def arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    """Return an arrow."""
    return f'<path d="M{x} {y}L{to_x} {to_y}" stroke="#444" stroke-width="1.5" fill="none" marker-end="url(#tip)"/>'
