"""Measure the algorithms of the literature, docs/published_figures.json: errors on real rows, area and clock.

    python tools/published_figures.py                    what has changed; seeds 1 to 3; a unit takes some minutes
    python tools/published_figures.py --seeds 1          the same, with these seeds where they are not there yet
    python tools/published_figures.py --only i-bert      only these algorithms

Errors are those of `streamnorm_sim.published_figures`; placed is the unit of the first layer, int8 to int8, known by
its Verilog and the tools' versions. `make docs` afterwards brings the figures to docs/published.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from figures import ROOT
from placed_units import place
from promises import GATE_SEEDS
from streamnorm.errors import ConfigError
from streamnorm.spec.algorithms import ALGORITHMS
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import body_hash, verilog
from streamnorm_cli.commands.fit import seed_list
from streamnorm_sim.dataset import minilm_layers
from streamnorm_sim.published_figures import published_figures, published_unit

STORE = ROOT / "docs/published_figures.json"

FORMATS = ((8, 8), (16, 8))
"""Bits of elements and of results."""

_AREA = ("part", "comb", "ff", "dsp", "bram", "limit_mhz")


def stored() -> dict[str, dict[str, Any]]:
    """What has been measured, by algorithm: "errors" by formats, "placed"."""
    return json.loads(STORE.read_text("utf-8")) if STORE.exists() else {}


def unit_of(algorithm: str) -> NormConfig:
    """The unit that is placed."""
    return published_unit(minilm_layers()[0], algorithm)


def is_of_today(algorithm: str) -> bool:
    """Whether what was placed is the Verilog that is generated today."""
    return stored()[algorithm]["placed"]["verilog_sha256"] == body_hash(verilog(unit_of(algorithm)))


def errors_of(algorithm: str) -> dict[str, dict[str, Any]]:
    """Errors, cycles and cost by formats, of those that the algorithm goes with."""
    found = {}
    for bits in FORMATS:
        try:
            figures = published_figures(*bits, algorithms=(algorithm,))
        except ConfigError as error:
            print(f"  {error}", file=sys.stderr)
            continue
        found[f"{figures['input']} → {figures['output']}"] = {
            **{key: figures[key] for key in ("model", "layers", "rows", "n", "lanes", "target", "clock_mhz")},
            **figures["algorithms"][algorithm],
        }
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, place, and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seed_list, default=list(GATE_SEEDS), metavar="LIST")
    parser.add_argument("--only", nargs="+", choices=ALGORITHMS, default=list(ALGORITHMS), metavar="ALGORITHM")
    arguments = parser.parse_args(argv)
    for count, name in enumerate(arguments.only, start=1):
        print(f"{count} of {len(arguments.only)}: {name}", file=sys.stderr, flush=True)
        before = stored().get(name, {}).get("placed", {})
        placed = place(unit_of(name), before, arguments.seeds, area=lambda report: {key: report[key] for key in _AREA})
        entries = {**stored(), name: {"errors": errors_of(name), "placed": placed}}
        ordered = {algorithm: entries[algorithm] for algorithm in ALGORITHMS if algorithm in entries}
        STORE.write_text(json.dumps(ordered, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
