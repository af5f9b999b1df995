"""Measure what each example needs on a board of each family: fpga/streamnorm_fpga/boards/examples.json.

python tools/example_fits.py            synthesize every examples/*.toml; minutes, netlists are kept in the cache
python tools/example_fits.py NAME …     synthesize these only, and keep what is recorded of the others
python tools/example_fits.py --check    exit code 1 if the file is not that of today's examples and generator
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm_fpga.bitstream.build import board_netlist
from streamnorm_fpga.bitstream.design import BoardDesign, board_design
from streamnorm_fpga.boards import BOARDS
from streamnorm_fpga.boards.examples import FAMILIES, family_of, fingerprint, planned_for
from streamnorm_fpga.place.resources import cells_of
from streamnorm_sim.toolchain.tools import YOSYS

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
MEASURED = ROOT / "fpga/streamnorm_fpga/boards/examples.json"


def design_of(example: Path, family: str) -> BoardDesign:
    """Return what is synthesized of an example for a family; the self-test's signature changes no area."""
    config = planned_for(NormConfig.from_toml(example), family)
    return board_design(config, BOARDS[FAMILIES[family].board], expected_signature=0)


def measure(example: Path, family: str) -> dict[str, Any] | None:
    """Return clock, fingerprint and cells, or None if no part of the family has the multipliers or memories."""
    try:
        config = planned_for(NormConfig.from_toml(example), family)
        plan = Plan.of(config)
        design = design_of(example, family)
    except ConfigError as error:
        print(f"{example.stem} on {family}: {error}", file=sys.stderr)
        return None
    devices = [board.device for board in BOARDS.values() if family_of(board) == family]
    result = {"clock_mhz": config.clock_mhz, "sha256": fingerprint(design)}
    least = {"dsp": sum(plan.multipliers.values()), "bram": sum(plan.block_rams.values())}
    if any(count > max(getattr(device, kind) for device in devices) for kind, count in least.items()):
        return {**result, **least}  # the plan alone says that it fits nowhere: synthesis can be spared
    return {**result, **cells_of(board_netlist(design), design.board.family).to_dict()}


def main() -> int:
    """Write the file, or compare it with today's examples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("names", metavar="NAME", nargs="*")
    args = parser.parse_args()
    examples = sorted(EXAMPLES.glob("*.toml"))
    if unknown := set(args.names) - {example.stem for example in examples}:
        parser.error(f"no such example: {', '.join(sorted(unknown))}")
    recorded = json.loads(MEASURED.read_text("utf-8"))["examples"] if args.check or args.names else {}
    if args.check:
        stale = [
            f"{example.stem} on {family}"
            for example in examples
            for family, needed in recorded.get(example.stem, dict.fromkeys(FAMILIES)).items()
            if family in FAMILIES and (needed is None or needed["sha256"] != fingerprint(design_of(example, family)))
        ]
        print("\n".join(stale) or "up to date")
        return 1 if stale else 0
    measured: dict[str, Any] = {}
    for example in examples:
        if args.names and example.stem not in args.names:
            if example.stem in recorded:
                measured[example.stem] = recorded[example.stem]
            continue
        entry: dict[str, Any] = {"clock_mhz": NormConfig.from_toml(example).clock_mhz}
        for family in FAMILIES:
            print(f"{example.stem} on {family}", file=sys.stderr)
            if (needed := measure(example, family)) is not None:
                entry[family] = needed
        measured[example.stem] = entry
    document = {"made_by": "python tools/example_fits.py", "yosys": YOSYS.version(), "examples": measured}
    MEASURED.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
