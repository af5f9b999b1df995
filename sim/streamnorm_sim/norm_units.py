"""One unit of each norm, all else alike, so that norms can be compared: cycles, area and clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.epsilon_placements import EPSILON_PLACEMENTS
from streamnorm.spec.norms import NORMS
from streamnorm.spec.other_norm import with_norm

from .placed import PlacedUnit, placed_unit
from .spread import spread

__all__ = ["REFERENCE", "NormUnit", "norm_units", "reference_unit"]

REFERENCE = "layernorm"
"""The unit beside which others are looked at."""

_LENGTH = 768
_SHOWN_EPSILON = 0.01
"""Where a placement of epsilon is shown: one that results depend on. Of 1e-12 nothing would be left in the hardware."""


@dataclass(frozen=True)
class NormUnit:
    """A unit that stands for a norm.

    Attributes
    ----------
    name : the norm's, and what is special about the unit: "layernorm, floor"
    norm : its name in ``NORMS``
    keys : those of the configuration that tell it from the norm's plain unit
    """

    name: str
    norm: str
    keys: Mapping[str, Any]

    @cached_property
    def config(self) -> NormConfig:
        """Its configuration.

        Raises
        ------
        ConfigError
            If the norm does not go with the other keys, or needs one that nothing says.
        """
        return with_norm(reference_unit(), self.norm).config.replace(**self.keys)

    @cached_property
    def plan(self) -> Plan | None:
        """Its plan; None where there is no such unit."""
        try:
            return Plan.of(self.config)
        except ConfigError:
            return None

    @property
    def placed(self) -> PlacedUnit | None:
        """What was measured of it, placed alone; None where it was not."""
        return None if self.plan is None else placed_unit(self.config)

    @property
    def said(self) -> dict[str, Any]:
        """Keys that the norm brings or that tell the unit from the norm's plain one."""
        return {**with_norm(reference_unit(), self.norm).chosen, **self.keys}


@cache
def reference_unit() -> NormConfig:
    """The unit of ``examples/bert_int8.toml``: LayerNorm of rows of 768, int8, 8 lanes, gamma and beta per element."""
    return NormConfig(
        name="bert_int8",
        norm=REFERENCE,
        lanes=8,
        max_length=_LENGTH,
        epsilon=1e-12,
        gamma=spread(_LENGTH, 0.85, 0.08, 0.1),
        beta=spread(_LENGTH, -0.03, 0.12, 0.6),
        target="ecp5-85k-6",
        clock_mhz=200,
        input={"format": "int8", "scale": 0.05},
        output={"format": "int8", "scale": 0.08},
    )


def norm_units() -> dict[str, NormUnit]:
    """Return every norm's unit by its name, and behind it those of its variants: placements of epsilon, and a part."""
    units = []
    for norm, about in NORMS.items():
        units.append(NormUnit(norm, norm, {}))
        if norm == REFERENCE:
            units += [
                NormUnit(f"{norm}, {place}", norm, {"epsilon": _SHOWN_EPSILON, "epsilon_placement": place})
                for place in EPSILON_PLACEMENTS
                if place != reference_unit().epsilon_placement
            ]
        if "statistic_length" in about.keys:
            part = {"epsilon": 1e-5, "statistic_length": _LENGTH // 4}
            units.append(NormUnit(f"{norm}, a part", norm, part))
    return {unit.name: unit for unit in units}
