"""The parts of docs/workload.md that are made from the placements themselves."""

from figures import ROOT
from markdown import table
from streamnorm_sim.workload import SCHEDULES, STYLES

PAGE = ROOT / "docs/workload.md"


def parts() -> dict[str, str]:
    """Return the generated parts of the page."""
    styles = ((f"`{style.name}`", style.formula, style.source) for style in STYLES.values())
    schedules = ((f"`{name}`", meaning) for name, meaning in SCHEDULES.items())
    return {
        "styles": table(("style", "a part puts out", "known from"), styles),
        "schedules": table(("schedule", "meaning"), schedules),
    }
