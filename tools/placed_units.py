"""Place configurations drawn at random: docs/placed_units.json, and the table in docs/fit.md.

    python tools/placed_units.py                   place what has changed, with seeds 1 to 8; most of an hour if all has
    python tools/placed_units.py --seeds 1-3       the same, with these seeds where others are not there yet
    python tools/placed_units.py --only 3 7        only these units

A unit is known by its Verilog and the tools' versions: what is recorded of the same Verilog is kept.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from figures import ROOT
from figures_page import down, seed_range, tool_list
from markdown import table
from promises import GATE_SEEDS
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.plan.limits import Limits
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.targets import CAPACITIES, TARGETS
from streamnorm.verilog.emit import body_hash, verilog
from streamnorm_cli.commands.fit import seed_list
from streamnorm_fpga import fit_verilog
from streamnorm_fpga.devices import device_for
from streamnorm_fpga.place.place_route import Placed
from streamnorm_sim.toolchain.tools import YOSYS, versions

PAGE = ROOT / "docs/fit.md"
STORE = ROOT / "docs/placed_units.json"
UNITS = [index for index in range(1, 26) if index != 12]
"""24 units; number 12 has 130 multipliers, and takes nextpnr half an hour a seed."""

_PARTS = (
    *("ecp5-85k-6", "ice40-hx8k", "ecp5-25k-6", "ecp5-85k-8", "ecp5-45k-7", "ice40-up5k"),
    *("ecp5-12k-6", "ecp5-85k-7", "ecp5-25k-8", "ice40-lp8k", "ecp5-45k-6", "ecp5-12k-8"),
)
_CLOCKS = {"ice40-hx8k": (12, 100), "ice40-lp8k": (8, 60), "ice40-up5k": (6, 30)}
"""Least and largest clock asked for, MHz; on ECP5 the largest is a share of what its block RAMs bear."""

_OF_BLOCK_RAMS = 0.94
_LUTS_MAX = 6000
_LANES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_BITS_MAX = {"ice40-up5k": 12}
_LANES_MAX = {"ice40-hx8k": 4, "ice40-lp8k": 4}
"""Where there are no multipliers; elsewhere every lane has three, about."""


def drawn_unit(index: int) -> NormConfig:
    """The unit with this number: drawn again until the plan has nothing to say of it, and it is not too large."""
    rng = np.random.default_rng([2024, index])
    target = _PARTS[index % len(_PARTS)]
    limit = TARGETS[target].block_ram_limit_mhz
    low, high = (20, _OF_BLOCK_RAMS * limit) if limit else _CLOCKS[target]
    lanes_max, bits_max = _LANES_MAX.get(target, CAPACITIES[target].multipliers // 3), _BITS_MAX.get(target, 24)
    # First of all, since units of many lanes are often too large, and would be rare.
    lanes = int(rng.choice([lanes for lanes in _LANES if lanes <= lanes_max]))
    while True:
        length = int(2 ** rng.uniform(3, 10))
        bits = [int(rng.integers(8, bits_max, endpoint=True)) for _ in range(2)]
        values = {"gamma": rng.normal(1, 0.25, length), "beta": rng.normal(0, 0.3, length)}
        keys: dict[str, Any] = {
            "name": f"drawn_{index}",
            "norm": str(rng.choice(["layernorm", "rmsnorm"])),
            "lanes": lanes,
            "max_length": length,
            "min_length": int(rng.choice([1, 1, length // 2 + 1])),
            "storage": str(rng.choice(["rom", "rom", "ram"])),
            "accuracy": str(rng.choice(["faithful", "tight"])),
            "epsilon": 1e-5,
            "clock_mhz": round(float(rng.uniform(low, high))),
            "target": target,
            "input": IntFormat(bits[0], scale=8 / 2 ** bits[0]),
            "output": IntFormat(bits[1], bool(rng.integers(4)), scale=8 / 2 ** bits[1]),
        }
        if keys["storage"] == "rom":
            keys |= {name: value for name, value in values.items() if rng.integers(3)}
        try:
            config = NormConfig(**keys)
            limits = Limits(Plan.of(config))
        except ConfigError:
            continue
        if not limits.notices and (limits.luts or 0) <= _LUTS_MAX:
            return config


def stored() -> dict[str, Any]:
    """What has been placed, by unit."""
    return json.loads(STORE.read_text("utf-8")) if STORE.exists() else {}


Area = Callable[[Mapping[str, Any]], dict[str, Any]]


def _luts(report: Mapping[str, Any]) -> dict[str, Any]:
    return {"luts": report.get("logic_cells", report["comb"])}


def place(config: NormConfig, known: Mapping[str, Any], seeds: list[int], area: Area = _luts) -> dict[str, Any]:
    """A unit's entry: what is known of the same Verilog, and the seeds that it lacks.

    ``area`` : what is kept of the report of `streamnorm fit`, beside the clocks
    """
    text = verilog(config)
    made_by = {"verilog_sha256": body_hash(text), "tools": versions(YOSYS, device_for(config.target).family.nextpnr)}
    clocks = dict(known["fmax_mhz"]) if known.items() >= made_by.items() else {}
    missing = [seed for seed in seeds if str(seed) not in clocks]
    if not missing:
        return dict(known)

    def progress(placed: Placed | None) -> None:
        if placed is not None:
            print(
                f"  seed {placed.seed}: {placed.fmax_mhz:.1f} of {config.clock_mhz:g} MHz", file=sys.stderr, flush=True
            )

    report = fit_verilog(text, config.name, config.target, config.clock_mhz, missing, progress=progress).to_dict()
    clocks |= report["fmax_mhz"]["seeds"]
    described = ("norm", "lanes", "max_length", "storage", "target", "clock_mhz")
    return {
        **{key: getattr(config, key) for key in described},
        **{key: getattr(config, key).name for key in ("input", "output")},
        **made_by,
        **area(report),
        "fmax_mhz": {seed: clocks[seed] for seed in sorted(clocks, key=int)},
    }


def parts() -> dict[str, str]:
    """The generated part of docs/fit.md."""
    rows = []
    for entry in stored().values():
        clocks = {int(seed): mhz for seed, mhz in entry["fmax_mhz"].items()}
        rows.append(
            (
                f"{entry['norm']}, {entry['input']} → {entry['output']}",
                *(f"{entry[key]}" for key in ("lanes", "max_length", "storage")),
                f"`{entry['target']}`",
                f"{entry['luts']}",
                f"{entry['clock_mhz']:g}",
                down(min(clocks[seed] for seed in GATE_SEEDS), 1),
                f"{down(min(clocks.values()), 1)} / {down(statistics.median(clocks.values()), 1)}"
                f" ({seed_range(clocks)})",
            )
        )
    tools = tool_list({"tools": {tool: made for entry in stored().values() for tool, made in entry["tools"].items()}})
    return {"placed": f"{table(_HEAD, rows)}\nMade with {tools}.\n"}


_HEAD = (
    *("unit", "lanes", "n ≤", "γ, β", "target", "LUTs", "asked, MHz"),
    *(f"worst of seeds {seed_range(GATE_SEEDS)}", "worst / median (seeds)"),
)


def main() -> int:
    """Place, and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seed_list, default=list(range(1, 9)), metavar="LIST")
    parser.add_argument("--only", type=int, nargs="+", choices=UNITS, default=UNITS, metavar="UNIT")
    arguments = parser.parse_args()
    for index in arguments.only:
        config = drawn_unit(index)
        print(f"{index}: {_in_words(config)}", file=sys.stderr, flush=True)
        entry = place(config, stored().get(str(index), {}), arguments.seeds)
        units = {**stored(), str(index): entry}
        ordered = {key: units[key] for key in sorted(units, key=int)}
        STORE.write_text(json.dumps(ordered, indent=1) + "\n", "utf-8")
    return 0


def _in_words(config: NormConfig) -> str:
    return (
        f"{config.norm}, {config.input.name} → {config.output.name}, {config.lanes} lanes, n ≤ {config.max_length}, "
        f"{config.storage}, {config.target}, {config.clock_mhz:g} MHz"
    )


if __name__ == "__main__":
    sys.exit(main())
