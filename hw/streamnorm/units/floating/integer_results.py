"""How lanes end whose elements are floating-point numbers and whose results are integers."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Mux, Value, unsigned

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.floating import FloatPrecision
from streamnorm.spec.config import NormConfig
from streamnorm.units.affine_steps import AffineSteps
from streamnorm.units.result_steps import even_and_saturated

from .beat_end import end_beat, kept_lanes
from .float_lane import LaneValue

__all__ = ["IntegerResults"]


class IntegerResults(AffineSteps):
    """Step 7 of :class:`~streamnorm.precision.precision.Precision` with a NaN, which becomes the zero point.

    Parameters
    ----------
    p : Pipeline, where the logic goes
    config : NormConfig, with integer output
    """

    def __init__(self, p: Pipeline, config: NormConfig) -> None:
        super().__init__(p, config, FloatPrecision.of(config))
        self._lanes: Sequence[LaneValue] = ()

    def finish(  # type: ignore[override]
        self, component: Any, lanes: Sequence[LaneValue], *, parameter_delay: float, distance: float, earliest: int
    ) -> None:
        """From the lanes' values to ``component.y``, as `AffineSteps.finish`."""
        self._lanes = lanes
        super().finish(
            component, [lane.z for lane in lanes], parameter_delay=parameter_delay, distance=distance, earliest=earliest
        )

    def give(self, component: Any, sums: Sequence[Timed]) -> None:
        lanes = self._lanes
        keep = kept_lanes(self._p, component, sums[0].cycle)
        found = [self._result(*each) for each in zip(sums, lanes, keep, strict=True)]
        flags = {"nan": [lane.is_nan for lane in lanes], "infinite": [lane.is_infinite for lane in lanes]}
        results, overflows = zip(*found, strict=True)
        end_beat(self._p, component, results, overflows, flags)

    def _result(self, a: Timed, lane: LaneValue, keep: Timed) -> tuple[Timed, Timed]:
        """The result of a lane's sum, 0 where it is not kept, and whether it is saturated."""
        p, output, bits = self._p, self._config.output, self._config.output.bits
        parts = self.half_even(a, self._lane.result_frac_bits, output.min, output.max, bits)
        lut = self._target.family.lut
        special = [lane.gives_nan, keep]
        is_other = p.registered(p.operate("is_other", lut, special, unsigned(1), lambda nan, kept: nan | ~kept))

        def finish(x: Value, is_tie: Value, out: Value, negative: Value, other: Value, kept: Value) -> Value:
            chosen = even_and_saturated(x, is_tie, out, negative, output.min, output.max, bits)
            return Mux(other, Mux(kept, Const(output.zero_point, bits), 0), chosen)

        inputs = [*parts, is_other, p.registered(keep)]
        chosen = p.operate("result", 1.5 * lut, inputs, unsigned(bits), finish)
        overflow = p.operate("saturated", lut, [parts[2], is_other], unsigned(1), lambda out, other: out & ~other)
        return chosen, overflow
