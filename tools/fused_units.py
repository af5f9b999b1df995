"""Place units with something fused, and the same norm alone: docs/fused_units.json, and the table of docs/around.md.

    python tools/fused_units.py                        place what has changed, seeds 1 to 3; a unit takes some minutes
    python tools/fused_units.py --only residual_int8   only these units; --list names them all

A unit is known by its Verilog and the tools' versions: what is recorded of the same is kept. `make docs` afterwards
brings the figures to the page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import unit_store
from figures import ROOT
from markdown import paragraph, table
from placed_units import place
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import NumberFormat
from streamnorm_sim.workload.traffic import traffic_of

PAGE = ROOT / "docs/around.md"
STORE = ROOT / "docs/fused_units.json"
EXAMPLES = ROOT / "examples/around"


@cache
def units() -> dict[str, NormConfig]:
    """The units that are placed, by name."""
    found = {path.stem: NormConfig.from_toml(path) for path in sorted(EXAMPLES.glob("*.toml"))}
    fused = found["residual_int8"]
    assert fused.residual is not None
    quiet = replace(fused.residual, emit_sum=False, sum_number=None)
    found["layernorm"] = fused.replace(name="layernorm", residual=None)
    found["residual"] = fused.replace(name="residual", residual=quiet)
    return {name: found[name] for name in _TITLES}


_TITLES = {
    "layernorm": "nothing",
    "residual": "a residual",
    "residual_int8": "a residual, and the sum out",
    "residual_bf16": "the same of bf16, RMSNorm",
    "adaptive_int8": "γ and β of each row",
    "interpolated_int8": "γ and β between two banks",
    "per_token_int8": "rows that bring their scale",
    "dynamic_int8": "a scale of each row",
    "two_results": "two results",
    "deferred_int8": "a scale that comes later, RMSNorm",
    "deferred_layernorm": "a scale that comes later",
}


def stored() -> dict[str, dict[str, Any]]:
    """What has been placed, by name."""
    return unit_store.stored(STORE)


def recorded() -> Iterator[tuple[NormConfig, dict[str, Any]]]:
    """Every unit that has been placed, with its entry."""
    return unit_store.recorded(STORE, units())


def parts() -> dict[str, str]:
    """The generated parts of docs/around.md."""
    return {"fused": _fused()}


def _fused() -> str:
    entries = stored()
    rows = [_row(name, config) for name, config in units().items()]
    (target,) = {config.target for config in units().values()}
    notes = [
        f"On {target}; all but the first two are the examples. Octets are those of a row of n elements on all streams; "
        "apart, each thing is a pass of its own through memory, and its cycles come on top of the unit's.",
        *unit_store.made_with(entries, units()),
    ]
    return f"{table(_HEAD, rows)}\n{paragraph(' '.join(notes))}"


_HEAD = (
    *("LayerNorm with", "n, P", "in → out", "L1", "SS", "octets in, out", "apart: octets in, out", "cycles more"),
    *("clock, MHz", "LUTs", "multipliers", "block RAMs"),
)


def _row(name: str, config: NormConfig) -> Iterator[str]:
    latency, traffic = Plan.of(config).latency(config.max_length), traffic_of(config, [(config.max_length, 1)])
    yield _TITLES[name]
    yield f"{config.max_length}, {config.lanes}"
    yield f"{config.input.name} → {', '.join(number.name for number in (config.output, *_results(config)))}"
    yield f"{latency.L1}"
    yield f"{latency.SS}"
    yield f"{traffic.read}, {traffic.written}"
    yield f"{traffic.apart_read}, {traffic.apart_written}" if len(traffic.passes) > 1 else "–"
    yield f"{traffic.apart_cycles}" if len(traffic.passes) > 1 else "–"
    if (entry := stored().get(name)) is None:
        yield from ("–",) * 4
        return
    yield f"{unit_store.clock(entry)} of {config.clock_mhz:g}"
    yield from (f"{entry[key]}" for key in ("comb", "dsp", "bram"))


def _results(config: NormConfig) -> Iterator[NumberFormat]:
    return (result.number for result in config.results)


def main(argv: Sequence[str] | None = None) -> int:
    """Place, and keep what was found."""
    return unit_store.main(__doc__, STORE, units(), place, argv)


if __name__ == "__main__":
    sys.exit(main())
