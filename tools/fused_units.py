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

PAGE = ROOT / "docs/around.md"
STORE = ROOT / "docs/fused_units.json"


@cache
def units() -> dict[str, NormConfig]:
    """The units that are placed, by name."""
    fused = NormConfig.from_toml(ROOT / "examples/around/residual_int8.toml")
    assert fused.residual is not None
    quiet = replace(fused.residual, emit_sum=False, sum_number=None)
    return {
        "layernorm": fused.replace(name="layernorm", residual=None),
        "residual": fused.replace(name="residual", residual=quiet),
        "residual_int8": fused,
    }


_TITLES = {"layernorm": "LayerNorm", "residual": "with a residual", "residual_int8": "… that sends the sum out, too"}


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
    any_unit = units()["residual_int8"]
    notes = [
        f"int8 in and out, n = {any_unit.max_length}, P = {any_unit.lanes}, {any_unit.target} planned for "
        f"{any_unit.clock_mhz:g} MHz, γ and β in ROM, 2 x + f."
    ]
    notes += unit_store.made_with(entries, units())
    return f"{table(_HEAD, rows)}\n{paragraph(' '.join(notes))}"


_HEAD = ("unit", "L1", "SS", "octets in", "octets out", "clock, MHz", "LUTs", "multipliers", "block RAMs")


def _row(name: str, config: NormConfig) -> Iterator[str]:
    latency = Plan.of(config).latency(config.max_length)
    yield _TITLES[name]
    yield f"{latency.L1}"
    yield f"{latency.SS}"
    coming = (config.input, *(side.number for side in config.side_inputs))
    going = (config.output, *(side.number for side in config.side_outputs))
    yield from (f"{config.max_length * sum(number.bytes for number in numbers)}" for numbers in (coming, going))
    if (entry := stored().get(name)) is None:
        yield from ("–",) * 4
        return
    yield unit_store.clock(entry)
    yield from (f"{entry[key]}" for key in ("comb", "dsp", "bram"))


def main(argv: Sequence[str] | None = None) -> int:
    """Place, and keep what was found."""
    return unit_store.main(__doc__, STORE, units(), place, argv)


if __name__ == "__main__":
    sys.exit(main())
