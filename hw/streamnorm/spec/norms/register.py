"""Entering a norm that does not come along: one of a user's own."""

import re

from streamnorm.errors import ConfigError
from streamnorm.spec.values import shown

from . import NORMS
from .norm import Norm

__all__ = ["register"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def register(norm: Norm) -> None:
    """Enter a norm in :data:`~streamnorm.spec.norms.NORMS`, for as long as this process runs.

    From then on a configuration may name it, and it is planned and generated as any other. What it says of itself is
    believed: a limit that does not hold makes a unit that is too narrow. ``streamnorm_sim.reference.register`` enters
    its exact formula, too.

    Raises
    ------
    ConfigError
        If it is no object of a class derived from Norm, or lacks one of Norm's attributes; if its name is none of small
        letters, digits and _, or there is a norm of that name or title; if it takes keys that no norm takes yet, or
        its attributes together make no V.
    """
    if not isinstance(norm, Norm):
        raise ConfigError(f"norm {shown(norm)}: must be an object of a class that is derived from Norm")
    missing = [name for name in Norm.__annotations__ if not hasattr(norm, name)]
    if missing:
        raise ConfigError(f"norm {shown(norm)}: has no {', '.join(missing)}; see Norm for what each of them says")
    if not isinstance(norm.name, str) or not _NAME.fullmatch(norm.name):
        raise ConfigError(f"norm {shown(norm.name)}: its name must be a letter, then letters, digits and _, all small")
    if norm.name in NORMS:
        raise ConfigError(f"norm {norm.name!r}: there is one of that name; those there are: {', '.join(NORMS)}")
    if twin := next((one for one in NORMS.values() if one.title == norm.title), None):
        raise ConfigError(f"norm {norm.name!r}: title = {shown(norm.title)} is that of {twin.name}; choose another")
    known = {key for one in NORMS.values() for key in one.keys}
    if unknown := sorted(set(norm.keys) - known):
        raise ConfigError(
            f"norm {norm.name!r}: keys has {', '.join(map(shown, unknown))}, which no norm takes; "
            f"allowed: {', '.join(sorted(known))}"
        )
    if why := _why_no_formula(norm):
        raise ConfigError(f"norm {norm.name!r}: {why}")
    NORMS[norm.name] = norm


def _why_no_formula(norm: Norm) -> str | None:
    """Attributes that exclude each other: V would depend on the pivot, or there is no hardware for it."""
    if not norm.has_statistic:
        return "has_squares = False: must be True, or centred; there is no hardware for other norms without a statistic"
    if norm.counts_steps:
        return "counts_steps = True: does not go with a statistic"
    if norm.weight_offset < 0:
        return f"weight_offset = {norm.weight_offset}: must be at least 0"
    if norm.has_squared_sum and not norm.has_squares:
        return "has_squared_sum: goes with has_squares only"
    if norm.has_weight_root and norm.has_unit_weight:
        return "has_weight_root = True: does not go with has_unit_weight; the root of 1 is 1"
    if norm.has_absolute_sum and not (norm.centred and norm.placement == "root" and not norm.has_squares):
        return 'has_absolute_sum: goes with centred, has_squares = False and placement = "root" only'
    if norm.centred:
        for name in ("has_squared_sum", "has_weight_root", "has_unit_weight", "weight_offset", "statistic_length"):
            if value := getattr(norm, name):
                return f"{name} = {value}: does not go with centred; a mean is that of all elements, each as it is"
    return None
