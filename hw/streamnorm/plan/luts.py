"""How many LUTs a unit will take, estimated from its plan: a sum of few terms, fitted to synthesized units.

``tools/lut_figures.py`` synthesizes the units of its list, fits the terms and tells how far off each estimate is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamnorm.precision.automatic_root import RootCost
from streamnorm.precision.floating import FloatPrecision, StaticFloatPrecision
from streamnorm.precision.precision import Precision
from streamnorm.precision.static import StaticPrecision
from streamnorm.spec.algorithms import OWN_ALGORITHM
from streamnorm.spec.architectures import ONE_PASS, STATIC
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.root_choice import RootChoice
from streamnorm.spec.tanh_table import MagnitudeTable
from streamnorm.spec.targets import TARGETS
from streamnorm.units.parameter_words import parameter_words

if TYPE_CHECKING:
    from .plan import Plan

__all__ = ["LUT_ERROR", "LUT_MODELS", "LutModel", "estimated_luts", "kind_of"]

LUT_ERROR = 0.25
"""How far an estimate may be off, relative to what synthesis makes of the unit. Those measured keep to 0.18."""


@dataclass(frozen=True)
class LutModel:
    """How the LUTs of units of one kind are estimated.

    Attributes
    ----------
    terms : what makes such a unit large, by name
    luts : by the primitives of a target: LUTs for each of some terms; on iCE40 logic cells. None are estimated where
        there are none
    """

    terms: "Callable[[Plan], Mapping[str, float]]"
    luts: Mapping[str, Mapping[str, float]]


def _one_pass_terms(plan: "Plan") -> dict[str, float]:
    """Bits of the unit's values, bits by bits of products, multipliers, pipeline stages."""
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


def _static_terms(plan: "Plan") -> dict[str, float]:
    """What every unit has, and has for loads; bits in the output queue, of results, of polynomials, and of gamma and
    beta where a lane's are picked; bits by bits of products, multipliers; pipeline stages, and bits of results in them.
    """
    config, precision, stored = plan.config, plan.precision, StoredParameters.of(plan.config)
    assert isinstance(precision, StaticPrecision)
    lanes, table = config.lanes, precision.table
    # A gamma that is the same everywhere is built into the logic: only its own bits count.
    gamma = int(stored.gamma[0, 0]).bit_length() if stored.gamma_is_constant else stored.gamma_bits
    polynomials = table.table if isinstance(table, MagnitudeTable) else None
    widths = () if polynomials is None else polynomials.widths
    results = lanes * (precision.normalized_bits + gamma)
    return {
        "unit": 1,
        "loads": config.parameters_are_loaded,
        "queue": plan.output_entries * (lanes * (_varying_bits(config, precision, stored) + 1) + 2),
        "results": results,
        "polynomials": lanes * (precision.difference_bits + sum(widths)) if widths else 0,
        "picked": lanes * (stored.gamma_bits + stored.beta_bits) if parameter_words(config).memory_cycles else 0,
        "multipliers": sum(plan.multipliers.values()),
        "products": 0 if stored.gamma_is_constant else lanes * precision.normalized_bits * gamma,
        "products of polynomials": 0 if polynomials is None else lanes * polynomials.t_bits * sum(widths[1:]),
        "stages": plan.latency_cycles,
        "stages of results": plan.latency_cycles * results,
    }


def _varying_bits(config: NormConfig, precision: StaticPrecision, stored: StoredParameters) -> int:
    """Bits of a result but for those at its low end that are the same in all: where everything is multiplied by one
    number, and that ends with zeros."""
    if not (stored.gamma_is_constant and stored.beta_is_constant):
        return config.output.bits
    gamma = int(stored.gamma[0, 0])
    zeros = (gamma & -gamma).bit_length() - 1 + precision.gamma_align - precision.result_frac_bits
    return config.output.bits - max(zeros, 0)


def _float_terms(plan: "Plan") -> dict[str, float]:
    """What lanes take whose elements or results are floats, and the multipliers: bits that are moved by a shifter, each
    counted once for each of its levels, to take z apart or to its binary point, and to add and round."""
    precision, lanes = plan.precision, plan.config.lanes
    assert isinstance(precision, FloatPrecision | StaticFloatPrecision)
    ending = precision.ending
    ended = 0.0
    if ending is not None:
        ended = _moved(ending.sum_bits) * (3 if ending.beta_bits else 1)
    return {
        "values": lanes * (precision.elements.mantissa_bits + _moved(precision.normalized_bits)),
        "results": lanes * ended,
        "multipliers": sum(plan.multipliers.values()),
    }


def _moved(bits: int) -> int:
    """What a shifter of so many bits takes that moves them by as many places."""
    return bits * bits.bit_length()


def _one_pass_float_terms(plan: "Plan") -> dict[str, float]:
    """Bits of the statistic and of what a row's sums take, and what lanes do."""
    config, precision = plan.config, plan.precision
    assert isinstance(precision, FloatPrecision)
    sums = precision.sums
    return {
        "statistic": precision.variance_bits + precision.variance_frac_bits,
        "sums": 0.0 if sums is None else sums.cost(config.formula, config.lanes, config.max_length),
        **_float_terms(plan),
    }


def _static_float_terms(plan: "Plan") -> dict[str, float]:
    """Bits in the output queue, and what lanes do."""
    return {
        "queue": plan.output_entries * (plan.config.lanes * (plan.config.output.bits + 1) + 2),
        **_float_terms(plan),
    }


_FLOATS = ", floating point"


def kind_of(plan: "Plan") -> str:
    """Of which of :data:`LUT_MODELS` a unit is, if there is one: what its report calls its architecture, and whether
    it is for floating point."""
    return plan.report.architecture + (_FLOATS if plan.config.is_floating else "")


LUT_MODELS: Mapping[str, LutModel] = {
    ONE_PASS: LutModel(
        _one_pass_terms,
        {
            "ecp5": {"statistic": 19.3, "elements": 9.04, "elements of a norm with a mean": 5.31, "multipliers": 18.9},
            "ice40": {
                **{"statistic of a norm with a mean": 25.4, "products of the statistic": 0.725},
                **{"products": 2.25, "stages": 31.1},
            },
        },
    ),
    STATIC: LutModel(
        _static_terms,
        {
            "ecp5": {
                **{"unit": 82.7, "loads": 81.0, "queue": 0.218, "results": 0.748},
                **{"polynomials": 1.13, "multipliers": 17.5, "picked": 1.12},
            },
            "ice40": {
                **{"stages": 26.2, "stages of results": 0.59},
                **{"products": 2.06, "products of polynomials": 2.27},
            },
        },
    ),
    ONE_PASS + _FLOATS: LutModel(_one_pass_float_terms, {}),
    STATIC + _FLOATS: LutModel(_static_float_terms, {}),
}
"""By :func:`kind_of`."""


_LUTS_OF_A_ROW = 15
"""Of each row more that may be on its way, where its queues are LUTs."""


def _with_another_root(plan: "Plan", precision: Precision) -> int | None:
    """The estimate of the same unit with the default root, and what the other one and its longer way take besides."""
    default = plan.of(plan.config.replace(rsqrt=RootChoice()))
    luts = estimated_luts(default)
    if luts is None:
        return None
    assert isinstance(default.precision, Precision)
    own = RootCost.of(plan.config, precision.root)
    other = RootCost.of(default.config, default.precision.root)
    if not plan.config.device.family.lut_ram:
        return luts + own.cells - other.cells
    return luts + own.logic_bits - other.logic_bits + _LUTS_OF_A_ROW * (plan.row_slots - default.row_slots)


def estimated_luts(plan: "Plan") -> int | None:
    """LUTs of the unit (iCE40: logic cells), right within `LUT_ERROR`; None where no such unit was measured."""
    if plan.config.side_inputs or plan.config.side_outputs:
        return None
    if plan.config.rsqrt != RootChoice():
        return _with_another_root(plan, plan.precision) if isinstance(plan.precision, Precision) else None
    model = LUT_MODELS.get(kind_of(plan)) if plan.config.algorithm == OWN_ALGORITHM else None
    luts = None if model is None else model.luts.get(TARGETS[plan.config.target].primitives)
    if model is None or luts is None:
        return None
    terms = model.terms(plan)
    return round(sum(each * terms[name] for name, each in luts.items()))
