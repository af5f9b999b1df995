"""Units that are placed alone, each kept in a file with the Verilog and the tools that it was made of."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from figures_page import down, seed_range, tool_list
from promises import GATE_SEEDS, least_clock
from streamnorm.spec.config import NormConfig
from streamnorm_cli.commands.fit import seed_list

__all__ = ["AREA", "clock", "made_with", "main", "recorded", "stored"]

AREA = ("part", "comb", "ff", "dsp", "bram", "limit_mhz")
"""What is kept of the report of `streamnorm fit`, beside the clocks."""


def stored(path: Path) -> dict[str, dict[str, Any]]:
    """What has been placed, by name."""
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def recorded(path: Path, units: Mapping[str, NormConfig]) -> Iterator[tuple[NormConfig, dict[str, Any]]]:
    """Every unit that has been placed, with its entry."""
    entries = stored(path)
    yield from ((config, entries[name]) for name, config in units.items() if name in entries)


def clock(entry: Mapping[str, Any]) -> str:
    """The least of the seeds that a clock is told of, MHz."""
    return down(least_clock(entry, [seed for seed in GATE_SEEDS if str(seed) in entry["fmax_mhz"]]), 1)


def made_with(entries: Mapping[str, Mapping[str, Any]], units: Mapping[str, NormConfig]) -> list[str]:
    """What a table of units says of its clocks, a sentence each."""
    notes = []
    if entries:
        seeds = sorted(min((entry["fmax_mhz"] for entry in entries.values()), key=len), key=int)
        tools = tool_list({"tools": {tool: of for entry in entries.values() for tool, of in entry["tools"].items()}})
        notes.append(f"The clock is the worst of seeds {seed_range(map(int, seeds))}. Made with {tools}.")
    if any(name not in entries for name in units):
        notes.append("–: not placed yet.")
    return notes


def main(
    about: str | None,
    path: Path,
    units: Mapping[str, NormConfig],
    place: Callable[..., dict[str, Any]],
    argv: Sequence[str] | None,
) -> int:
    """Place units, and keep each as soon as it is done; the command line of a maker whose docstring is ``about``.

    ``place`` is that of `placed_units`: what is known of the same Verilog is kept.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seed_list, default=list(GATE_SEEDS), metavar="LIST")
    parser.add_argument("--only", nargs="+", choices=units, default=list(units), metavar="UNIT")
    parser.add_argument("--list", action="store_true", help="name the units and the seeds they have")
    arguments = parser.parse_args(argv)
    for name in arguments.only:
        before = stored(path).get(name, {})
        if arguments.list:
            print(f"{name}: {', '.join(before.get('fmax_mhz', ())) or 'not placed'}")
            continue
        print(name, file=sys.stderr, flush=True)
        entry = place(units[name], before, arguments.seeds, area=lambda report: {key: report[key] for key in AREA})
        entries = {**stored(path), name: entry}
        kept = {each: entries[each] for each in units if each in entries}
        path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    return 0
