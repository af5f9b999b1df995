"""The parts of docs/norms.md: the norms that can be built, one by one, and papers with what is configured here."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from figures import ROOT
from figures_page import down
from markdown import paragraph, table
from norm_figures import stored
from papers import PAPERS
from streamnorm.spec.norms import NORMS, Norm
from streamnorm_sim.norm_facts import elements_taken, norm_facts, reference_facts
from streamnorm_sim.norm_units import REFERENCE, NormUnit, norm_units
from unit_picture import page_of

PAGE = ROOT / "docs/norms.md"


def parts() -> dict[str, str]:
    """Return the generated parts of the page."""
    return {"norms": norm_table(), "costs": cost_table(), "sections": sections(), "papers": paper_tables()}


def norm_table() -> str:
    """Return every norm there is: its name, formula, what becomes of the mean, and where it comes from."""
    rows = ((f"`{n.name}`", n.title, f"`{_cell(n.formula)}`", _cell(n.about), _cell(n.source)) for n in NORMS.values())
    listed = table(("`norm`", "called", "z", "in words", "source"), rows)
    return f"{listed}\n{paragraph(f'{elements_taken(NORMS.values())} See [floating.md](floating.md).')}"


def cost_table() -> str:
    """Return what a unit of each norm takes: cycles by its plan, the rest as placed."""
    rows = (_cost(unit) for norm in NORMS.values() for unit in norm_facts(norm)["units"])
    head = ("unit", "with", "L1", "SS", "LUTs", "multipliers", "block RAMs", "clock, MHz", "seeds")
    tools = {tool: version for entry in stored().values() for tool, version in entry["tools"].items()}
    made = ", ".join(f"{tool} {version}" for tool, version in tools.items())
    note = f"Each: {reference_facts()['shape']}. Placed with {made}; – is not placed yet."
    return f"{table(head, rows)}\n{paragraph(note.replace('->', '→'))}\n{paragraph(_beside_the_reference())}"


def _beside_the_reference() -> str:
    """Return what other norms of rows save beside LayerNorm, and what they cost."""
    units, said = norm_units(), []
    reference, latency = units[REFERENCE].placed, _first_out(units[REFERENCE])
    for norm in NORMS.values():
        unit = units[norm.name]
        if unit.placed is None or unit.placed.comb == reference.comb or not norm.has_statistic:
            continue  # not placed yet, or the same unit
        luts = unit.placed.comb / reference.comb - 1
        multipliers = unit.placed.dsp - reference.dsp
        cycles = _first_out(unit) - latency
        said.append(f"`{norm.name}` {luts * 100:+.0f} % LUTs, {multipliers:+} multipliers, {cycles:+} cycles of L1")
    return (
        f"Beside LayerNorm: {'; '.join(said)}. RMSNorm's paper reports 7 to 64 % less time in software; in a unit of "
        "full rate a row takes the time of its beats either way, and what a mean costs is area. L1 norm, which saves "
        "squares, is the dearest here but for AdaNorm: it multiplies in every lane all the same, n times d, and its "
        "second pass needs a second buffer."
    ).replace("-", "−")


def _first_out(unit: NormUnit) -> int:
    """Return L1 of its longest rows."""
    return unit.plan.latency(unit.config.max_length).L1


def _cost(unit: Mapping[str, Any]) -> Iterator[str]:
    placed = unit["placed"] or {}
    yield f"`{unit['unit']}`"
    yield _keys(unit["keys"])
    for number in (unit["L1"], unit["SS"], *(placed.get(key) for key in ("luts", "multipliers", "block_rams"))):
        yield "–" if number is None else f"{number}"
    yield down(placed["clock_mhz"], 0) if placed else "–"
    yield ", ".join(map(str, placed.get("seeds", ()))) or "–"


def _keys(keys: Mapping[str, Any]) -> str:
    return ", ".join(f"`{key} = {json.dumps(value)}`" for key, value in keys.items() if key != "norm")


def sections() -> str:
    """Return a section for each norm: formula, what it is for, its keys, and pictures of its units."""
    return "\n".join("\n".join(_section(norm)) for norm in NORMS.values())


def _section(norm: Norm) -> Iterator[str]:
    facts = norm_facts(norm)
    yield f"### {norm.title}\n"
    yield f"```\nz = {norm.formula}\n```\n"
    yield paragraph(f"For {norm.use}. In words: {norm.about}. Source: {norm.source}.")
    if facts["keys"]:
        rows = (
            (f"`{key['key']}`", *map(_cell, (key["allowed"], key["default"], key["meaning"]))) for key in facts["keys"]
        )
        yield table(("key", "allowed", "if left out", "meaning"), rows)
    for unit in norm_units().values():
        if unit.norm == norm.name and unit.plan is not None:
            keys = _keys(unit.said)
            yield f"`{unit.name}`{f', with {keys}' if keys else ''}:\n\n![{unit.name}]({page_of(unit).name})\n"


def paper_tables() -> str:
    """Return a table of papers for each subject: its idea, and what one configures here."""
    head = ("paper", "idea", "what you configure here")
    found = []
    for subject, papers in PAPERS.items():
        rows = ((f"**{p.name}**: {p.source}", _cell(p.idea), _cell(p.configure)) for p in papers)
        found.append(f"### {subject}\n\n{table(head, rows)}")
    return "\n".join(found)


def _cell(text: str) -> str:
    """Text that may have bars in it, which in a table would begin the next cell."""
    return text.replace("|", "\\|")
