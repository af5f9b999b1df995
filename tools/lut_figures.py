"""How well LUTs are estimated: python tools/lut_figures.py tells how far off each estimate is, and the best terms.

python tools/lut_figures.py --measure          synthesize all units first and record their LUTs; half an hour
python tools/lut_figures.py --measure static   those of one architecture only

The units are those of tests/hw/plan/data/luts.json, where a test reads them, too. Put what --measure finds there and
the terms into hw/streamnorm/plan/luts.py.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from streamnorm.plan import Plan
from streamnorm.plan.luts import LUT_MODELS, estimated_luts
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.norms import NORMS
from streamnorm.spec.targets import TARGETS

MEASURED = Path(__file__).resolve().parent.parent / "tests/hw/plan/data/luts.json"

_KEYS = ("norm", "lanes", "max_length", "min_length", "storage", "banks", "parameter_repeat", "target", "clock_mhz")


def unit_of(line: dict[str, Any]) -> NormConfig:
    """The configuration of a line of the file: gamma and, except in an RMSNorm, beta are waves, if any."""
    places = np.arange(-(-line["max_length"] // line.get("parameter_repeat", 1)))
    values: dict[str, Any] = {}
    if line["gamma"]:
        values["gamma"] = 1 + 0.3 * np.sin(1.7 * places)
        if line["norm"] != "rmsnorm":
            values["beta"] = 0.2 * np.cos(2.3 * places)
    banks = line.get("banks", 1)
    if banks > 1:
        values = {name: np.tile(wave, (banks, 1)) for name, wave in values.items()}
    norm_keys = {"epsilon": 1e-5, "alpha": 0.5}
    return NormConfig(
        **{key: line[key] for key in _KEYS if key in line},
        **{key: IntFormat(line[key], scale=2.0 ** (2 - line[key])) for key in ("input", "output")},
        **{key: value for key, value in norm_keys.items() if key in NORMS[line["norm"]].keys},
        **values,
    )


def measured() -> list[dict[str, Any]]:
    """The lines of the file."""
    return json.loads(MEASURED.read_text("utf-8"))


def main() -> int:
    """Tell how far off the estimates are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", nargs="?", choices=["all", *LUT_MODELS], const="all", metavar="ARCHITECTURE")
    lines = measured()
    asked = parser.parse_args().measure
    if asked is not None:
        from streamnorm.verilog.emit import verilog
        from streamnorm_fpga.devices import device_for
        from streamnorm_fpga.place.resources import cells_of
        from streamnorm_fpga.synthesis.mapping import map_to_part

        for line in lines:
            config, device = unit_of(line), device_for(line["target"])
            if asked not in ("all", config.architecture):
                continue
            print(f"{config.norm}, {config.lanes} lanes, {config.target}", file=sys.stderr)
            cells = cells_of(map_to_part(verilog(config), config.name, device), device.family)
            line["luts"] = cells.comb if cells.logic_cells is None else cells.logic_cells
        MEASURED.write_text("[\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]\n", "utf-8")
    units = [(Plan.of(unit_of(line)), line["luts"]) for line in lines]
    for architecture, model in LUT_MODELS.items():
        for primitives, luts_of in model.luts.items():
            alike = [
                (plan, luts)
                for plan, luts in units
                if (plan.config.architecture, TARGETS[plan.config.target].primitives) == (architecture, primitives)
            ]
            luts = np.array([count for _, count in alike])
            terms = np.array([[model.terms(plan)[name] for name in luts_of] for plan, _ in alike], float)
            best, *_ = np.linalg.lstsq(terms / luts[:, None], np.ones(len(luts)))
            errors = np.array([estimated_luts(plan) for plan, _ in alike], float) / luts - 1
            told = f"{len(alike)} units, errors {errors.min():+.1%} … {errors.max():+.1%}"
            print(f"{architecture}, {primitives}: {told}; best terms:")
            print({name: round(float(each), 3) for name, each in zip(luts_of, best, strict=True)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
