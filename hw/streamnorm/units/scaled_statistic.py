"""The statistic of rows that bring their scale: what follows from the scale goes beside the moments."""

from collections.abc import Mapping
from typing import Any

from amaranth.lib.wiring import In, Out

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.epsilon_placements import RowVariancePlacement

from . import ingest
from .moments import Moments
from .statistic import Statistic
from .streams import element_shape
from .timed_moments import TimedMoments

__all__ = ["ScaledMoments", "ScaledStatistic"]


class ScaledMoments(Moments):
    """Moments, and as one of them what follows from the scale of the row, whose code comes in with every beat.

    Members
    -------
    row_code : In, with the beat as it is taken in, so earlier than its lanes
    scaled : Out; see :meth:`~streamnorm.spec.epsilon_placements.row_variance.RowVariancePlacement.build_scaled`

    Attributes
    ----------
    block_rams : of tables
    """

    names = (*Moments.names, "scaled")

    @staticmethod
    def members(config: NormConfig) -> Mapping[str, Any]:
        assert config.input_scale is not None
        shape = element_shape(config.input_scale.code_format)
        return {"row_code": In(shape), "scaled": Out(RowVariancePlacement.scaled_bits(Precision.of(config)))}

    def __init__(self, config: NormConfig, **keys: Any) -> None:
        super().__init__(config, **keys)
        placement = config.placement
        assert isinstance(placement, RowVariancePlacement)
        p = Pipeline(self._m, config.device, "scale")
        scaled = placement.build_scaled(p, Precision.of(config), p.input(self.row_code, -ingest.LATENCY))
        self.scaled_cycle = scaled.cycle
        p.drive(self.scaled, scaled)
        self.multipliers += p.multipliers
        self.block_rams = p.block_rams


class ScaledStatistic(Statistic):
    """The same with epsilon in squared steps of the row, and z of 0 where the row has no scale.

    Members
    -------
    scaled : In, that of :class:`ScaledMoments`
    """

    _of_variance = "n S2 - S1² and epsilon over the square of the row's scale"

    def __init__(self, config: NormConfig, moments: ScaledMoments, **keys: Any) -> None:
        super().__init__(config, moments, **keys)
        self.block_rams += moments.block_rams
        self.tables = {"statistic tables": self.block_rams}

    @staticmethod
    def members(moments: Any) -> Mapping[str, Any]:
        return {"scaled": In(moments.scaled.shape())}

    def _take(self, cycles: tuple[int, ...], delays: Mapping[str, float]) -> None:
        self._scaled = self._p.input(self.scaled, cycles[3], delays.get("scaled", 0.0))

    def _moments_of(self, *terms: Timed | None) -> TimedMoments:
        return TimedMoments(*terms, scaled=self._scaled)

    def _reciprocal_root(self, variance: Timed) -> tuple[Timed, Timed]:
        p = self._p
        rho, half_position = super()._reciprocal_root(variance)
        vanishes = RowVariancePlacement.vanishes_of(self._scaled)
        return p.operate(
            "seen", p.target.family.lut, [rho, vanishes], rho.value.shape(), lambda x, none: x & ~none.replicate(len(x))
        ), half_position
