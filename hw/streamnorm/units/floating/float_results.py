"""How lanes end whose results are floating-point numbers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from amaranth.hdl import Cat, Const, Mux, Value, signed, unsigned

from streamnorm.logic.floating.decode import DecodedFloat, decoded
from streamnorm.logic.floating.exponent import Exponent, constant_exponent, exponent_sum, shape_between
from streamnorm.logic.floating.rounding import RoundedFloat, rounded
from streamnorm.logic.floating.side_by_side import Placed, field_of, product_field, side_by_side
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.floating.float_ending import FloatEnding
from streamnorm.spec.config import NormConfig
from streamnorm.spec.stored_floats import StoredFloats

from .beat_end import end_beat, kept_lanes
from .float_lane import LaneValue

__all__ = ["FloatResults"]

_EARLIER = 4
"""Cycles before z in which gamma and beta come: their exponents are set side by side while z is multiplied."""


class FloatResults:
    """:class:`~streamnorm.precision.floating.float_ending.FloatEnding` as logic in a pipeline.

    Parameters
    ----------
    p : Pipeline, where the logic goes
    config : NormConfig, with floating-point output
    ending : FloatEnding
    """

    def __init__(self, p: Pipeline, config: NormConfig, ending: FloatEnding) -> None:
        self._p, self._config, self._target = p, config, config.device
        self._ending = ending
        self._stored = StoredFloats.of(config)

    def finish(
        self, component: Any, lanes: Sequence[LaneValue], *, parameter_delay: float, distance: float, earliest: int
    ) -> None:
        """From the lanes' values to ``component.y`` and its flags, as `AffineSteps.finish`."""
        p, target = self._p, self._target
        if self._ending.rounds_first:
            lanes = [self._rounded_first(lane) for lane in lanes]
        meeting = p.meeting_cycle(lanes[0].z, 0.0, 0.5 * target.budget, 0.0)
        component.gamma_cycle = max(meeting - _EARLIER, earliest, 0)
        component.beta_cycle = component.gamma_cycle
        gammas, betas = (
            self._parameters(component, name, getattr(component, f"{name}_cycle"), parameter_delay)
            for name in ("gamma", "beta")
        )
        found = [self._result(*each) for each in zip(lanes, gammas, betas, strict=True)]
        cycle = min(max(other.cycle for other in each.others) for each in found)
        kept = kept_lanes(p, component, max(cycle, 0))
        ends = [self._chosen(*each) for each in zip(found, kept, strict=True)]
        codes, overflows = zip(*ends, strict=True)
        end_beat(p, component, codes, overflows, lanes)

    def _parameters(self, component: Any, name: str, cycle: int, delay: float) -> list[DecodedFloat | None]:
        """Gamma or beta of each lane; None where there is none."""
        p, ending, stored = self._p, self._ending, self._stored
        lanes = range(self._config.lanes)
        if not getattr(ending, f"{name}_bits"):
            return [None for _ in lanes]
        port = getattr(component, name, None)
        if port is not None:
            codes = [p.input(port[lane], cycle, delay) for lane in lanes]
            return [self._narrowed(decoded(p, stored.format, code), getattr(stored, name)) for code in codes]
        parts = stored.format.parts(getattr(stored, name)[0, 0])
        constant = DecodedFloat(
            negative=p.constant(int(parts.negative), unsigned(1)),
            mantissa=p.constant(int(parts.mantissa), unsigned(stored.format.precision)),
            exponent=constant_exponent(p, int(parts.binade)),
            is_zero=p.constant(int(parts.mantissa == 0), unsigned(1)),
            is_nan=p.constant(0, unsigned(1)),
            is_infinite=p.constant(0, unsigned(1)),
        )
        return [constant for _ in lanes]

    def _narrowed(self, parameter: DecodedFloat, stored: Any) -> DecodedFloat:
        """The parameter with what is known of its stored values, where none is loaded: 0 is in the lowest binade that
        others are in."""
        p, parts = self._p, self._stored.format.parts(stored)
        is_number = parts.mantissa > 0
        if not self._config.parameters_are_known or not is_number.any():
            return parameter
        exponent, is_zero = parameter.exponent, p.constant(0, unsigned(1))
        low, high = (int(of(parts.binade[is_number])) for of in (min, max))
        if not is_number.all():
            is_zero = p.registered(parameter.is_zero)
            lowest = low - exponent.offset

            def counted(x: Value, none: Value) -> Value:
                return Mux(none, lowest, x)

            inputs, shape = [exponent.value, is_zero], shape_between(lowest, high - exponent.offset)
            value = p.registered(p.operate("counted", self._target.family.lut, inputs, shape, counted))
            exponent = replace(exponent, value=value)
        return replace(parameter, exponent=replace(exponent, low=low, high=high), is_zero=is_zero)

    def _result(self, lane: LaneValue, gamma: DecodedFloat | None, beta: DecodedFloat | None) -> "_Found":
        """A lane's result."""
        p, ending, lut = self._p, self._ending, self._target.family.lut
        z, sign, element_sign = lane.z, lane.negative, lane.element_negative
        is_zero = p.operate("z_zero", self._target.logic(z.width), [z], unsigned(1), lambda x: ~x.any())
        exponent = Exponent.of(lane.exponent, lane.exponent_offset + ending.gamma_exponent)
        zeros_max = None if ending.z_is_signed or ending.rounds_first else 2
        if gamma is not None:
            exponent = exponent_sum(p, gamma.exponent, exponent)
            sign = p.operate("sign", lut, [sign, gamma.negative], unsigned(1), lambda x, y: x ^ y)
            element_sign = p.operate("far_sign", lut, [element_sign, gamma.negative], unsigned(1), lambda x, y: x ^ y)
            is_zero = p.operate("product_zero", lut, [is_zero, gamma.is_zero], unsigned(1), lambda x, y: x | y)
            zeros_max = None if zeros_max is None or self._has_small_gamma else zeros_max + 1
        # A gamma of 0 leaves a product without a sign.
        may_vanish = gamma is not None and z.signed and not _is_never(gamma.is_zero)
        z_negative = z.bits(z.width - 1, z.width) if may_vanish else None
        if beta is not None:
            of_zero = sign
            if z_negative is not None:
                of_zero = p.operate("zero_sign", lut, [sign, z_negative], unsigned(1), lambda x, y: x ^ y)
            return self._with_beta(lane, gamma, beta, exponent, is_zero, sign, of_zero, element_sign)
        product = z if gamma is None else p.multiply(z, gamma.mantissa)
        if product.signed:
            top = product.bits(product.width - 1, product.width) if z_negative is None else z_negative
            sign = p.operate("negative", lut, [sign, top], unsigned(1), lambda x, y: x ^ y)
        found = rounded(p, ending.output, p.registered(product), exponent, zeros_max=zeros_max)
        return self._with_special(lane, gamma, beta, found, sign, element_sign)

    def _rounded_first(self, lane: LaneValue) -> LaneValue:
        """The lane with its z rounded to the output format, or to its largest number."""
        p, output, lut = self._p, self._ending.output, self._target.family.lut
        negative = lane.z.bits(lane.z.width - 1, lane.z.width) if lane.z.signed else lane.negative
        least = -output.scale_exponent
        found = rounded(p, output, p.registered(lane.z), Exponent.of(lane.exponent, lane.exponent_offset + least))

        def limit(x: Value, beyond: Value) -> Value:
            return Mux(beyond, Const(output.code_of_largest, len(x)), x)

        code = p.operate("limited", lut, [found.code, found.overflows], found.code.value.shape(), limit)
        parts = decoded(p, output, p.concat(p.registered(code), p.constant(0, unsigned(1))))
        return replace(
            lane,
            z=parts.mantissa,
            exponent=parts.exponent.value,
            exponent_offset=parts.exponent.offset - least,
            negative=negative,
        )

    def _with_beta(
        self,
        lane: LaneValue,
        gamma: DecodedFloat | None,
        beta: DecodedFloat,
        exponent: Exponent,
        is_zero: Timed,
        sign: Timed,
        zero_sign: Timed,
        element_sign: Timed,
    ) -> "_Found":
        """The same where beta is added to the product, of that exponent and sign, and sign if it is 0."""
        p, ending, lut, bits = self._p, self._ending, self._target.family.lut, self._ending.sum_bits
        beta_top = beta.exponent.moved(ending.beta_exponent + ending.beta_bits)
        # The top of a beta of 0 may count if what is cut below it still is less than a quarter of the smallest number.
        may_count = beta_top.low <= bits - 2 or isinstance(beta.is_zero.value, Const)
        grid = side_by_side(
            p,
            Placed(exponent.moved(ending.product_bits), ending.product_bits, is_zero),
            Placed(beta_top, ending.beta_bits, beta.is_zero, zero_is_lowest=may_count),
            bits,
            ending.output.fraction_bits,
        )
        if gamma is None:
            a = field_of(p, lane.z, grid.a_down, bits, sticky=ending.is_sticky)
        else:
            a = product_field(p, lane.z, gamma.mantissa, grid.a_down, bits, sticky=ending.is_sticky)
        b = field_of(p, beta.mantissa, grid.b_down, bits, sticky=ending.is_sticky)
        apart = p.registered(p.operate("apart", lut, [sign, beta.negative], unsigned(1), lambda x, y: x ^ y))
        total = p.add_or_subtract(a, b, apart, signed(bits + 2), name="total")
        found = rounded(p, ending.output, total, grid.top.moved(-bits))

        def is_negative(
            x: Value, none: Value, s: Value, b_negative: Value, a_zero: Value, b_zero: Value, *of_zero: Value
        ) -> Value:
            of_nothing = Mux(a_zero, b_negative & ((*of_zero, s)[0] | ~b_zero), s & b_zero)
            return Mux(none, of_nothing, s ^ x)

        top_bit = total.bits(total.width - 1, total.width)
        inputs = [top_bit, p.registered(found.is_zero), sign, beta.negative, is_zero, beta.is_zero]
        inputs += [] if zero_sign is sign else [zero_sign]
        negative = p.operate("negative", 2 * lut, inputs, unsigned(1), is_negative)
        return self._with_special(lane, gamma, beta, found, negative, element_sign)

    def _with_special(
        self,
        lane: LaneValue,
        gamma: DecodedFloat | None,
        beta: DecodedFloat | None,
        found: RoundedFloat,
        is_negative: Timed,
        element_sign: Timed,
    ) -> "_Found":
        """What was rounded, and what tells of special values."""
        p, lut = self._p, self._target.family.lut
        nans = [lane.gives_nan]
        if not self._config.parameters_are_known:
            for parameter in (gamma, beta):
                if parameter is not None:
                    nans += [parameter.is_nan, parameter.is_infinite]
        if gamma is not None and not isinstance(lane.gives_infinity.value, Const):
            both = [lane.gives_infinity, gamma.is_zero]
            nans.append(p.operate("zero_times_infinity", lut, both, unsigned(1), lambda x, y: x & y))
        plain = [nan for nan in nans if not isinstance(nan.value, Const)]
        is_nan = p.constant(0, unsigned(1))
        if plain:
            is_nan = p.registered(p.operate("is_nan", lut * 1.4, plain, unsigned(1), lambda *x: Cat(*x).any()))
        return _Found(found, is_negative, element_sign, is_nan, lane.gives_infinity)

    def _chosen(self, found: "_Found", kept: Timed) -> tuple[Timed, Timed]:
        """The result, or what a special value becomes, with its sign, 0 where it is not kept; and whether it is beyond
        the largest number."""
        p, output, lut = self._p, self._ending.output, self._target.family.lut
        field = output.bits - 1

        def instead(sign: Value, far_sign: Value, nan: Value, infinite: Value, keep: Value) -> Value:
            beyond = Cat(Const(output.code_of_overflow, field), sign)
            far = Cat(Const(output.code_of_infinite, field), far_sign)
            special = Mux(nan, Const(output.code_of_nan, output.bits), Mux(infinite, far, beyond))
            return Mux(keep, special, 0)

        def is_special(nan: Value, infinite: Value, keep: Value) -> Value:
            return nan | infinite | ~keep

        rounded_float, is_nan, is_infinite = found.rounded, found.is_nan, found.is_infinite
        special = p.registered(p.operate("special", lut, [is_nan, is_infinite, kept], unsigned(1), is_special))
        # What is no rounded number is known before.
        inputs = [*found.others, kept]
        other = p.registered(p.operate("instead", 2 * lut, inputs, unsigned(output.bits), instead))
        causes = [rounded_float.is_far, special]
        is_other = p.registered(p.operate("is_other", lut, causes, unsigned(1), lambda x, y: x | y))

        def choose(code: Value, sign: Value, value: Value, chosen: Value) -> Value:
            return Mux(chosen, value, Cat(code, sign))

        inputs = [p.registered(rounded_float.code), p.registered(found.is_negative), other, is_other]
        chosen = p.operate("result", lut, inputs, unsigned(output.bits), choose)
        inputs = [rounded_float.overflows, special]
        return chosen, p.operate("overflow", lut, inputs, unsigned(1), lambda x, other: x & ~other)

    @property
    def _has_small_gamma(self) -> bool:
        """Whether a gamma may be a subnormal number."""
        stored: StoredFloats = self._stored
        if not self._config.parameters_are_known:
            return True
        parts = stored.format.parts(stored.gamma)
        return bool(((parts.mantissa > 0) & (parts.mantissa >> stored.format.fraction_bits == 0)).any())


def _is_never(bit: Timed) -> bool:
    return isinstance(bit.value, Const) and not bit.value.value


class _Found(NamedTuple):
    """A result of a lane, and the signs and causes of what may take its place."""

    rounded: RoundedFloat
    is_negative: Timed
    element_sign: Timed
    is_nan: Timed
    is_infinite: Timed

    @property
    def others(self) -> tuple[Timed, Timed, Timed, Timed]:
        return self.is_negative, self.element_sign, self.is_nan, self.is_infinite
