"""LUTs of units that were placed alone, fpga/streamnorm_fpga/place/areas.json: taken from docs/figures.json."""

import json
from collections.abc import Iterator
from typing import Any

from figures import ARCHITECTURE_UNIT, FIT_UNITS, ROOT, example
from figures_page import stored
from markdown import WHOLE
from streamnorm.spec.architectures import ONE_PASS

PAGE = ROOT / "fpga/streamnorm_fpga/place/areas.json"


def parts() -> dict[str, str]:
    """Return the file, which is generated as a whole."""
    return {WHOLE: json.dumps(list(_units(stored())), indent=1) + "\n"}


def _units(figures: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in FIT_UNITS:
        fitted = figures[f"fit-{name}"]
        yield {"unit": name, "digest": fitted["digest"], "comb": fitted["comb"]}
    for architecture, unit in figures["architectures"]["units"].items():
        if architecture != ONE_PASS:  # a fit has it
            config = example(ARCHITECTURE_UNIT, architecture=architecture)
            yield {"unit": f"{config.name}, {architecture}", "digest": config.digest(), "comb": unit["comb"]}
