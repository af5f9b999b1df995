"""The parts of docs/norms.md: the norms that can be built, and papers with what is configured here."""

from figures import ROOT
from markdown import table
from papers import PAPERS
from streamnorm.spec.norms import NORMS

PAGE = ROOT / "docs/norms.md"


def parts() -> dict[str, str]:
    """Return the generated parts of the page."""
    return {"norms": norm_table(), "papers": paper_tables()}


def norm_table() -> str:
    """Return every norm there is: its name, formula, what becomes of the mean, and where it comes from."""
    rows = ((f"`{n.name}`", n.title, f"`{_cell(n.formula)}`", _cell(n.about), _cell(n.source)) for n in NORMS.values())
    return table(("`norm`", "called", "z", "in words", "source"), rows)


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
