"""The parts of docs/published.md: the algorithms of the literature, each with its formula and what it leaves open."""

import textwrap

from figures import ROOT
from markdown import table
from streamnorm.spec.algorithms import ALGORITHMS, Algorithm

PAGE = ROOT / "docs/published.md"


def parts() -> dict[str, str]:
    """Return the generated parts of the page."""
    return {"algorithms": algorithm_table(), "definitions": definitions()}


def algorithm_table() -> str:
    """Return every algorithm there is: its name, what it does, and where it comes from."""
    return table(("`algorithm`", "what it does", "source"), ((f"`{a.name}`", a.about, a.source) for a in _all()))


def definitions() -> str:
    """Return of each algorithm of the literature what is computed, and what its publication leaves open."""
    return "\n".join(_section(algorithm) for algorithm in _all() if algorithm.is_dyadic)


def _all() -> tuple[Algorithm, ...]:
    return tuple(ALGORITHMS.values())


def _section(algorithm: Algorithm) -> str:
    formula = "".join(f"    {line}\n" for line in algorithm.formula)
    filled = (textwrap.fill(f"- {sentence}.", 120, subsequent_indent="  ") for sentence in algorithm.left_open)
    chosen = "".join(f"{entry}\n" for entry in filled)
    head = f'### {algorithm.title}\n\n`algorithm = "{algorithm.name}"`\n'
    return f"{head}\n{formula}\nLeft open, or chosen here:\n\n{chosen}"
