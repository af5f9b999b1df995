"""The hardware of each algorithm: what stands between a row's moments and its results, a file for each."""

from collections.abc import Callable
from typing import Any, NamedTuple

from streamnorm.spec.architectures import TWO_PASS
from streamnorm.spec.config import NormConfig
from streamnorm.units.apply import Apply
from streamnorm.units.floating.float_absolute_sum import FloatAbsoluteSum
from streamnorm.units.floating.float_apply import FloatApply
from streamnorm.units.floating.float_moments import FloatMoments
from streamnorm.units.floating.float_statistic import FloatStatistic
from streamnorm.units.moments import Moments
from streamnorm.units.scaled_statistic import ScaledMoments, ScaledStatistic
from streamnorm.units.statistic import Statistic

from .i_bert import IBertApply, IBertStatistic
from .i_vit import IVitApply, IVitStatistic
from .int8_search import SearchApply, SearchStatistic
from .q_layernorm_dyadic import DyadicApply
from .shifted import RowMean, ShiftedSquares, ShiftedStatistic

__all__ = ["PARTS", "Parts", "parts_of"]


class Parts(NamedTuple):
    """Classes with the parameters, inputs and attributes of those that stand there by default.

    Attributes
    ----------
    statistic : as `Statistic`
    apply : as `Apply`
    moments : as `Moments`
    sums : as `Moments`; what a unit of two passes adds up in the first one. None: n and S1
    squares : as `AbsoluteSum`; what it adds up in the second one. None: what the norm has, of integers
    two_pass : the parts of a unit of two passes, where they are others
    """

    statistic: Any
    apply: Callable[..., Any]
    sums: Callable[..., Any] | None = None
    squares: Callable[..., Any] | None = None
    two_pass: "Parts | None" = None
    moments: Callable[..., Any] = Moments


PARTS: dict[str, Parts] = {
    "streamnorm": Parts(Statistic, Apply),
    "i-bert": Parts(
        IBertStatistic, IBertApply, two_pass=Parts(ShiftedStatistic, IBertApply, sums=RowMean, squares=ShiftedSquares)
    ),
    "i-vit": Parts(IVitStatistic, IVitApply),
    "q-layernorm-dyadic": Parts(Statistic, DyadicApply),
    "int8-search": Parts(SearchStatistic, SearchApply),
}
"""The parts of each of :data:`~streamnorm.spec.algorithms.ALGORITHMS`."""


FLOATING = Parts(
    FloatStatistic,
    FloatApply,
    moments=FloatMoments,
    two_pass=Parts(FloatStatistic, FloatApply, sums=FloatMoments, squares=FloatAbsoluteSum),
)
"""The parts of units whose elements are floats."""

FLOAT_RESULTS = Parts(FloatStatistic, FloatApply)
"""The parts of units whose elements are integers, and whose results are floats."""


SCALED_ROWS = Parts(ScaledStatistic, Apply, moments=ScaledMoments)
"""The parts of units whose rows bring their scale."""


def parts_of(config: NormConfig) -> Parts:
    """The parts of a configuration's algorithm, in its arithmetic and its architecture."""
    if config.input_scale is not None:
        return SCALED_ROWS
    floats = FLOATING if config.input.is_float else FLOAT_RESULTS
    parts = floats if config.is_floating else PARTS[config.algorithm]
    return parts if config.architecture != TWO_PASS or parts.two_pass is None else parts.two_pass
