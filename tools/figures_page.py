"""docs/figures.md: every figure, made of docs/figures.json and sim/streamnorm_sim/data/peers.json."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from figures import PARTS, ROOT, STORE
from markdown import WHOLE, commands, paragraph, table
from promises import GATE_SEEDS, PROMISES, Promise, least_clock
from streamnorm.errors import ConfigError

PAGE = ROOT / "docs/figures.md"
PEERS = ROOT / "sim/streamnorm_sim/data/peers.json"
_CYCLES = ("L1", "L2", "L3", "SS")
_ENGINES = {"cxxrtl": "CXXRTL, whole batches of rows", "verilator": "Verilator, driven by cocotb", "pysim": "pysim"}


def parts() -> dict[str, str]:
    """Return the page, which is generated as a whole."""
    return {WHOLE: page(stored(), peers())}


def page(figures: Mapping[str, Any], peers: Mapping[str, Any]) -> str:
    """Return the page of some figures; every part has to be there."""
    return "\n".join(_blocks(figures, peers))


def stored(store: Path = STORE) -> dict[str, Any]:
    """Return what was measured.

    Raises
    ------
    ConfigError
        If a part has not been measured.
    """
    again = "run python tools/figures.py measure"
    try:
        figures = json.loads(store.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{store}: is not there; {again}") from error
    missing = [part for part in PARTS if part not in figures]
    if missing:
        raise ConfigError(f"{store}: not measured yet: {', '.join(missing)}; {again}")
    return figures


def peers() -> dict[str, Any]:
    """Return what was measured of other projects' units; the file is kept by hand."""
    return json.loads(PEERS.read_text("utf-8"))


def tool_list(part: Mapping[str, Any]) -> str:
    """Return the tools a part was measured with, and their versions."""
    return ", ".join(f"{tool} {version}" for tool, version in part["tools"].items())


def seed_range(seeds: Iterable[int | str], dash: str = "–") -> str:
    """Return consecutive seeds as first and last."""
    numbers = sorted(int(seed) for seed in seeds)
    return f"{numbers[0]}{dash}{numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}"


def down(value: float, digits: int) -> str:
    """Return a figure that should be large, rounded down: never better than it is."""
    return f"{math.floor(round(value * 10**digits, 6)) / 10**digits:.{digits}f}"


def up(value: float, digits: int) -> str:
    """Return a figure that should be small, rounded up: never better than it is."""
    return f"{math.ceil(round(value * 10**digits, 6)) / 10**digits:.{digits}f}"


def _again(*parts: str) -> str:
    return commands(*(f"python tools/figures.py measure --only {part}" for part in parts))


def _blocks(figures: Mapping[str, Any], peers: Mapping[str, Any]) -> Iterator[str]:
    yield "# Figures\n"
    yield paragraph(
        """Made by `make figures` from [figures.json](figures.json) and
        [peers.json](../sim/streamnorm_sim/data/peers.json), not by hand. Cycles, errors, areas and clock rates come out
        the same on every machine with the same versions of the tools. How fast a simulation runs does not, and is given
        as a ratio within one run. n is the length of a row, P the number of lanes, LSB a step of the output format;
        figures are rounded to the worse side."""
    )
    yield from _promises(figures)
    yield from _cycle_section(figures)
    for name, part in figures.items():
        if name.startswith("fit-"):
            yield from _fit_section(name.removeprefix("fit-"), part)
    yield from _architecture_section(figures["architectures"])
    yield from _error_section(figures["errors"])
    yield from _minilm_section(figures["minilm"])
    yield from _speed_section(figures["speed"])
    yield from _peer_section(peers)


def _promises(figures: Mapping[str, Any]) -> Iterator[str]:
    yield "## At a glance\n"
    rows = [
        (
            promise.name,
            _measured(promise, promise.value(figures)),
            f"{promise.target} {promise.unit}".rstrip(),
            promise.peer,
            "yes" if promise.kept(figures) else "**no**",
        )
        for promise in PROMISES
    ]
    yield table(("figure", "streamnorm", "target", "best peer", "reached"), rows)


def _measured(promise: Promise, value: float) -> str:
    text = up(value, promise.digits) if promise.at_most else down(value, promise.digits)
    return f"{text} {promise.unit}".rstrip()


def _cycle_section(figures: Mapping[str, Any]) -> Iterator[str]:
    yield "## Cycles\n"
    parts = {name: part for name, part in figures.items() if name.startswith("cycles-")}
    tools = tool_list(next(iter(parts.values())))
    yield paragraph(
        f"""Measured on the CXXRTL engine ({tools}), valid and ready held at 1; a wire scores 0, one register 1. L1:
        first input beat to first output beat; L2: last input to first output; L3: first input to last output; SS:
        cycles per row, back to back. Behind each stands the plan's formula, which it equals. SS was measured for every
        whole number of beats that a row can have."""
    )
    rows = []
    for name, part in parts.items():
        beats = f"ceil(n / {part['lanes']})"
        rows.append(
            (
                name.removeprefix("cycles-"),
                f"{part['input']} → {part['output']}",
                f"{part['n']}",
                f"{part['lanes']}",
                f"{part['clock_mhz']:g} MHz",
                *(_with_formula(part["measured"][key], part["formulas"][key], beats) for key in _CYCLES),
                f"{len(part['ss_by_beats'])}",
            )
        )
    yield table(("example", "format", "n", "P", "planned for", *_CYCLES, "lengths with SS = n/P"), rows)
    yield _again(*parts)


def _with_formula(value: float, formula: str, beats: str) -> str:
    short = formula.replace(beats, "n/P").replace(" * ", " ")
    return short if short == f"{value:g}" else f"{value:g} = {short}"


def _fit_section(example: str, part: Mapping[str, Any]) -> Iterator[str]:
    clocks, paths = part["fmax_mhz"], part["critical_paths"]
    yield f"## Place and route: {example}\n"
    yield paragraph(
        f"""{part["input"]} → {part["output"]}, n ≤ {part["n"]}, {part["lanes"]} lanes, on {part["part"]} (speed grade
        -{part["speed"]}), planned for {part["clock_mhz"]:g} MHz, {tool_list(part)}; the unit alone, between registers:
        see [fit.md](fit.md)."""
    )
    yield table(
        ("figure", example),
        [
            ("LUTs (TRELLIS_COMB)", f"{part['comb']}"),
            ("the same from plain `synth_ecp5`", f"{part['plain_comb']}"),
            ("flip-flops (TRELLIS_FF)", f"{part['ff']}"),
            ("multipliers (MULT18X18D)", f"{part['dsp']}"),
            ("block RAMs (DP16KD)", f"{part['bram']}"),
            (f"least clock, seeds {seed_range(GATE_SEEDS)}", f"{down(least_clock(part), 1)} MHz"),
            (f"least clock, seeds {seed_range(clocks)}", f"{down(least_clock(part, None), 1)} MHz"),
            ("clock that block RAMs of the part bear, at most", f"{part['limit_mhz']:g} MHz"),
        ],
    )
    yield paragraph("Each seed, and the path that bounds it, by block:")
    seeds = sorted(clocks, key=int)
    yield table(("seed", "MHz", "critical path"), [(seed, down(clocks[seed], 1), f"`{paths[seed]}`") for seed in seeds])
    yield paragraph("Area by block, before nextpnr's additions:")
    kinds = ("comb", "ff", "dsp", "bram")
    yield table(
        ("block", "LUTs", "flip-flops", "multipliers", "block RAMs"),
        [
            (f"`{block}`", *(f"{used[kind] or ''}" for kind in kinds))
            for block, used in _outer_blocks(part["blocks"], kinds).items()
        ],
    )
    seeds_option = seed_range(clocks, dash="-")
    yield commands(
        f"streamnorm fit examples/{example}.toml --seeds {seeds_option}",
        f"python tools/figures.py measure --only fit-{example} --seeds {seeds_option}",
    )


def _outer_blocks(blocks: Mapping[str, Mapping[str, int]], kinds: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """Add sub-blocks to the block they are in, two levels deep."""
    sums: dict[str, dict[str, int]] = {}
    for block, used in blocks.items():
        outer = sums.setdefault(".".join(block.split(".")[:2]), dict.fromkeys(kinds, 0))
        for kind in kinds:
            outer[kind] += used[kind]
    return sums


def _architecture_section(part: Mapping[str, Any]) -> Iterator[str]:
    yield "## bert_int8 in every architecture\n"
    yield paragraph(
        f"""Clocks in MHz by placement seed, alone on {part["part"]} ({tool_list(part)}), and what bounds the slowest.
        Cycles, areas and what the architectures are: [cycles.md](cycles.md#architectures)."""
    )
    seeds = ("1", "2", "3")
    yield table(
        ("architecture", *(f"seed {seed}" for seed in seeds), "critical path"),
        [
            (
                name,
                *(down(clocks[seed], 1) for seed in seeds),
                f"`{unit['critical_paths'][min(clocks, key=clocks.__getitem__)]}`",
            )
            for name, unit in part["units"].items()
            for clocks in (unit["fmax_mhz"],)
        ],
    )
    yield _again("architectures")


def _error_section(part: Mapping[str, Any]) -> Iterator[str]:
    yield "## Error\n"
    yield paragraph(
        f"""What the hardware gives (CXXRTL; {tool_list(part)}) against the exact result of the stored γ and β,
        in output LSB: 0.5 at most and 0.25 in the mean is what correct rounding has; of floating-point output in
        [ulp](floating.md#what-an-error-is), 0.5 at most. Random rows have mixed length and statistics; corner rows are
        constant, full scale, of large mean, one step apart, ties and the like. The bound is the plan's, proven for
        every row."""
    )
    rows = [
        (
            name,
            f"{unit['norm']}, {unit['input']} → {unit['output']}, n ≤ {unit['n']}",
            f"{unit[kind]['rows']} {kind}",
            f"{unit[kind]['mismatches']}",
            up(unit[kind]["max_ulp"], 3),
            up(unit[kind]["mean_ulp"], 3),
            f"{down(100 * unit[kind]['correctly_rounded'], 2)} %",
            up(unit["error_bound"], 3),
        )
        for name, unit in part["units"].items()
        for kind in ("random", "corner")
    ]
    yield table(("example", "unit", "rows", "differ from golden", "max", "mean", "correctly rounded", "bound"), rows)
    yield _again("errors")


def _minilm_section(part: Mapping[str, Any]) -> Iterator[str]:
    yield "## Real layers\n"
    yield paragraph(
        f"""The 13 LayerNorms of all-MiniLM-L6-v2 with their γ, β and ε, 64 rows of 384 elements each, int16 in, int16
        and int8 out, 4 lanes (CXXRTL; {tool_list(part)}). Max and mean: error in output LSB. Cosine: the least of a row
        with float64 LayerNorm of the float activations."""
    )
    cells: dict[str, list[str]] = {}
    for unit in part["units"]:
        cells.setdefault(unit["layer"], []).extend(
            (
                f"{unit['mismatches']}",
                up(unit["max_ulp"], 3),
                up(unit["mean_ulp"], 3),
                down(unit["min_cosine"], 7 if unit["output_bits"] > 8 else 4),
            )
        )
    columns = ("differ from golden", "max", "mean", "cosine")
    head = (f"int{bits}: {column}" for bits in (16, 8) for column in columns)
    yield table(("LayerNorm", *head), [(layer, *row) for layer, row in cells.items()])
    yield _again("minilm")


def _speed_section(part: Mapping[str, Any]) -> Iterator[str]:
    yield "## Speed of simulation\n"
    ratios, here = part["cycles_per_second_over_pysim"], part["here"]
    yield paragraph(
        f"""Cycles per second of the {part["input"]}, n = {part["n"]}, {part["lanes"]}-lane unit as multiples of
        pysim's, median of three rounds by turns ({tool_list(part)})."""
    )
    engines = sorted(ratios, key=lambda engine: -ratios[engine])
    yield table(("engine", "pysim = 1"), [(_ENGINES[engine], f"{ratios[engine]:g}") for engine in engines])
    yield paragraph(
        f"""On the machine it was measured on, one core: golden model
        {here["golden_elements_per_second"] / 1e6:g} million elements a second, CXXRTL
        {here["cxxrtl_cycles_per_second"] / 1e6:g} million cycles a second."""
    )
    yield _again("speed")


def _peer_section(peers: Mapping[str, Any]) -> Iterator[str]:
    source, tools = peers["source"], peers["tools"]
    yield "## Peers\n"
    yield paragraph(
        f"""{source["what"]} Verilator {tools["Verilator"]}, yosys {tools["yosys"]}, nextpnr-ecp5
        {tools["nextpnr-ecp5"]} (`{tools["part"]}`). {source["cycles"]} The formulas fit L1."""
    )
    yield table(("design", "L1"), [(design, f"`{text}`") for design, text in peers["latency_formulas"].items()])
    yield table(
        ("design", "n", "P", *_CYCLES),
        [
            (row["design"], f"{row['n']}", f"{row['lanes']}", *(f"{row[key]:g}" for key in _CYCLES))
            for row in peers["cycles"]
        ],
    )
    yield paragraph(
        f"""{source["area"]} Our areas include the carry trimming of `streamnorm fit`; each section
        above gives the LUTs of plain `synth_ecp5` too."""
    )
    kinds = ("n", "lanes", "comb", "ff", "dsp", "bram")
    yield table(
        ("design", "bits", "n", "P", "TRELLIS_COMB", "TRELLIS_FF", "MULT18X18D", "DP16KD", "MHz"),
        [
            (row["design"], f"{row['bits']}", *(f"{row[kind]}" for kind in kinds), f"{row['fmax_mhz']:.1f}")
            for row in peers["area"]
        ],
    )
    yield paragraph(source["error"])
    yield table(
        ("design", "bits", "n", "max", "mean", "note"),
        [
            (
                row["design"],
                f"{row['bits']}",
                f"{row['n'] or '–'}",
                f"{row['max_ulp']:g}",
                f"{row['mean_ulp']:g}",
                row["note"] or "–",
            )
            for row in peers["error"]
        ],
    )
    for design, known in peers["floating_point"].items():
        yield paragraph(
            f"""{design} computes in {known["format"]}: results are off by up to {100 * known["relative_error"]:g} % of
            themselves, and {known["equal_elements"]} where all elements of a row are equal.
            [Beside ours](floating.md#what-units-take)."""
        )
