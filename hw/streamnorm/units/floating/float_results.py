"""How lanes end whose results are floating-point numbers."""

from collections.abc import Sequence
from dataclasses import replace
from math import frexp
from typing import Any

from amaranth.hdl import Cat, Const, Mux, Value, signed, unsigned

from streamnorm.logic.floating.decode import DecodedFloat, decoded
from streamnorm.logic.floating.rounding import rounded
from streamnorm.logic.floating.side_by_side import Placed, set_side_by_side
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.floating.float_ending import FloatEnding
from streamnorm.spec.config import NormConfig
from streamnorm.spec.stored_floats import StoredFloats

from .beat_end import end_beat
from .float_lane import LaneValue

__all__ = ["FloatResults"]

_EARLIER = 3
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
        flags = {"nan": [lane.is_nan for lane in lanes], "infinite": [lane.is_infinite for lane in lanes]}
        codes, overflows = zip(*found, strict=True)
        end_beat(p, component, codes, overflows, flags)

    def _parameters(self, component: Any, name: str, cycle: int, delay: float) -> list[DecodedFloat | None]:
        """Gamma or beta of each lane; None where there is none."""
        p, ending, stored = self._p, self._ending, self._stored
        lanes = range(self._config.lanes)
        if not getattr(ending, f"{name}_bits"):
            return [None for _ in lanes]
        port = getattr(component, name, None)
        if port is not None:
            codes = [p.input(port[lane], cycle, delay) for lane in lanes]
            return [decoded(p, stored.format, code) for code in codes]
        parts = stored.format.parts(getattr(stored, name)[0, 0])
        constant = DecodedFloat(
            negative=p.constant(int(parts.negative), unsigned(1)),
            mantissa=p.constant(int(parts.mantissa), unsigned(stored.format.precision)),
            binade=p.constant(int(parts.binade), unsigned(stored.format.exponent_bits)),
            is_zero=p.constant(int(parts.mantissa == 0), unsigned(1)),
            is_nan=p.constant(0, unsigned(1)),
            is_infinite=p.constant(0, unsigned(1)),
        )
        return [constant for _ in lanes]

    def _result(self, lane: LaneValue, gamma: DecodedFloat | None, beta: DecodedFloat | None) -> tuple[Timed, Timed]:
        """The code of a lane's result, and whether it lay beyond the largest number."""
        p, ending, lut = self._p, self._ending, self._target.family.lut
        output = ending.output
        product, sign = lane.z, lane.negative
        z_is_zero = p.operate("z_zero", self._target.logic(lane.z.width), [lane.z], unsigned(1), lambda x: ~x.any())
        exponent = self._sum(lane.exponent, p.constant(ending.gamma_exponent, _shape_of(ending.gamma_exponent)))
        zeros_max = None if ending.z_is_signed or ending.rounds_first else 2
        is_zero = z_is_zero
        element_sign = lane.element_negative
        if gamma is not None:
            product = p.multiply(lane.z, gamma.mantissa)
            exponent = self._sum(gamma.binade, exponent)
            sign = p.operate("sign", lut, [sign, gamma.negative], unsigned(1), lambda x, y: x ^ y)
            element_sign = p.operate("far_sign", lut, [element_sign, gamma.negative], unsigned(1), lambda x, y: x ^ y)
            is_zero = p.operate("product_zero", lut, [z_is_zero, gamma.is_zero], unsigned(1), lambda x, y: x | y)
            zeros_max = None if zeros_max is None or self._has_small_gamma else zeros_max + 1
        total, is_negative = product, sign
        if beta is not None:
            total, is_negative, exponent = self._plus(product, exponent, is_zero, sign, beta)
            zeros_max = None
        elif product.signed:
            top = product.bits(product.width - 1, product.width)
            is_negative = p.operate("negative", lut, [sign, top], unsigned(1), lambda x, y: x ^ y)
        magnitude = p.magnitude(total).bits(0, total.width - 1) if total.signed else total
        found = rounded(
            p, output, p.registered(magnitude), exponent, zeros_max=zeros_max, reaches_normal=beta is not None
        )
        return self._chosen(lane, gamma, beta, found, is_negative, element_sign)

    def _rounded_first(self, lane: LaneValue) -> LaneValue:
        """The lane with its z rounded to the output format, or to its largest number."""
        p, output, lut = self._p, self._ending.output, self._target.family.lut
        magnitude, negative = lane.z, lane.negative
        if lane.z.signed:
            magnitude = p.magnitude(lane.z).bits(0, lane.z.width)
            negative = lane.z.bits(lane.z.width - 1, lane.z.width)
        least = -frexp(output.scale)[1] + 1
        exponent = self._sum(lane.exponent, p.constant(least, _shape_of(least)))
        found = rounded(p, output, p.registered(magnitude), exponent)

        def limit(x: Value, beyond: Value) -> Value:
            return Mux(beyond, Const(output.code_of_largest, len(x)), x)

        code = p.operate("limited", lut, [found.code, found.overflows], found.code.value.shape(), limit)
        parts = decoded(p, output, p.concat(p.registered(code), p.constant(0, unsigned(1))))
        return replace(
            lane,
            z=parts.mantissa,
            exponent=self._sum(parts.binade, p.constant(-least, _shape_of(-least))),
            negative=negative,
        )

    def _plus(
        self, product: Timed, exponent: Timed, is_zero: Timed, sign: Timed, beta: DecodedFloat
    ) -> tuple[Timed, Timed, Timed]:
        """Sum, sign and exponent."""
        p, ending, lut = self._p, self._ending, self._target.family.lut
        top_a = self._sum(exponent, p.constant(ending.product_bits, _shape_of(ending.product_bits)))
        base = ending.beta_exponent + ending.beta_bits
        top_b = self._sum(beta.binade, p.constant(base, _shape_of(base)))
        a, b, top = set_side_by_side(
            p,
            Placed(product, top_a, is_zero),
            Placed(beta.mantissa, top_b, beta.is_zero),
            ending.sum_bits,
            ending.output.fraction_bits,
            sticky=ending.is_sticky,
        )
        apart = p.registered(p.operate("apart", lut, [sign, beta.negative], unsigned(1), lambda x, y: x ^ y))
        total = p.add_or_subtract(a, b, apart, signed(ending.sum_bits + 2), name="total")
        no_sum = p.operate("no_sum", self._target.logic(total.width), [total], unsigned(1), lambda x: ~x.any())

        def is_negative(x: Value, none: Value, s: Value, b_negative: Value, a_zero: Value, b_zero: Value) -> Value:
            of_nothing = Mux(a_zero, b_negative & (s | ~b_zero), s & b_zero)
            return Mux(none, of_nothing, s ^ x)

        top_bit = total.bits(total.width - 1, total.width)
        negative = p.operate(
            "negative",
            2 * lut,
            [top_bit, p.registered(no_sum), sign, beta.negative, is_zero, beta.is_zero],
            unsigned(1),
            is_negative,
        )
        return total, negative, self._sum(top, p.constant(-ending.sum_bits, _shape_of(-ending.sum_bits)))

    def _chosen(
        self,
        lane: LaneValue,
        gamma: DecodedFloat | None,
        beta: DecodedFloat | None,
        found: Any,
        is_negative: Timed,
        element_sign: Timed,
    ) -> tuple[Timed, Timed]:
        """The result, or what a special value becomes, with its sign."""
        p, output, lut = self._p, self._ending.output, self._target.family.lut
        nans = [lane.gives_nan]
        if self._config.storage == "ram":
            for parameter in (gamma, beta):
                if parameter is not None:
                    nans += [parameter.is_nan, parameter.is_infinite]
        infinities = [lane.gives_infinity]
        if gamma is not None and not isinstance(lane.gives_infinity.value, Const):
            both = [lane.gives_infinity, gamma.is_zero]
            nans.append(p.operate("zero_times_infinity", lut, both, unsigned(1), lambda x, y: x & y))
        plain = [nan for nan in nans if not isinstance(nan.value, Const)]
        is_nan = p.constant(0, unsigned(1))
        if plain:
            is_nan = p.registered(p.operate("is_nan", lut * 1.4, plain, unsigned(1), lambda *x: Cat(*x).any()))
        infinity = output.code_of_overflow if output.finite else output.code_of_infinity
        field = output.bits - 1

        def instead(sign: Value, far_sign: Value, nan: Value, infinite: Value) -> Value:
            beyond = Cat(Const(output.code_of_overflow, field), sign)
            far = Cat(Const(infinity, field), far_sign)
            return Mux(nan, Const(output.code_of_nan, output.bits), Mux(infinite, far, beyond))

        # What is no rounded number is known before.
        inputs = [is_negative, element_sign, is_nan, infinities[0]]
        other = p.registered(p.operate("instead", 1.5 * lut, inputs, unsigned(output.bits), instead))
        causes = [found.is_far, is_nan, infinities[0]]
        is_other = p.registered(p.operate("is_other", lut, causes, unsigned(1), lambda *x: Cat(*x).any()))
        is_negative = p.registered(is_negative)

        def choose(code: Value, sign: Value, value: Value, chosen: Value) -> Value:
            return Mux(chosen, value, Cat(code, sign))

        inputs = [found.code, is_negative, other, is_other]
        chosen = p.operate("chosen", lut, inputs, unsigned(output.bits), choose)
        overflow = p.operate(
            "overflow",
            lut,
            [found.overflows, is_nan, infinities[0]],
            unsigned(1),
            lambda x, nan, infinite: x & ~nan & ~infinite,
        )
        return chosen, p.registered(overflow)

    def _sum(self, a: Timed, b: Timed) -> Timed:
        """Of two exponents, signed, as wide as it needs to be."""
        p = self._p
        if isinstance(a.value, Const) and isinstance(b.value, Const):
            return p.constant(a.value.value + b.value.value, _shape_of(a.value.value + b.value.value))
        width = max(x.width + (not x.signed) for x in (a, b)) + 1
        return p.add(a, b, signed(width), name="place")

    @property
    def _has_small_gamma(self) -> bool:
        """Whether a gamma may be a subnormal number."""
        stored: StoredFloats = self._stored
        if self._config.storage == "ram":
            return True
        parts = stored.format.parts(stored.gamma)
        return bool(((parts.mantissa >> stored.format.fraction_bits) == 0).any())


def _shape_of(value: int) -> Any:
    return signed(value.bit_length() + 1)
