"""The generated parts of README.md."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from figures import ROOT, example
from figures_page import down, peers, seed_range, stored, tool_list, up
from markdown import commands, paragraph, table
from promises import largest_error, least_cosine, usable_clock
from streamnorm.spec.algorithms import ALGORITHMS
from streamnorm.spec.architectures import ARCHITECTURES
from streamnorm.spec.formats import FAMILIES
from streamnorm.spec.norms import NORMS
from streamnorm.spec.roots import ROOTS
from streamnorm.spec.targets import TARGET_NAMES
from streamnorm_sim.cycles.counts import computed

PAGE = ROOT / "README.md"

_OF_NORMS = (
    "streamnorm norms                                    # each norm: formula, keys, cycles, area and clock",
    "streamnorm norms rmsnorm                            # one of them, with a configuration to begin with",
)

_MASE, _FINN = "MASE LayerNorm", "FINN LayerNorm"


def parts() -> dict[str, str]:
    """Return the generated parts of the page."""
    figures = stored()
    return {
        "supported": f"{table(('choice', 'key', 'entries'), choices())}\n{commands(*_OF_NORMS)}",
        "figures": figure_table(figures, peers()),
        "architectures": _architectures(figures),
    }


def choices() -> Iterator[tuple[str, str, str]]:
    """Yield what a configuration chooses from: what it is, its key, and every entry there is."""
    families: dict[str, list[str]] = {}
    for name in TARGET_NAMES:
        families.setdefault(name.partition("-")[0], []).append(f"`{name}`")
    own = "[what papers ask for](docs/norms.md), [one of your own](docs/extending.md)"
    yield f"norm: the formula; {own}", "`norm`", _codes(NORMS)
    yield (
        "format: how an element is coded, in and out each",
        "`input`, `output`",
        ", ".join(re.sub(r"\w+\([^)]*\)|\w*\d\w*", r"`\g<0>`", family.names) for family in FAMILIES),
    )
    beside = "[side by side](docs/rsqrt.md)"
    yield f"root: how the reciprocal square root is found; {beside}", "`rsqrt`", _codes(ROOTS)
    yield (
        "target: the device, and so the clock's limits",
        "`target`",
        ", ".join(
            names[0] if len(names) == 1 else f"{names[0]} to {names[-1]} ({len(names)})" for names in families.values()
        ),
    )
    yield "architecture: in how many passes", "`architecture`", _codes(ARCHITECTURES)
    published = "our own, or [as published](docs/published.md)"
    yield f"algorithm: the integers on the way; {published}", "`algorithm`", _codes(ALGORITHMS)


def figure_table(figures: Mapping[str, Any], peers: Mapping[str, Any]) -> str:
    """Return the figures beside those of the best peers, and how they were measured."""
    return "\n".join((_figures(figures, peers), *_notes(figures, peers)))


def _figures(figures: Mapping[str, Any], peers: Mapping[str, Any]) -> str:
    narrow, wide = figures["fit-bert_int8"], figures["fit-bert_int16"]
    narrow_cycles, wide_cycles = (figures[f"cycles-{name}"]["measured"] for name in ("bert_int8", "bert_int16"))
    slow, short = figures["cycles-bert_int8_50mhz"], figures["cycles-short_rows"]["measured"]
    narrow_area = _peer(peers, "area", _MASE, bits=8, n=768, lanes=8)
    wide_area = _peer(peers, "area", _MASE, bits=16, n=768, lanes=4)
    narrow_clock, wide_clock = usable_clock(narrow, None), usable_clock(wide, None)
    untrimmed = down(usable_clock(figures["untrimmed-bert_int8"], None), 0)
    narrow_error, wide_error = (
        [f"{_peer(peers, 'error', design, bits=bits, n=n)['max_ulp']:g}" for design, n in designs]
        for bits, designs in ((8, ((_MASE, 768), (_FINN, 768))), (16, ((_MASE, None), (_FINN, 768))))
    )

    def cycles(key: str, n: int = 768, lanes: int = 8) -> tuple[str, str]:
        mase, finn = (_peer(peers, "cycles", design, n=n, lanes=lanes)[key] for design in (_MASE, _FINN))
        return f"{mase:g}", f"{finn:g}"

    first, lut, clock = "first beat in to first beat out, cycles", "LUTs / multipliers / block RAMs", "clock, ECP5 -6"
    parameters = ("with γ and β", "without γ and β", "32-bit floating point")
    rows = [
        ("**int8 → int8, n = 768, 8 lanes**", *parameters),
        ("row to row, cycles", f"{narrow_cycles['SS']:g}", *cycles("SS")),
        (first, f"{narrow_cycles['L1']}; {slow['measured']['L1']} if planned for {slow['clock_mhz']:g} MHz",
         *cycles("L1")),
        (clock, f"{down(narrow_clock, 0)} MHz; {untrimmed} without carry trimming",
         f"{narrow_area['fmax_mhz']:.0f} MHz", "does not place"),
        ("rows per second at that clock", _rows(narrow_clock, narrow_cycles["SS"]),
         _rows(narrow_area["fmax_mhz"], float(cycles("SS")[0])), "–"),
        (lut, _used(narrow), _used(narrow_area), "–"),
        ("largest error, output LSB", up(largest_error(figures, "bert_int8"), 3), *narrow_error),
        ("**int16 → int16, n = 768, 4 lanes**", *parameters),
        (first, f"{wide_cycles['L1']}", *cycles("L1", lanes=4)),
        (clock, f"{down(wide_clock, 0)} MHz", f"{wide_area['fmax_mhz']:.0f} MHz", "does not place"),
        (lut, _used(wide), _used(wide_area), "–"),
        ("largest error, output LSB", up(largest_error(figures, "bert_int16"), 3), f"{wide_error[0]}, wrong results",
         wide_error[1]),
        ("**n = 64, 16 lanes**: row to row, cycles", f"{short['SS']:g}", *cycles("SS", n=64, lanes=16)),
    ]  # fmt: skip
    return table(("LayerNorm", "streamnorm", "MASE", "FINN"), rows)


def _notes(figures: Mapping[str, Any], peers: Mapping[str, Any]) -> Iterator[str]:
    narrow, wide = figures["fit-bert_int8"], figures["fit-bert_int16"]
    tools = peers["tools"]
    yield paragraph(
        f"""On all 13 LayerNorms of all-MiniLM-L6-v2, int16 in and out, each row has a cosine of at least
        {down(least_cosine(figures), 6)} with float64 LayerNorm."""
    )
    yield paragraph(
        f"""Ours: {narrow["part"]}, {tool_list(narrow)}, planned for {narrow["clock_mhz"]:g} MHz (int16:
        {wide["clock_mhz"]:g}), the least clock of placement seeds {seed_range(narrow["fmax_mhz"])}, and at most
        the {narrow["limit_mhz"]:g} MHz that block RAMs of this part bear; errors against the exact result of the stored
        γ and β. The peers' figures were measured on their public RTL with Verilator {tools["Verilator"]}, yosys
        {tools["yosys"]} and nextpnr-ecp5 {tools["nextpnr-ecp5"]} (`{tools["part"]}`);
        errors against float64. Their areas come from plain `synth_ecp5`; ours include the carry trimming of
        `streamnorm fit`, without which our LUTs are {narrow["plain_comb"]} and {wide["plain_comb"]};
        `generate --netlist` gives it to a project.
        [docs/figures.md](docs/figures.md) has every figure, how it was measured, and every seed."""
    )


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _rows(clock_mhz: float, cycles: float) -> str:
    return f"{clock_mhz / cycles:.2g} million"


def _used(row: Mapping[str, Any]) -> str:
    return f"{row['comb']} / {row['dsp']} / {row['bram']}"


def _peer(peers: Mapping[str, Any], name: str, design: str, **keys: int | None) -> dict[str, Any]:
    """The row of a peers' table that is as asked for."""
    (found,) = [
        row for row in peers[name] if row["design"] == design and all(row[key] == value for key, value in keys.items())
    ]
    return found


def _architectures(figures: Mapping[str, Any]) -> str:
    head = (
        "bert_int8 as",
        *("first beat in to first beat out, cycles", "row to row, cycles"),
        *("LUTs", "multipliers", "block RAMs"),
    )
    rows = []
    for name, unit in figures["architectures"]["units"].items():
        if not name.startswith("five-scan:"):
            counts = computed(example("bert_int8", architecture=name), 768, 1000)
            area = (f"{unit[key]}" for key in ("comb", "dsp", "bram"))
            rows.append((name, f"{counts.L1}", f"{counts.SS:g}", *area))
    return table(head, rows)
