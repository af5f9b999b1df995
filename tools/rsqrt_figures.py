"""Place the roots of two examples alone, docs/rsqrt_figures.json: what each method for 1/sqrt costs.

    python tools/rsqrt_figures.py                     place what has changed, seeds 1 to 3; a root takes about a minute
    python tools/rsqrt_figures.py --seeds 1           the same, with these seeds where they are not there yet
    python tools/rsqrt_figures.py --only cordic       only this method's; --list names all and the seeds they have

Every method is placed as each example has it built, on the example's own target and for its clock, and on a part of the
other family. A root is known by its Verilog and the tools' versions: what is recorded of the same is kept, and each is
written as soon as it is done. `make docs` afterwards brings the figures to docs/rsqrt.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from figures import ROOT, example
from promises import GATE_SEEDS
from streamnorm.spec.config import NormConfig
from streamnorm.spec.root_choice import RootChoice
from streamnorm.spec.roots import ROOTS
from streamnorm_cli.commands.fit import seed_list
from streamnorm_fpga.devices import device_for
from streamnorm_fpga.place.place_route import Placed
from streamnorm_fpga.place.roots import default_targets, fit_root, root_text
from streamnorm_sim.roots import unit_with
from streamnorm_sim.toolchain.tools import YOSYS, versions

STORE = ROOT / "docs/rsqrt_figures.json"

EXAMPLES = ("bert_int8", "hx8k_layernorm")
"""Units that the methods are compared in: one with multipliers, one without, whose rows leave time."""

_AREA = ("part", "comb", "logic_cells", "ff", "dsp", "bram", "limit_mhz")


@dataclass(frozen=True)
class PlacedMethod:
    """A method in a unit, somewhere.

    Attributes
    ----------
    example, method : name of the unit, and of the method
    target, clock_mhz : where it is placed, and the clock asked for
    """

    example: str
    method: str
    target: str
    clock_mhz: float

    @property
    def name(self) -> str:
        """By which it is stored."""
        return f"{self.example}/{self.method}/{self.target}"

    @cached_property
    def unit(self) -> NormConfig:
        """The example with the method, there."""
        there = example(self.example).replace(target=self.target, clock_mhz=self.clock_mhz)
        return unit_with(there, RootChoice(self.method))


def placed_methods() -> dict[str, PlacedMethod]:
    """Return every method in every example, everywhere it is placed."""
    found = [
        PlacedMethod(name, method, *place)
        for name in EXAMPLES
        for method in ROOTS
        for place in default_targets(example(name))
    ]
    return {each.name: each for each in found}


def stored() -> dict[str, dict[str, Any]]:
    """What has been placed, by name."""
    return json.loads(STORE.read_text("utf-8")) if STORE.exists() else {}


def recorded() -> Iterator[tuple[PlacedMethod, dict[str, Any]]]:
    """Every root that has been placed of today's examples, with its entry."""
    entries = stored()
    for name, root in placed_methods().items():
        if name in entries:
            yield root, entries[name]


def is_of_today(root: PlacedMethod, entry: Mapping[str, Any]) -> bool:
    """Whether an entry is of the Verilog that is generated today."""
    return entry["verilog_sha256"] == _digest(root_text(root.unit))


def place(root: PlacedMethod, known: Mapping[str, Any], seeds: Sequence[int]) -> dict[str, Any]:
    """Return a root's entry: what is known of the same Verilog, and the seeds that it lacks.

    One that cannot be placed has a "refusal" in the place of area and clocks.
    """
    family = device_for(root.target).family
    made_by = {"verilog_sha256": _digest(root_text(root.unit)), "tools": versions(YOSYS, family.nextpnr)}
    same = known if known.items() >= made_by.items() else {}
    clocks = dict(same.get("fmax_mhz", {}))
    missing = [seed for seed in seeds if str(seed) not in clocks]
    if not missing or "refusal" in same:
        return dict(known)

    def progress(placed: Placed | None) -> None:
        if placed is not None:
            print(f"  seed {placed.seed}: {placed.fmax_mhz:.1f} of {root.clock_mhz:g} MHz", file=sys.stderr, flush=True)

    result = fit_root(root.unit, missing, progress).to_dict()
    report = result.pop("placed")
    if report is None:
        return {**result, **made_by}
    clocks |= report["fmax_mhz"]["seeds"]
    return {
        **result,
        **made_by,
        **{key: report[key] for key in _AREA if key in report},
        "fmax_mhz": {seed: clocks[seed] for seed in sorted(clocks, key=int)},
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def main(argv: Sequence[str] | None = None) -> int:
    """Place, and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seed_list, default=list(GATE_SEEDS), metavar="LIST")
    parser.add_argument("--only", nargs="+", choices=ROOTS, default=list(ROOTS), metavar="METHOD")
    parser.add_argument("--example", nargs="+", choices=EXAMPLES, default=list(EXAMPLES), metavar="EXAMPLE")
    parser.add_argument("--list", action="store_true", help="name what is placed, and the seeds it has")
    arguments = parser.parse_args(argv)
    everything = placed_methods()
    asked = [
        root for root in everything.values() if root.method in arguments.only and root.example in arguments.example
    ]
    for count, root in enumerate(asked, start=1):
        entries = stored()
        before = entries.get(root.name, {})
        if arguments.list:
            print(f"{root.name}: {before.get('refusal') or ', '.join(before.get('fmax_mhz', ())) or 'not placed'}")
            continue
        print(f"{count} of {len(asked)}: {root.name}", file=sys.stderr, flush=True)
        entries[root.name] = place(root, before, arguments.seeds)
        ordered = {name: entries[name] for name in everything if name in entries}
        STORE.write_text(json.dumps(ordered, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
