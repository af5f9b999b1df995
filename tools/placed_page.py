"""Clocks and area of units placed alone, sim/streamnorm_sim/data/placed.json.

They are taken from docs/figures.json and, what is not there, from docs/norm_figures.json and docs/float_units.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import float_units
import norm_figures
from figures import ARCHITECTURE_UNIT, FIT_UNITS, ROOT, example
from figures_page import stored
from markdown import WHOLE
from promises import GATE_SEEDS, least_clock
from streamnorm.spec.architectures import ONE_PASS
from streamnorm.spec.config import NormConfig

PAGE = ROOT / "sim/streamnorm_sim/data/placed.json"


def parts() -> dict[str, str]:
    """Return the file, which is generated as a whole."""
    units: dict[str, dict[str, Any]] = {}
    for unit in _units(stored()):
        units.setdefault(unit["digest"], unit)
    return {WHOLE: json.dumps({"seeds": GATE_SEEDS, "units": list(units.values())}, indent=1) + "\n"}


def _units(figures: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in FIT_UNITS:
        yield _unit(example(name), figures[f"fit-{name}"])
    for architecture, unit in figures["architectures"]["units"].items():
        if architecture != ONE_PASS:  # a fit has it
            yield _unit(example(ARCHITECTURE_UNIT, architecture=architecture), unit)
    for unit, entry in norm_figures.recorded():
        yield _unit(unit.config, entry)
    for config, entry in float_units.recorded():
        yield _unit(config, entry)


def _unit(config: NormConfig, fitted: dict[str, Any]) -> dict[str, Any]:
    seeds = [seed for seed in GATE_SEEDS if str(seed) in fitted["fmax_mhz"]]
    limit = config.device.family.block_ram_limit_mhz
    clocks = (least_clock(fitted, seeds), limit)
    return {
        "unit": config.name,
        "norm": config.norm,
        "architecture": config.architecture,
        "digest": config.digest(),
        "seeds": seeds,
        "clock_mhz": min(clock for clock in clocks if clock is not None),
        **{key: fitted[key] for key in ("comb", "dsp", "bram")},
    }
