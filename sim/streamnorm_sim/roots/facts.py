"""What there is to say of a unit with each method for the reciprocal square root."""

from __future__ import annotations

from collections.abc import Collection
from math import isfinite
from typing import Any

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.precision.deferred import DeferredPrecision
from streamnorm.precision.floating import FloatPrecision
from streamnorm.precision.lane import precision_of
from streamnorm.precision.precision import Precision
from streamnorm.spec.algorithms import IntegerLayerNorm
from streamnorm.spec.config import NormConfig
from streamnorm.spec.root_choice import AUTO, RootChoice
from streamnorm.spec.roots import ROOTS, RootMethod
from streamnorm.spec.values import shown
from streamnorm.units.root_alone import RootAlone

from .errors import RootErrors

__all__ = ["method_facts", "root_alone", "root_choices", "root_facts", "root_of", "unit_with"]

AS_IS = "as-is"
"""The promise of a unit whose root is not exact enough for any other."""


def method_facts(name: str) -> dict[str, Any]:
    """Return what there is to say of a method, whatever the unit, as JSON values."""
    kind = ROOTS[name]
    return {"method": name, "title": kind.title, "steps": sorted(kind.steps_allowed), "source": kind.source}


def root_choices(config: NormConfig, names: Collection[str] = tuple(ROOTS)) -> list[RootChoice]:
    """Return every method, or those named, in the registry's order; the configuration's own with its own steps.

    Raises
    ------
    ConfigError
        If the norm or the algorithm takes no root, or there is no such method.
    """
    if isinstance(config.computed, IntegerLayerNorm):
        raise ConfigError(f'algorithm = "{config.algorithm}": has a root of its own, beside which there is no other')
    if not config.formula.has_statistic:
        raise ConfigError(f'norm = "{config.norm}": has no reciprocal square root, whose methods could be compared')
    for name in names:
        if name not in ROOTS:
            raise ConfigError(f"method {shown(name)}: must be one of {', '.join(ROOTS)}")
    own = config.rsqrt
    return [own if name == own.method else RootChoice(name) for name in ROOTS if name in names]


def unit_with(config: NormConfig, choice: RootChoice) -> NormConfig:
    """Return a configuration with a method, and with ``accuracy = "as-is"`` where it could not be planned otherwise.

    Raises
    ------
    ConfigError
        If it cannot be planned even so.
    """
    unit = config.replace(rsqrt=choice)
    try:
        Plan.of(unit)
    except ConfigError:
        unit = unit.replace(accuracy=AS_IS)
        Plan.of(unit)
    return unit


def root_of(unit: NormConfig) -> RootMethod:
    """Return the root of a unit that has one."""
    precision = precision_of(unit)
    assert isinstance(precision, Precision | FloatPrecision | DeferredPrecision)
    return precision.root


def root_alone(unit: NormConfig) -> RootAlone:
    """Return the root of a unit alone, for the same target and clock and as often as the unit needs it."""
    return RootAlone(root_of(unit), unit.device, Plan.of(unit).interval)


def root_facts(config: NormConfig, choice: RootChoice, unit: NormConfig, errors: RootErrors) -> dict[str, Any]:
    """Return everything about a method in a unit as JSON values.

    Parameters
    ----------
    config : NormConfig
        What was asked for.
    choice, unit : RootChoice and NormConfig
        The method, and the same unit with it, see `unit_with`.
    errors : RootErrors
        Of the unit's root.
    """
    plan, root, alone = Plan.of(unit), root_of(unit), root_alone(unit)
    latency = plan.latency(unit.max_length)
    return {
        **method_facts(choice.method),
        "name": choice.method if choice.steps is None else f"{choice.method}:{choice.steps}",
        "chosen": _is_own(config, choice),
        "about": root.about,
        "rho_bits": root.rho_bits,
        "mantissa_bits": root.mantissa_bits,
        "error": {
            "proven": root.relative_error,
            "measured": errors.largest,
            "mantissas": errors.mantissas,
            "every_mantissa": errors.is_every,
        },
        "error_bound_lsb": plan.error_bound if isfinite(plan.error_bound) else None,
        "promise": plan.promise,
        "keeps_promise": None if plan.promise is None else plan.promise != AS_IS,
        **{name: getattr(latency, name) for name in ("L1", "L2", "SS")},
        "interval": plan.interval,
        "multipliers": sum(plan.multipliers.values()),
        "block_rams": sum(plan.block_rams.values()),
        "root": {"cycles": alone.cycles, "multipliers": alone.multipliers, "block_rams": alone.block_rams},
    }


def _is_own(config: NormConfig, choice: RootChoice) -> bool:
    """Whether a choice is the configuration's own, or what its "auto" comes to."""
    if config.rsqrt.method != AUTO:
        return choice == config.rsqrt
    return choice.steps is None and type(root_of(config)) is choice.kind
