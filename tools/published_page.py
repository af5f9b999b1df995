"""The parts of docs/published.md: the algorithms of the literature, each with its formula and what it leaves open."""

import textwrap

from figures import ROOT
from figures_page import down, up
from markdown import paragraph, table
from published_figures import stored
from streamnorm.spec.algorithms import ALGORITHMS, Algorithm

PAGE = ROOT / "docs/published.md"


def parts() -> dict[str, str]:
    """Return the generated parts of the page."""
    return {"algorithms": algorithm_table(), "definitions": definitions(), "figures": figures(), "placed": placed()}


def algorithm_table() -> str:
    """Return every algorithm there is: its name, what it does, and where it comes from."""
    return table(("`algorithm`", "what it does", "source"), ((f"`{a.name}`", a.about, a.source) for a in _all()))


def definitions() -> str:
    """Return of each algorithm of the literature what is computed, and what its publication leaves open."""
    return "\n".join(_section(algorithm) for algorithm in _all() if algorithm.is_dyadic)


def figures() -> str:
    """Return how near each algorithm comes to the exact result, and its cycles and cost, by formats."""
    head = ("", "`algorithm`", "architecture", "largest error, LSB", "mean", "correctly rounded", "L1", "SS",
            "multipliers", "block RAMs")  # fmt: skip
    rows, about = [], {}
    for name, entry in stored().items():
        for formats, found in entry["errors"].items():
            about = found
            cells = (f"{found[key]}" for key in ("L1", "SS", "multipliers", "block_rams"))
            errors = (
                up(found["max_ulp"], 2),
                up(found["mean_ulp"], 3),
                down(100 * found["correctly_rounded"], 1) + " %",
            )
            rows.append((formats, f"`{name}`", found["architecture"], *errors, *cells))
    rows.sort(key=lambda row: row[0], reverse=True)  # int8 first; the order of the algorithms stays
    what = (
        f"{about['layers']} layers of {about['model']}, {about['rows']} rows of {about['n']} elements, against the "
        f"exact result with gamma and beta as given; {about['lanes']} lanes, {about['target']} planned for "
        f"{about['clock_mhz']:g} MHz."
    )
    return f"{table(head, rows)}\n{paragraph(what)}"


def placed() -> str:
    """Return area and clock of the unit of each algorithm."""
    head = ("`algorithm`", "LUTs", "flip-flops", "multipliers", "block RAMs", "clock, MHz", "seeds")
    rows, tools = [], {}
    for name, entry in stored().items():
        found, tools = entry["placed"], entry["placed"]["tools"]
        clocks = {int(seed): mhz for seed, mhz in found["fmax_mhz"].items()}
        area = (f"{found[key]}" for key in ("comb", "ff", "dsp", "bram"))
        rows.append((f"`{name}`", *area, down(min(clocks.values()), 1), ", ".join(map(str, sorted(clocks)))))
    made_by = " and ".join(f"{tool} {version}" for tool, version in tools.items())
    return (
        f"{table(head, rows)}\n{paragraph(f'The units of the first layer, int8 → int8, alone on the part; {made_by}.')}"
    )


def _all() -> tuple[Algorithm, ...]:
    return tuple(ALGORITHMS.values())


def _section(algorithm: Algorithm) -> str:
    formula = "".join(f"    {line}\n" for line in algorithm.formula)
    filled = (textwrap.fill(f"- {sentence}.", 120, subsequent_indent="  ") for sentence in algorithm.left_open)
    chosen = "".join(f"{entry}\n" for entry in filled)
    head = f'### {algorithm.title}\n\n`algorithm = "{algorithm.name}"`\n'
    return f"{head}\n{formula}\nLeft open, or chosen here:\n\n{chosen}"
