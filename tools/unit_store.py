"""Units that are placed alone, each kept in a file with the Verilog and the tools that it was made of."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from promises import GATE_SEEDS
from streamnorm.spec.config import NormConfig
from streamnorm_cli.commands.fit import seed_list

__all__ = ["AREA", "main", "stored"]

AREA = ("part", "comb", "ff", "dsp", "bram", "limit_mhz")
"""What is kept of the report of `streamnorm fit`, beside the clocks."""


def stored(path: Path) -> dict[str, dict[str, Any]]:
    """What has been placed, by name."""
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


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
