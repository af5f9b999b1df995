"""How lanes end, by what their results are."""

from streamnorm.logic.pipeline import Pipeline
from streamnorm.precision.floating import FloatPrecision, StaticFloatPrecision
from streamnorm.spec.config import NormConfig

from .float_results import FloatResults
from .integer_results import IntegerResults

__all__ = ["results_of"]


def results_of(
    p: Pipeline, config: NormConfig, precision: FloatPrecision | StaticFloatPrecision
) -> FloatResults | IntegerResults:
    """What takes the normalized values of a unit's lanes to results in its output format."""
    ending = precision.ending
    return IntegerResults(p, config, precision) if ending is None else FloatResults(p, config, ending)
