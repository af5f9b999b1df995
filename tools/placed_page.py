"""Clocks and LUTs of units placed alone, sim/streamnorm_sim/data/placed.json: taken from docs/figures.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from figures import ARCHITECTURE_UNIT, FIT_UNITS, ROOT, example
from figures_page import stored
from markdown import WHOLE
from promises import GATE_SEEDS, least_clock
from streamnorm.spec.architectures import ONE_PASS
from streamnorm.spec.config import NormConfig

PAGE = ROOT / "sim/streamnorm_sim/data/placed.json"


def parts() -> dict[str, str]:
    """Return the file, which is generated as a whole."""
    figures = stored()
    return {WHOLE: json.dumps({"seeds": GATE_SEEDS, "units": list(_units(figures))}, indent=1) + "\n"}


def _units(figures: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in FIT_UNITS:
        yield _unit(example(name), figures[f"fit-{name}"])
    for architecture, unit in figures["architectures"]["units"].items():
        if architecture != ONE_PASS:  # a fit has it
            yield _unit(example(ARCHITECTURE_UNIT, architecture=architecture), unit)


def _unit(config: NormConfig, fitted: dict[str, Any]) -> dict[str, Any]:
    limit = config.device.family.block_ram_limit_mhz
    clocks = (least_clock(fitted), limit)
    return {
        "unit": config.name,
        "architecture": config.architecture,
        "digest": config.digest(),
        "clock_mhz": min(clock for clock in clocks if clock is not None),
        "comb": fitted["comb"],
    }
