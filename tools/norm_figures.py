"""Place one unit of each norm, docs/norm_figures.json: what norms cost beside each other.

    python tools/norm_figures.py                    place what has changed, seeds 1 to 3; a unit takes some minutes
    python tools/norm_figures.py --seeds 1          the same, with these seeds where they are not there yet
    python tools/norm_figures.py --only frozen      only these units; --list names them all

The units are those of `streamnorm_sim.norm_units`, known by digest, Verilog and the tools' versions: what is recorded
of the same is kept, and each is written as soon as it is done. `make docs` afterwards brings the figures to
docs/norms.md, and to `streamnorm norms`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import figures_page
from figures import ROOT
from placed_units import place
from promises import GATE_SEEDS
from streamnorm.verilog.emit import body_hash, verilog
from streamnorm_cli.commands.fit import seed_list
from streamnorm_sim.norm_units import NormUnit, norm_units

STORE = ROOT / "docs/norm_figures.json"

_AREA = ("part", "comb", "ff", "dsp", "bram", "limit_mhz")


def stored() -> dict[str, dict[str, Any]]:
    """What has been placed, by digest."""
    return json.loads(STORE.read_text("utf-8")) if STORE.exists() else {}


def recorded() -> Iterator[tuple[NormUnit, dict[str, Any]]]:
    """Every unit that has been placed, with its entry."""
    entries = stored()
    for unit in norm_units().values():
        entry = entries.get(unit.config.digest())
        if entry is not None:
            yield unit, entry


def known(unit: NormUnit) -> Mapping[str, Any]:
    """What has been placed of a unit: its own entry, or that of a unit or an example whose Verilog is the same."""
    if (entry := stored().get(unit.config.digest())) is not None:
        return entry
    digest = body_hash(verilog(unit.config))
    examples = (figures for part, figures in figures_page.stored().items() if part.startswith("fit-"))
    for entry in (*stored().values(), *examples):
        if entry["verilog_sha256"] == digest:
            return {key: entry[key] for key in (*_AREA, "verilog_sha256", "tools", "fmax_mhz")}
    return {}


def keep(unit: NormUnit, entry: Mapping[str, Any]) -> None:
    """Write a unit's entry beside those of the other units that there still are."""
    digests = {each.config.digest(): each.name for each in norm_units().values()}
    entries = {**stored(), unit.config.digest(): {"unit": unit.name, **entry}}
    ordered = {digest: entries[digest] for digest in digests if digest in entries}
    STORE.write_text(json.dumps(ordered, indent=1) + "\n", "utf-8")


def is_of_today(unit: NormUnit, entry: Mapping[str, Any]) -> bool:
    """Whether an entry is of the Verilog that is generated today."""
    return entry["verilog_sha256"] == body_hash(verilog(unit.config))


def main(argv: Sequence[str] | None = None) -> int:
    """Place, and keep what was found."""
    units = norm_units()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seed_list, default=list(GATE_SEEDS), metavar="LIST")
    parser.add_argument("--only", nargs="+", choices=units, default=list(units), metavar="UNIT")
    parser.add_argument("--list", action="store_true", help="name the units and the seeds they have")
    arguments = parser.parse_args(argv)
    for count, name in enumerate(arguments.only, start=1):
        unit = units[name]
        before = known(unit)
        if arguments.list:
            print(f"{name}: {', '.join(before.get('fmax_mhz', ())) or 'not placed'}")
            continue
        print(f"{count} of {len(arguments.only)}: {name}", file=sys.stderr, flush=True)
        entry = place(unit.config, before, arguments.seeds, area=lambda report: {key: report[key] for key in _AREA})
        keep(unit, entry)
    return 0


if __name__ == "__main__":
    sys.exit(main())
