"""What happens to one lane's value, step by step; the steps are put into one block or into several."""

from typing import Any

from amaranth.hdl import Array, Value, signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig

from .affine_steps import AffineSteps
from .result_steps import even_and_saturated, result_ports

__all__ = ["LaneSteps", "lane_ports"]


def lane_ports(config: NormConfig) -> dict[str, Any]:
    """Ports of what takes a beat's differences to its results; see :class:`~streamnorm.units.apply.Apply`."""
    precision, lanes = Precision.of(config), config.lanes
    return {
        "d": In(data.ArrayLayout(signed(precision.ranges.difference_bits), lanes)),
        "scale": In(precision.scale_bits),
        "centre": In(precision.centre_bits),
        "shift": In(max(1, (precision.shift_count - 1).bit_length())),
        **result_ports(config),
    }


class LaneSteps(AffineSteps):
    """Steps 6 and 7 of :class:`~streamnorm.precision.precision.Precision` as logic in a pipeline.

    ``rounded(plus_beta(times_gamma(round_to_output(less_centre(times_scale(d))))))`` is a result; all between
    but z, and q where it is rounded to the output format, is exact.

    Parameters
    ----------
    p : Pipeline, where the logic goes
    config : NormConfig
    """

    def __init__(self, p: Pipeline, config: NormConfig) -> None:
        self._precision = Precision.of(config)
        super().__init__(p, config, self._precision)
        if self._precision.curve is not None:
            # Products one behind the other: tiles stand in few columns, and each has the others about it.
            self._product_distance = self._target.family.block_distance

    def times_scale(self, d: Timed, scale: Timed) -> Timed:
        """``d * RF``, with the fraction bits of KF."""
        p, drop = self._p, self._precision.product_drop
        product = p.multiply(d, scale)
        kept = (
            p.concat(p.constant(0, unsigned(-drop)), product)
            if drop < 0
            else product.bits(min(drop, product.width - 1), product.width)
        )
        return kept.as_signed()

    def less_centre(self, product: Timed, centre: Timed, shift: Timed) -> Timed:
        """``z``."""
        p, precision = self._p, self._precision
        difference = p.add(product, centre, signed(precision.centre_bits), subtract=True, name="difference")
        bits = precision.normalized_bits

        def place(x: Value, s: Value) -> Value:
            starts = [precision.normalize_shift + i * precision.radix for i in range(precision.shift_count)]
            options = [x[start : start + bits] for start in starts]
            options += [options[-1]] * ((1 << len(s)) - len(options))
            return Array(options)[s].as_signed()

        if precision.shift_count == 1:
            return difference.bits(precision.normalize_shift, precision.normalize_shift + bits).as_signed()
        delay = self._target.family.mux * (1.0 if precision.shift_count == 2 else 1.3)
        return p.operate("normalized", delay, [difference, shift], signed(bits), place)

    def curved(self, z: Timed) -> Timed:
        """``u`` of a norm with a curvature, else z as it is."""
        curve = self._precision.curve
        return z if curve is None else curve.build(self._p, z, self._product_distance)

    def round_to_output(self, z: Timed) -> Timed:
        """``q``, where z is rounded to the output format before gamma; else z as it is.

        z counts output steps then, as rho holds the output factor, and has half a step added, as KF holds it: so what
        is left to do in a lane is to look for a tie, and to saturate. Gamma's product is narrower for it.
        """
        precision = self._precision
        if precision.grid is None:
            return z
        low, high, bits = precision.grid.low, precision.grid.high, precision.grid.bits
        parts = self.half_even(z, precision.step_frac_bits, low, high, bits)

        def finish(x: Value, is_tie: Value, out: Value, negative: Value) -> Value:
            return even_and_saturated(x, is_tie, out, negative, low, high, bits)

        return self._p.operate("rounded", self._target.family.lut, parts, signed(bits), finish)
