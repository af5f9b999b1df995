"""What the demo prints: a table of the units with integers, one of those with floating point, 80 columns each."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich import box
from rich.table import Table

from .kinds import FLOAT_KINDS, INTEGER_KINDS, UnitKind
from .units import UnitResult


class Column(NamedTuple):
    """A figure of a unit: its two lines of head, and its text."""

    title: str
    text: Callable[[UnitResult], str]


class Layout(NamedTuple):
    """A table: the kinds of units side by side, the columns of each, and the space beside a column."""

    kinds: Sequence[UnitKind]
    columns: Sequence[Column]
    space: int


_MISMATCHES = Column("diff", lambda unit: str(unit.mismatches))
_MAX_ULP = Column("ulp\nmax", lambda unit: f"{unit.max_ulp:.3f}")
_COSINE = Column("cosine\nmin", lambda unit: _rounded_down(unit.min_cosine, unit.kind.cosine_digits))
_FIRST_CYCLES = Column("\nL1", lambda unit: str(unit.measured["L1"]))

INTEGERS = Layout(
    INTEGER_KINDS,
    (_MISMATCHES, _MAX_ULP, Column("\nmean", lambda unit: f"{unit.mean_ulp:.3f}"), _COSINE, _FIRST_CYCLES),
    space=1,
)
FLOATS = Layout(
    FLOAT_KINDS,
    (
        _MISMATCHES,
        _MAX_ULP,
        Column("\nmean", lambda unit: f"{unit.mean_ulp:.2f}"),
        Column("right\n%", lambda unit: _rounded_down(100 * unit.correctly_rounded / unit.elements, 2)),
        _COSINE,
        _FIRST_CYCLES,
    ),
    space=0,
)


def result_table(results: Sequence[UnitResult], layout: Layout) -> Table:
    """Return one line per layer; ``results`` holds a unit of each kind for each layer, layer by layer."""
    table = Table(box=box.SIMPLE, padding=(0, layout.space, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("LayerNorm", no_wrap=True)
    for kind in layout.kinds:
        for number, column in enumerate(layout.columns):
            table.add_column(column.title if number else f"{kind.output}\n{column.title}", justify="right")
    for layer in dict.fromkeys(result.layer for result in results):
        units = {unit.kind: unit for unit in results if unit.layer == layer}
        cells = (column.text(units[kind]) for kind in layout.kinds for column in layout.columns)
        table.add_row(_short_name(layer), *cells)
    return table


def _rounded_down(value: float, digits: int) -> str:
    """Return a figure of which more is better."""
    return f"{math.floor(value * 10**digits) / 10**digits:.{digits}f}"


def _short_name(layer: str) -> str:
    """The layer's name without what all of them have in common."""
    return layer.removeprefix("encoder.layer.").removesuffix(".LayerNorm").replace("attention.output", "attention")
