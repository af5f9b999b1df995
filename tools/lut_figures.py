"""How well LUTs are estimated: python tools/lut_figures.py tells how far off each estimate is, and the best terms.

python tools/lut_figures.py --measure            synthesize all units first and record their LUTs; half an hour
python tools/lut_figures.py --measure static     those of one kind only: an entry of `LUT_MODELS`
python tools/lut_figures.py --measure missing    those that were not synthesized yet

The units are those of tests/hw/plan/data/luts.json, where a test reads them, too; each is written as soon as it is
done. Put the terms into hw/streamnorm/plan/luts.py: of a kind without any, those of all its terms are told.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from streamnorm.plan import Plan
from streamnorm.plan.luts import LUT_MODELS, LutModel, estimated_luts, kind_of
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat, IntFormat, NumberFormat
from streamnorm.spec.norms import NORMS
from streamnorm.spec.targets import TARGETS

MEASURED = Path(__file__).resolve().parent.parent / "tests/hw/plan/data/luts.json"

_MISSING = "missing"

_KEYS = (
    "norm",
    "lanes",
    "max_length",
    "min_length",
    "storage",
    "banks",
    "parameter_repeat",
    "target",
    "clock_mhz",
    "parameter_format",
)


def unit_of(line: dict[str, Any]) -> NormConfig:
    """The configuration of a line of the file: gamma and, except in an RMSNorm, beta are waves, if any."""
    places = np.arange(-(-line["max_length"] // line.get("parameter_repeat", 1)))
    values: dict[str, Any] = {}
    if line["gamma"]:
        values["gamma"] = 1 + 0.3 * np.sin(1.7 * places)
        if line["norm"] != "rmsnorm":
            values["beta"] = 0.2 * np.cos(2.3 * places)
    if "parameter_format" in line:
        held = FloatFormat(line["parameter_format"])
        values = {name: held.dequantize(held.quantize(wave)) for name, wave in values.items()}
    banks = line.get("banks", 1)
    if banks > 1:
        values = {name: np.tile(wave, (banks, 1)) for name, wave in values.items()}
    norm_keys = {"epsilon": 1e-5, "alpha": 0.5}
    return NormConfig(
        **{key: line[key] for key in _KEYS if key in line},
        **{key: _format(line[key]) for key in ("input", "output")},
        **{key: value for key, value in norm_keys.items() if key in NORMS[line["norm"]].keys},
        **values,
    )


def _format(said: int | str) -> NumberFormat:
    """Bits of integers that reach from -2 to 2, or the name of a format of floats."""
    return FloatFormat(said) if isinstance(said, str) else IntFormat(said, scale=2.0 ** (2 - said))


def lines() -> list[dict[str, Any]]:
    """The lines of the file."""
    return json.loads(MEASURED.read_text("utf-8"))


def measured() -> list[dict[str, Any]]:
    """Those that were synthesized."""
    return [line for line in lines() if line["luts"] is not None]


def estimated() -> list[dict[str, Any]]:
    """Those of which there are estimates as well."""
    return [line for line in measured() if estimated_luts(Plan.of(unit_of(line))) is not None]


def main() -> int:
    """Tell how far off the estimates are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", nargs="?", choices=["all", _MISSING, *LUT_MODELS], const="all", metavar="KIND")
    asked = parser.parse_args().measure
    if asked is not None:
        _measure(asked)
    units = [(Plan.of(unit_of(line)), line["luts"]) for line in measured()]
    for kind, model in LUT_MODELS.items():
        for primitives in sorted({TARGETS[plan.config.target].primitives for plan, _ in units}):
            alike = [
                (plan, luts)
                for plan, luts in units
                if (kind_of(plan), TARGETS[plan.config.target].primitives) == (kind, primitives)
            ]
            if alike:
                _tell(f"{kind}, {primitives}", model, model.luts.get(primitives), alike)
    return 0


def _measure(asked: str) -> None:
    """Synthesize units, and record what they take."""
    from streamnorm.verilog.emit import verilog
    from streamnorm_fpga.devices import device_for
    from streamnorm_fpga.place.resources import cells_of
    from streamnorm_fpga.synthesis.mapping import map_to_part

    found = lines()
    for line in found:
        config, device = unit_of(line), device_for(line["target"])
        kinds = ("all", _MISSING) if line["luts"] is None else ("all",)
        if asked not in (*kinds, kind_of(Plan.of(config))):
            continue
        print(f"{config.norm}, {config.lanes} lanes, {config.target}", file=sys.stderr, flush=True)
        cells = cells_of(map_to_part(verilog(config), config.name, device), device.family)
        line["luts"] = cells.comb if cells.logic_cells is None else cells.logic_cells
        MEASURED.write_text("[\n" + ",\n".join(json.dumps(line) for line in found) + "\n]\n", "utf-8")


def _tell(what: str, model: LutModel, luts_of: Mapping[str, float] | None, alike: Sequence[tuple[Plan, int]]) -> None:
    """How far off the estimates of some units are, if there are any, and the best terms."""
    names = [*(model.terms(alike[0][0]) if luts_of is None else luts_of)]
    luts = np.array([count for _, count in alike])
    terms = np.array([[model.terms(plan)[name] for name in names] for plan, _ in alike], float)
    best, *_ = np.linalg.lstsq(terms / luts[:, None], np.ones(len(luts)))
    estimates = terms @ best if luts_of is None else np.array([estimated_luts(plan) for plan, _ in alike], float)
    errors = estimates / luts - 1
    whose = "of the best terms" if luts_of is None else "of the estimates"
    print(f"{what}: {len(alike)} units, errors {whose} {errors.min():+.1%} … {errors.max():+.1%}; best terms:")
    print({name: round(float(each), 3) for name, each in zip(names, best, strict=True)})


if __name__ == "__main__":
    sys.exit(main())
