"""Numbers, tables and paragraphs as the pages of figures write them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import markdown


def paragraph(text: str) -> str:
    """Return text as one paragraph with the empty line behind it."""
    return markdown.paragraph(text) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with the empty line behind it."""
    return markdown.table(head, rows) + "\n"


def commands(*lines: str) -> str:
    """Return lines to type with the empty line behind them."""
    return markdown.commands(*lines) + "\n"


def again(*parts: str) -> str:
    """Return the commands that measure parts again, see `commands`."""
    return commands(*(f"python tools/figures.py measure --only {part}" for part in parts))


def tool_list(part: Mapping[str, Any]) -> str:
    """Return the tools a part was measured with, and their versions."""
    return ", ".join(f"{tool} {version}" for tool, version in part["tools"].items())


def seed_range(seeds: Iterable[int | str], dash: str = "–") -> str:
    """Return consecutive seeds as first and last."""
    numbers = sorted(int(seed) for seed in seeds)
    return f"{numbers[0]}{dash}{numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}"


def down(value: float, digits: int) -> str:
    """Return a figure that should be large, rounded down: never better than it is."""
    return f"{math.floor(round(value * 10**digits, 6)) / 10**digits:.{digits}f}"


def up(value: float, digits: int) -> str:
    """Return a figure that should be small, rounded up: never better than it is."""
    return f"{math.ceil(round(value * 10**digits, 6)) / 10**digits:.{digits}f}"
