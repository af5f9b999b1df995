"""What ``streamnorm fold`` did to a model, as tables: a line for all layers to which the same was done."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from .area import titled_table

if TYPE_CHECKING:
    from streamnorm_sim.fold.model import Change

__all__ = ["changed_table", "left_table"]

_Shape = tuple[int, ...]

_NUMBER = re.compile(r"(?<![^./])\d+(?=[./])")
"""The number of a layer: a part of a name, between dots."""


def changed_table(changes: "Iterable[Change]") -> Table:
    """A line for each tensor that was changed, or for those of all layers."""
    table = titled_table("changed")
    table.add_column("tensor", style="bold", overflow="fold")
    table.add_column("what was done", overflow="fold")
    table.add_column("shape")
    groups: dict[tuple[str, str, _Shape | None, _Shape], list[str]] = {}
    for change in changes:
        number = _NUMBER.search(change.tensor)
        what = change.what if number is None else _any(change.what, number[0])
        alike = (_any(change.tensor), what, change.before, change.after)
        groups.setdefault(alike, []).append(change.tensor)
    for (name, what, before, after), tensors in groups.items():
        shape = _shape(after) if before in (None, after) else f"{_shape(before or ())} → {_shape(after)}"
        numbers = _numbers(tensors)
        table.add_row(*map(escape, (name.replace(_ANY, numbers), what.replace(_ANY, numbers), shape)))
    return table


def left_table(shapes: Mapping[str, _Shape]) -> Table:
    """A line for each tensor that was left alone, or for those of all layers."""
    table = titled_table("left alone")
    table.add_column("tensor", style="bold", overflow="fold")
    table.add_column("shape")
    groups: dict[tuple[str, _Shape], list[str]] = {}
    for tensor, shape in shapes.items():
        groups.setdefault((_any(tensor), shape), []).append(tensor)
    for (name, shape), tensors in groups.items():
        table.add_row(escape(name.replace(_ANY, _numbers(tensors))), _shape(shape))
    return table


_ANY = "\0"
"""Stands for the number of any layer; no name has it."""


def _any(text: str, number: str = "") -> str:
    """A text without its first number of a layer; where one is given, only if it is that."""
    found = _NUMBER.search(text)
    if found is None or (number and found[0] != number):
        return text
    return text[: found.start()] + _ANY + text[found.end() :]


def _numbers(tensors: Sequence[str]) -> str:
    """The numbers of layers that names have: "3", or "{0-11}", or "{0,2}" where some are missing."""
    numbers = sorted({int(found[0]) for tensor in tensors if (found := _NUMBER.search(tensor))})
    if len(numbers) < 2:
        return "".join(map(str, numbers))
    whole = numbers == list(range(numbers[0], numbers[-1] + 1))
    return f"{{{numbers[0]}-{numbers[-1]}}}" if whole else f"{{{','.join(map(str, numbers))}}}"


def _shape(shape: _Shape) -> str:
    return " x ".join(map(str, shape)) or "a number"
