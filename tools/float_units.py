"""Place units for floating-point numbers, docs/float_units.json, and the tables of docs/floating.md.

    python tools/float_units.py                         place what has changed, seeds 1 to 3; a unit takes some minutes
    python tools/float_units.py --only layernorm_fp32   only these units; --list names them all
    python tools/float_units.py --seeds 1               the same, with these seeds where they are not there yet

A unit is known by its Verilog and the tools' versions: what is recorded of the same is kept, and each is written as
soon as it is done. `make docs` afterwards brings the figures to the page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import unit_store
from figures import ROOT
from figures_page import peers, up
from markdown import paragraph, table
from placed_units import place
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm_sim.spread import spread

PAGE = ROOT / "docs/floating.md"
STORE = ROOT / "docs/float_units.json"

_TARGET, _LANES = "ecp5-85k-6", 4
_PEER = "FINN LayerNorm"
_PEERS_UNIT, _PEERS_CLOCK = ("layernorm", "fp32"), 140
SHAPES = ((768, 1), (768, 4), (768, 8), (1024, 16))
"""Lengths and lanes of which the peer was measured."""


def _unit(norm: str, number_format: str, length: int, clock_mhz: float, lanes: int = _LANES) -> NormConfig:
    """A unit with gamma and, except in an RMSNorm, beta in ROM, in the format of the rows."""
    held = FloatFormat(number_format)
    values = {"gamma": spread(length, 0.85, 0.08, 0.1), "beta": spread(length, -0.03, 0.12, 0.6)}
    if norm == "rmsnorm":
        del values["beta"]
    return NormConfig(
        name=f"{norm}_{number_format}",
        norm=norm,
        lanes=lanes,
        max_length=length,
        epsilon=1e-5,
        **{key: held.dequantize(held.quantize(value)) for key, value in values.items()},
        parameter_format=held,
        target=_TARGET,
        clock_mhz=clock_mhz,
        input=held,
        output=held,
    )


@cache
def units() -> dict[str, NormConfig]:
    """The units that are placed, by name."""
    found = (
        _unit("layernorm", "bf16", 768, 150),
        _unit("layernorm", "fp16", 768, 150),
        _unit(*_PEERS_UNIT, 768, _PEERS_CLOCK),
        _unit("rmsnorm", "bf16", 4096, 160),
        _unit("rmsnorm", "fp16", 4096, 160),
    )
    return {config.name: config for config in found}


def stored() -> dict[str, dict[str, Any]]:
    """What has been placed, by name."""
    return unit_store.stored(STORE)


def recorded() -> Iterator[tuple[NormConfig, dict[str, Any]]]:
    """Every unit that has been placed, with its entry."""
    return unit_store.recorded(STORE, units())


def parts() -> dict[str, str]:
    """The generated parts of docs/floating.md."""
    return {"placed": _placed(), "peer": _beside_the_peer()}


def _placed() -> str:
    entries = stored()
    rows = (_row(config, entries.get(name)) for name, config in units().items())
    notes = [f"{_TARGET}, {_LANES} lanes, ε = 1e-5, γ and (LayerNorm) β in ROM, in the format of the rows."]
    notes += unit_store.made_with(entries, units())
    return f"{table(_HEAD, rows)}\n{paragraph(' '.join(notes))}"


_HEAD = (
    *("unit", "n ≤", "asked, MHz", "clock, MHz", "LUTs", "multipliers", "block RAMs"),
    *("L1", "L2", "L3", "SS", "error ≤, ulp"),
)


def _row(config: NormConfig, entry: Mapping[str, Any] | None) -> Iterator[str]:
    plan = Plan.of(config)
    latency = plan.latency(config.max_length)
    yield f"{config.formula.title} {config.input.name}"
    yield f"{config.max_length}"
    yield f"{config.clock_mhz:g}"
    if entry is None:
        yield from ("–",) * 4
    else:
        yield unit_store.clock(entry)
        yield from (f"{entry[key]}" for key in ("comb", "dsp", "bram"))
    yield from (f"{getattr(latency, name)}" for name in ("L1", "L2", "L3", "SS"))
    yield up(plan.error_bound, 4)


def _beside_the_peer() -> str:
    """Cycles of fp32 LayerNorm and what is known of its results, ours by its plan, the peer's as it was measured."""
    figures, name = peers(), _PEER.split()[0]
    measured = {(line["n"], line["lanes"]): line for line in figures["cycles"] if line["design"] == _PEER}
    cycles, bound = [], 0.0
    for length, lanes in SHAPES:
        plan = Plan.of(_unit(*_PEERS_UNIT, length, _PEERS_CLOCK, lanes))
        bound = max(bound, plan.error_bound)
        latency, theirs = plan.latency(length), measured[length, lanes]
        values = (value for key in ("L1", "SS") for value in (getattr(latency, key), theirs[key]))
        cycles.append((f"{length}", f"{lanes}", *(f"{value:g}" for value in values)))
    known, fraction_bits = figures["floating_point"][_PEER], FloatFormat(_PEERS_UNIT[1]).fraction_bits
    entry = stored().get("_".join(_PEERS_UNIT))
    relative = up(bound * 2.0**-fraction_bits * 1e7, 1)
    facts = (
        ("largest error, relative", f"{relative}e-7, proven", f"{100 * known['relative_error']:g} %"),
        ("equal elements, ε = 0", "β", known["equal_elements"]),
        ("ECP5, P = 4", "–" if entry is None else f"{unit_store.clock(entry)} MHz", figures["not_placed"][_PEER]),
    )
    return (
        f"{table(('n', 'P', 'L1', f'L1, {name}', 'SS', f'SS, {name}'), cycles)}\n"
        f"{table(('fp32 LayerNorm', 'streamnorm', name), facts)}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Place, and keep what was found."""
    return unit_store.main(__doc__, STORE, units(), place, argv)


if __name__ == "__main__":
    sys.exit(main())
