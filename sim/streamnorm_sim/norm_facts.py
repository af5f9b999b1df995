"""What people are told of a norm: its keys, a configuration to begin with, and what a unit of it costs."""

import json
from collections.abc import Iterable
from typing import Any

from streamnorm.errors import ConfigError
from streamnorm.spec.config import key_fields
from streamnorm.spec.epsilon_placements import EPSILON_PLACEMENTS
from streamnorm.spec.norms import NORMS, Norm
from streamnorm.spec.values import nearest, shown

from .norm_units import REFERENCE, NormUnit, norm_units, reference_unit

__all__ = [
    "HOW_TO_MEASURE",
    "elements_taken",
    "example_toml",
    "norm_facts",
    "norm_named",
    "reference_facts",
    "takes_floats",
]

_KEYS_OF_NORMS = tuple(field.name for field in key_fields() if any(field.name in norm.keys for norm in NORMS.values()))
"""Keys that not every norm takes, in order."""

HOW_TO_MEASURE = (
    "-: not placed yet. python tools/norm_figures.py places it, in a checkout of this project; "
    "streamnorm norms NAME has a configuration that streamnorm fit places"
)


def norm_named(name: str) -> Norm:
    """Return the norm that a user names.

    Raises
    ------
    ConfigError
        If there is none; with those whose names or titles are most like it.
    """
    if name in NORMS:
        return NORMS[name]
    called = {norm.title.lower(): norm.name for norm in NORMS.values()}
    if name.lower() in {**called, **NORMS}:
        hint = f"; did you mean {called.get(name.lower(), name.lower())}?"
    else:
        hint = nearest(name.lower(), NORMS) or f"; the norms are {', '.join(NORMS)}"
    raise ConfigError(f"unknown norm {shown(name)}{hint}")


def _key_facts(key: str, norm: Norm) -> dict[str, str]:
    """Return what a key of a norm may be, what it means, and what it is if it is left out."""
    (field,) = (field for field in key_fields() if field.name == key)
    about = {name: text.replace("`", "") for name, text in field.metadata.items() if text is not None}
    default = about.get("default", f"{json.dumps(field.default)}")
    meaning = about["meaning"]
    if key == "epsilon" and norm.placement is not None:
        meaning = f"{EPSILON_PLACEMENTS[norm.placement].about}, in real units"
    return {"key": key, "allowed": about["allowed"], "default": default, "meaning": meaning}


def _unit_facts(unit: NormUnit) -> dict[str, Any]:
    """Return a unit's cycles and cost as planned, and as measured, each None where there is nothing to tell."""
    plan, placed = unit.plan, unit.placed
    latency = None if plan is None else plan.latency(plan.config.max_length)
    return {
        "unit": unit.name,
        "keys": {"norm": unit.norm, **(unit.said if plan else unit.keys)},
        "L1": None if latency is None else latency.L1,
        "SS": None if latency is None else latency.SS,
        "multipliers": None if plan is None else sum(plan.multipliers.values()),
        "block_rams": None if plan is None else sum(plan.block_rams.values()),
        "placed": None
        if placed is None
        else {
            "luts": placed.comb,
            "multipliers": placed.dsp,
            "block_rams": placed.bram,
            "clock_mhz": placed.clock_mhz,
            "seeds": list(placed.seeds),
        },
    }


def reference_facts() -> dict[str, Any]:
    """Return the same of the unit beside which others are looked at, and what all have in common, in words."""
    config = reference_unit()
    shape = (
        f"{config.input.name} -> {config.output.name}, rows of {config.max_length}, {config.lanes} lanes, gamma and "
        f"beta per element, {config.target}, planned for {config.clock_mhz:g} MHz"
    )
    return {"shape": shape, **_unit_facts(norm_units()[REFERENCE])}


def norm_facts(norm: Norm) -> dict[str, Any]:
    """Return everything about a norm as JSON values."""
    return {
        **{name: getattr(norm, name) for name in ("name", "title", "about", "use", "formula", "source")},
        "floating_point": takes_floats(norm),
        "keys": [_key_facts(key, norm) for key in _KEYS_OF_NORMS if key in norm.keys],
        "units": [_unit_facts(unit) for unit in norm_units().values() if unit.norm == norm.name],
        "example": example_toml(norm),
    }


def takes_floats(norm: Norm) -> bool:
    """Whether there are units of a norm for floating-point numbers."""
    try:
        norm_units()[norm.name].config.replace(input="bf16", output="bf16")
    except ConfigError:
        return False
    return True


def elements_taken(norms: Iterable[Norm]) -> str:
    """Return a sentence that says of which numbers there are units of some norms."""
    without = [norm.name for norm in norms if not takes_floats(norm)]
    but = f"; {' and '.join(without)} take{'s' if len(without) == 1 else ''} integers only" if without else ""
    return f"Elements are integers or floating-point numbers, each side for itself{but}."


def example_toml(norm: Norm) -> str | None:
    """Return a configuration of a norm, with a comment above each of its keys; None if there is no such unit."""
    unit = norm_units()[norm.name]
    if unit.plan is None:
        return None
    config, variants = unit.config, {key: value for each in _variants(norm) for key, value in each.keys.items()}
    lines = [f"# {norm.title}: {norm.formula}", f'norm = "{norm.name}"']
    lines += [f"{key} = {json.dumps(getattr(config, key))}" for key in ("lanes", "max_length")]
    for key in _KEYS_OF_NORMS:
        if key in norm.keys:
            about = _key_facts(key, norm)
            lines += ["", f"# {about['meaning']} ({about['allowed']})"]
            said = key in unit.said or about["default"] == "none: must be said"
            value = getattr(config, key) if said else variants.get(key, getattr(config, key))
            lines.append(f"{'' if said else '# '}{key} = {'…' if value is None else json.dumps(value)}")
    lines += [
        "",
        "# one number for all elements, a .npy file of one for each, or left out",
        "gamma = 1.0",
        "beta = 0.0",
    ]
    lines += ["", *(f"{key} = {json.dumps(getattr(config, key))}" for key in ("target", "clock_mhz"))]
    for table in ("input", "output"):
        elements = getattr(config, table)
        lines += [f'{table} = {{ format = "{elements.name}", scale = {elements.scale:g} }}']
    return "\n".join(lines) + "\n"


def _variants(norm: Norm) -> list[NormUnit]:
    return [unit for unit in norm_units().values() if unit.norm == norm.name and unit.keys]
