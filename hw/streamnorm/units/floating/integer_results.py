"""How lanes end whose elements are floating-point numbers and whose results are integers."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Mux, Value, unsigned

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.lane import LanePrecision
from streamnorm.spec.config import NormConfig
from streamnorm.units.affine_steps import AffineSteps
from streamnorm.units.result_steps import even_and_saturated

from .beat_end import end_beat, kept_lanes
from .float_lane import LaneValue

__all__ = ["IntegerResults"]

_NO = Const(0, 1)


class IntegerResults(AffineSteps):
    """Step 7 of :class:`~streamnorm.precision.precision.Precision` with a NaN, which becomes the zero point.

    Where z is infinite, Z is so large that it saturates with any gamma but 0, which makes a NaN of it.

    Parameters
    ----------
    p : Pipeline, where the logic goes
    config : NormConfig, with integer output
    precision : widths and binary points of a lane
    """

    def __init__(self, p: Pipeline, config: NormConfig, precision: LanePrecision) -> None:
        super().__init__(p, config, precision)
        self._lanes: Sequence[LaneValue] = ()
        self._zero_gammas: list[Timed] = []

    def finish(  # type: ignore[override]
        self, component: Any, lanes: Sequence[LaneValue], *, parameter_delay: float, distance: float, earliest: int
    ) -> None:
        """From the lanes' values to ``component.y``, as `AffineSteps.finish`."""
        self._lanes = lanes
        super().finish(
            component, [lane.z for lane in lanes], parameter_delay=parameter_delay, distance=distance, earliest=earliest
        )

    def times_gamma(self, z: Timed, gamma: Timed | None) -> Timed:
        p, stored = self._p, self._parameters
        is_zero = p.constant(int(stored.gamma[0, 0] == 0), unsigned(1))
        if gamma is not None:
            is_zero = p.operate("no_gamma", self._target.logic(gamma.width), [gamma], unsigned(1), lambda x: ~x.any())
        self._zero_gammas.append(is_zero)
        return super().times_gamma(z, gamma)

    def give(self, component: Any, sums: Sequence[Timed]) -> None:
        lanes = self._lanes
        keep = kept_lanes(self._p, component, sums[0].cycle)
        found = [self._result(*each) for each in zip(sums, lanes, self._zero_gammas, keep, strict=True)]
        results, overflows = zip(*found, strict=True)
        end_beat(self._p, component, results, overflows, lanes)

    def _result(self, a: Timed, lane: LaneValue, zero_gamma: Timed, keep: Timed) -> tuple[Timed, Timed]:
        """The result of a lane's sum, 0 where it is not kept, and whether it is saturated."""
        p, output, bits = self._p, self._config.output, self._config.output.bits
        parts = self.half_even(a, self._lane.result_frac_bits, output.min, output.max, bits)
        lut = self._target.family.lut
        special, is_infinite = [lane.gives_nan, keep], lane.gives_infinity
        may_be_infinite = not isinstance(is_infinite.value, Const)
        if may_be_infinite:
            special += [is_infinite, zero_gamma]

        def no_number(nan: Value, kept: Value, infinite: Value = _NO, no_gamma: Value = _NO) -> Value:
            return nan | ~kept | (infinite & no_gamma)

        is_other = p.registered(p.operate("is_other", lut, special, unsigned(1), no_number))

        def finish(x: Value, is_tie: Value, out: Value, negative: Value, other: Value, kept: Value) -> Value:
            chosen = even_and_saturated(x, is_tie, out, negative, output.min, output.max, bits)
            return Mux(other, Mux(kept, Const(output.zero_point, bits), 0), chosen)

        inputs = [*parts, is_other, p.registered(keep)]
        chosen = p.operate("result", 1.5 * lut, inputs, unsigned(bits), finish)
        causes = [parts[2], is_other, *([is_infinite] if may_be_infinite else [])]

        def saturates(out: Value, other: Value, infinite: Value = _NO) -> Value:
            return out & ~other & ~infinite

        return chosen, p.operate("saturated", lut, causes, unsigned(1), saturates)
