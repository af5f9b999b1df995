"""How many LUTs a unit will take, estimated from its plan: a sum of few terms, fitted to synthesized units.

``tools/lut_figures.py`` synthesizes the units of its list, fits the terms and tells how far off each estimate is.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from streamnorm.precision.precision import Precision
from streamnorm.spec.architectures import ONE_PASS
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.targets import TARGETS

if TYPE_CHECKING:
    from .plan import Plan

__all__ = ["LUT_ERROR", "LUT_MODELS", "estimated_luts", "lut_terms"]

LUT_ERROR = 0.25
"""How far an estimate may be off, relative to what synthesis makes of the unit. Those measured keep to 0.18."""

LUT_MODELS: Mapping[str, Mapping[str, float]] = {
    "ecp5": {"statistic": 19.3, "elements": 9.04, "elements of a norm with a mean": 5.31, "multipliers": 18.9},
    "ice40": {
        **{"statistic of a norm with a mean": 25.4, "products of the statistic": 0.725},
        **{"products": 2.25, "stages": 31.1},
    },
}
"""By the primitives of a target: LUTs for each of what `lut_terms` counts; on iCE40 logic cells."""


def lut_terms(plan: "Plan") -> dict[str, float]:
    """Return what makes a unit large: bits of its values, bits by bits of products, multipliers, pipeline stages."""
    config, precision, stored = plan.config, plan.precision, StoredParameters.of(plan.config)
    assert isinstance(precision, Precision)
    element = precision.ranges.difference_bits
    elements = config.lanes * element
    statistic = precision.variance_bits + precision.variance_frac_bits
    gamma = 0 if stored.gamma_is_constant and stored.beta_is_constant else stored.gamma_bits
    centred = config.formula.centred
    return {
        "statistic": statistic,
        "statistic of a norm with a mean": statistic if centred else 0,
        "products of the statistic": statistic**2 if plan.interval == 1 else 0,
        "elements": elements,
        "elements of a norm with a mean": elements if centred else 0,
        "products": config.lanes
        * (element**2 / 2 + (element + 2) * precision.scale_bits + precision.multiplied_bits * gamma),
        "multipliers": sum(plan.multipliers.values()),
        "stages": plan.latency_cycles,
    }


def estimated_luts(plan: "Plan") -> int | None:
    """LUTs of the unit (iCE40: logic cells), right within `LUT_ERROR`; None where no such unit was measured."""
    model = LUT_MODELS.get(TARGETS[plan.config.target].primitives)
    if model is None or plan.report.architecture != ONE_PASS:
        return None
    terms = lut_terms(plan)
    return round(sum(luts * terms[name] for name, luts in model.items()))
