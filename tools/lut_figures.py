"""How well LUTs are estimated: python tools/lut_figures.py tells how far off each estimate is, and the best terms.

python tools/lut_figures.py --measure   synthesize all units first and record their LUTs; minutes

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
from streamnorm.plan.luts import LUT_MODELS, estimated_luts, lut_terms
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.targets import TARGETS

MEASURED = Path(__file__).resolve().parent.parent / "tests/hw/plan/data/luts.json"


def unit_of(line: dict[str, Any]) -> NormConfig:
    """The configuration of a line of the file: gamma and, in a LayerNorm, beta are waves where there are some."""
    places = np.arange(line["max_length"])
    values: dict[str, Any] = {}
    if line["gamma"]:
        values["gamma"] = 1 + 0.3 * np.sin(1.7 * places)
        if line["norm"] == "layernorm":
            values["beta"] = 0.2 * np.cos(2.3 * places)
    return NormConfig(
        **{key: line[key] for key in ("norm", "lanes", "max_length", "min_length", "target", "clock_mhz")},
        **{key: IntFormat(line[key], scale=2.0 ** (2 - line[key])) for key in ("input", "output")},
        epsilon=1e-5,
        **values,
    )


def measured() -> list[dict[str, Any]]:
    """The lines of the file."""
    return json.loads(MEASURED.read_text("utf-8"))


def main() -> int:
    """Tell how far off the estimates are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true")
    lines = measured()
    if parser.parse_args().measure:
        from streamnorm.verilog.emit import verilog
        from streamnorm_fpga.devices import device_for
        from streamnorm_fpga.place.resources import cells_of
        from streamnorm_fpga.synthesis.mapping import map_to_part

        for line in lines:
            config, device = unit_of(line), device_for(line["target"])
            print(f"{config.norm}, {config.lanes} lanes, {config.target}", file=sys.stderr)
            cells = cells_of(map_to_part(verilog(config), config.name, device), device.family)
            line["luts"] = cells.comb if cells.logic_cells is None else cells.logic_cells
        MEASURED.write_text("[\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]\n", "utf-8")
    for primitives, model in LUT_MODELS.items():
        units = [(unit_of(line), line["luts"]) for line in lines if TARGETS[line["target"]].primitives == primitives]
        plans = [Plan.of(config) for config, _ in units]
        luts = np.array([count for _, count in units])
        terms = np.array([[lut_terms(plan)[name] for name in model] for plan in plans])
        best, *_ = np.linalg.lstsq(terms / luts[:, None], np.ones(len(luts)))
        errors = np.array([estimated_luts(plan) for plan in plans], float) / luts - 1
        print(f"{primitives}: {len(units)} units, errors {errors.min():+.1%} … {errors.max():+.1%}; best terms:")
        print({name: round(float(each), 3) for name, each in zip(model, best, strict=True)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
