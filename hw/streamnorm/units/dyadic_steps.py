"""From a normalized value to the result by a dyadic number, as a lane's last steps."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Mux, Value, signed, unsigned

from streamnorm.logic.leading_one import shift_left
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.requantization import Requantization
from streamnorm.precision.stored_words import stored_words
from streamnorm.spec.algorithms.dyadic import MULTIPLIER_BITS
from streamnorm.spec.config import NormConfig

from .result_steps import ResultSteps, even_and_saturated

__all__ = ["DyadicSteps"]


class DyadicSteps(ResultSteps):
    """:class:`~streamnorm.precision.requantization.Requantization` as logic in a pipeline.

    ``rounded(times_dyadic(plus_bias(z)))`` is a result.

    Parameters
    ----------
    p : Pipeline, where the logic goes
    config : NormConfig, whose algorithm is dyadic
    """

    def __init__(self, p: Pipeline, config: NormConfig) -> None:
        super().__init__(p, config)
        self._dyadic = Requantization.of(config)
        self._words = stored_words(config)

    def finish(
        self, component: Any, values: Sequence[Timed], *, parameter_delay: float, distance: float, earliest: int
    ) -> None:
        """From the lanes' values to ``component.y``; as :meth:`AffineSteps.finish`, where beta comes before gamma."""
        p, target = self._p, self._target
        adder = target.adder(self._dyadic.sum_bits)
        meeting = p.meeting_cycle(values[0], adder, target.budget, parameter_delay)
        component.beta_cycle = max(meeting, earliest)
        biases = self.parameter(component, "beta", component.beta_cycle, parameter_delay)
        sums = [self.plus_bias(z, bias) for z, bias in zip(values, biases, strict=True)]
        meeting = p.meeting_cycle(sums[0], 0.0, 0.5 * target.budget, parameter_delay + distance)
        component.gamma_cycle = max(meeting, earliest)
        factors = self.parameter(component, "gamma", component.gamma_cycle, parameter_delay)
        self.give(component, [self.times_dyadic(z, factor) for z, factor in zip(sums, factors, strict=True)])

    def plus_bias(self, z: Timed, bias: Timed | None) -> Timed:
        """``z + bias``; ``bias`` is None where it is a constant."""
        p, dyadic = self._p, self._dyadic
        if bias is None:
            if not dyadic.has_bias:
                return z
            bias = p.constant(int(dyadic.bias[0, 0]), signed(dyadic.bias_bits))
        return p.add(z, bias, signed(dyadic.sum_bits), name="biased")

    def times_dyadic(self, z: Timed, factor: Timed | None) -> Timed:
        """A with what rounds it to even, and the zero point, added; ``factor`` is None where it is a constant."""
        p, dyadic, frac = self._p, self._dyadic, self._dyadic.frac_bits
        if factor is None:
            factor = p.constant(int(self._words["gamma"].values[0, 0]), signed(self._words["gamma"].bits))
        multiplier = factor.bits(0, MULTIPLIER_BITS).as_signed()
        product = p.multiply(z, multiplier)
        if dyadic.shift_max:
            shift = factor.bits(MULTIPLIER_BITS, factor.width)
            product = shift_left(p, self._target, product, shift, dyadic.shift_max, dyadic.product_bits).as_signed()
        zero_point = self._config.output.zero_point
        added = (zero_point << frac) + (1 << (frac - 1)) - 1
        width = max(product.width, added.bit_length() + 1, (-added).bit_length() + 1) + 1
        odd = p.extend(product, max(product.width, frac + 1)).bits(frac, frac + 1)
        # One carry chain: the bit that rounds to even enters through an extra lowest one.
        upper = p.concat(p.constant(1, unsigned(1)), product).as_signed()
        addend = p.concat(odd, p.constant(added, signed(width))).as_signed()
        return p.add(upper, addend, signed(width + 1), name="rounded").bits(1, width + 1).as_signed()

    def rounded(self, a: Timed, keep: Timed) -> Timed:
        """``y``, saturated; 0 if the lane is not kept. A level of logic behind a register: it goes into a memory."""
        p, output, bits, frac = self._p, self._config.output, self._config.output.bits, self._dyadic.frac_bits
        integer = p.extend(a, max(a.width, frac + 1)).as_signed()
        result = p.registered(integer.bits(frac, min(frac + bits, integer.width)).as_signed())
        outside = p.registered(self.outside(integer, frac, output.min, output.max))
        negative = integer.bits(integer.width - 1, integer.width)

        def finish(x: Value, out: Value, below: Value, kept: Value) -> Value:
            chosen = even_and_saturated(x, Const(0, 1), out, below, output.min, output.max, bits)
            return Mux(kept, chosen, 0)

        return p.operate("result", self._target.family.lut, [result, outside, negative, keep], unsigned(bits), finish)
