"""What ``streamnorm norms`` tells, as tables."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from .area import titled_table

__all__ = ["details", "overview"]

_Facts = Mapping[str, Any]

_AREA = {"luts": "LUTs", "multipliers": "multipliers", "block_rams": "block RAMs"}


def overview(norms: Sequence[_Facts], reference: _Facts) -> Iterator[RenderableType]:
    """Every norm in a line, their keys, and what a unit of each costs."""
    from streamnorm.spec.norms import NORMS
    from streamnorm_sim.norm_facts import elements_taken

    table = titled_table("norms")
    table.add_column("norm", style="bold", no_wrap=True)
    for heading in ("called", "z", "keys", "source"):
        table.add_column(heading, overflow="fold")
    for norm in norms:
        keys = ", ".join(key["key"] for key in norm["keys"])
        table.add_row(*map(escape, (norm["name"], norm["title"], norm["formula"], keys, norm["source"])))
    yield table
    yield Text(elements_taken(NORMS[norm["name"]] for norm in norms), style="dim")
    takers: dict[str, list[str]] = {}
    facts: dict[str, _Facts] = {}
    for norm in norms:
        for key in norm["keys"]:
            takers.setdefault(key["key"], []).append(norm["name"])
            facts[key["key"]] = key
    yield _keys(facts.values(), "keys that not every norm takes", takers)
    yield from _costs([unit for norm in norms for unit in norm["units"]], reference)


def details(norm: _Facts, reference: _Facts) -> Iterator[RenderableType]:
    """All of one norm, up to its configuration, the title of which comes last."""
    table = titled_table(f"{norm['name']}: {norm['title']}")
    table.show_header = False
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("z", escape(norm["formula"]))
    for name, key in (("in words", "about"), ("for", "use"), ("source", "source")):
        table.add_row(name, escape(norm[key]))
    table.add_row("elements", "integers or floating-point numbers" if norm["floating_point"] else "integers")
    yield table
    if norm["keys"]:
        yield _keys(norm["keys"], "its keys, beside those that every norm takes", {})
    others = [] if norm["name"] == reference["unit"] else [reference]
    yield from _costs([*others, *norm["units"]], reference)
    if norm["example"] is not None:
        yield Text("a configuration", style="bold")


def _keys(keys: Iterable[_Facts], title: str, takers: Mapping[str, Sequence[str]]) -> Table:
    table = titled_table(title)
    table.add_column("key", style="bold", no_wrap=True)
    if takers:
        table.add_column("of norms", overflow="fold")
    for heading in ("allowed", "if left out", "meaning"):
        table.add_column(heading, overflow="fold")
    for key in keys:
        of = [", ".join(takers[key["key"]])] if takers else []
        table.add_row(*map(escape, (key["key"], *of, key["allowed"], key["default"], key["meaning"])))
    return table


def _costs(units: Sequence[_Facts], reference: _Facts) -> Iterator[RenderableType]:
    from streamnorm_sim.norm_facts import HOW_TO_MEASURE

    table = titled_table(f"a unit of each: {reference['shape']}")
    table.add_column("unit", style="bold", no_wrap=True)
    table.add_column("with", overflow="fold")
    for heading in ("L1", "SS", *_AREA.values(), "MHz", "seeds"):
        table.add_column(heading, justify="right")
    for unit in units:
        placed = unit["placed"] or {}
        area = (_beside(placed.get(key), (reference["placed"] or {}).get(key)) for key in _AREA)
        clock = f"{placed['clock_mhz']:.0f}" if placed else "-"
        seeds = ", ".join(map(str, placed.get("seeds", ()))) or "-"
        keys = ", ".join(f"{key} = {json.dumps(value)}" for key, value in unit["keys"].items() if key != "norm")
        cycles = ("-" if unit[name] is None else f"{unit[name]}" for name in ("L1", "SS"))
        table.add_row(*map(escape, (unit["unit"], keys, *cycles, *area, clock, seeds)))
    yield table
    if any(unit["placed"] is None for unit in units):
        yield Text(HOW_TO_MEASURE, style="dim")


def _beside(number: int | None, of_reference: int | None) -> str:
    """A count, and how much more than the reference's it is."""
    if number is None:
        return "-"
    more = "" if of_reference in (None, number) else f" ({number - of_reference:+,})"
    return f"{number:,}{more}"
