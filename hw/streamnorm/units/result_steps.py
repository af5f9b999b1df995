"""How the lanes of every unit end: ports, parameters, and results that are saturated and masked."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Mux, Value, signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.stored_words import stored_words
from streamnorm.spec.config import NormConfig

from .streams import element_shape

__all__ = ["ResultSteps", "even_and_saturated", "result_ports"]


def result_ports(config: NormConfig) -> dict[str, Any]:
    """Ports of what takes values to results: ``keep``, ``y``, and gamma and beta where they are no constants."""
    lanes = config.lanes
    ports: dict[str, Any] = {"keep": In(lanes), "y": Out(data.ArrayLayout(element_shape(config.output), lanes))}
    for name, words in stored_words(config).items():
        if not words.is_constant:
            ports[name] = In(data.ArrayLayout(signed(words.bits), lanes))
    return ports


class ResultSteps:
    """What a lane ends with as logic in a pipeline, whatever it computes.

    Parameters
    ----------
    p : Pipeline, where the logic goes
    config : NormConfig
    """

    def __init__(self, p: Pipeline, config: NormConfig) -> None:
        self._p, self._config = p, config
        self._target = config.device

    def parameter(self, component: Any, name: str, cycle: int, delay: float) -> list[Timed | None]:
        """Each lane's gamma or beta, from the component's port of that name; None where it is a constant."""
        port = getattr(component, name, None)
        lanes = range(self._config.lanes)
        return [None if port is None else self._p.input(port[lane], cycle, delay) for lane in lanes]

    def give(self, component: Any, sums: Sequence[Timed]) -> None:
        """From the lanes' sums to ``component.y``; its keep_cycle and latency are set."""
        cycle = component.keep_cycle = sums[0].cycle
        results = [self.rounded(a, self._p.input(component.keep[lane], cycle)) for lane, a in enumerate(sums)]
        component.latency = results[0].cycle
        for lane, result in enumerate(results):
            assert result.cycle == component.latency
            self._p.drive(component.y[lane], result)

    def rounded(self, a: Timed, keep: Timed) -> Timed:
        """The result of a lane's sum, saturated; 0 if the lane is not kept."""
        raise NotImplementedError

    def half_even(self, a: Timed, frac: int, low: int, high: int, bits: int) -> list[Timed]:
        """Of ``a``, which has half of one added: its integer part in ``bits``, and whether it was a tie, is outside of
        low … high, and is negative; what :func:`even_and_saturated` takes."""
        p, target = self._p, self._target
        tie = p.operate("tie", target.logic(frac), [a.bits(0, frac)], unsigned(1), lambda x: ~x.any())
        sign = a.bits(a.width - 1, a.width)
        result = a.bits(frac, min(frac + bits, a.width)).as_signed()
        outside = self.outside(a, frac, low, high)
        return [p.registered(result), p.registered(tie), p.registered(outside), sign]

    def outside(self, a: Timed, frac: int, low: int, high: int) -> Timed:
        """Whether the integer part of ``a`` is outside of low … high, between which 0 is."""
        p, target = self._p, self._target
        sign = a.bits(a.width - 1, a.width)
        has_sign = low < 0
        whole = high.bit_length() + has_sign
        if low not in (0, -high - 1) or high & (high + 1):
            # No range of a whole number of bits: the signs of the differences to its ends tell.
            integer = a.bits(frac, a.width).as_signed()
            shape = signed(max(high.bit_length(), (-low - 1).bit_length(), 1) + 1)
            width = max(integer.width, shape.width) + 1
            below = p.add(integer, p.constant(low, shape), signed(width), subtract=True, name="below")
            above = p.add(p.constant(high, shape), integer, signed(width), subtract=True, name="above")
            signs = [difference.bits(width - 1, width) for difference in (below, above)]
            return p.operate("outside", target.family.lut, signs, unsigned(1), lambda x, y: x | y)
        if a.width - frac - whole <= 0:
            return sign if not has_sign else p.constant(0, unsigned(1))
        top = a.bits(frac + whole - has_sign, a.width)

        def is_outside(x: Value) -> Value:
            return x.any() & ~x.all() if has_sign else x.any()

        return p.operate("outside", target.logic(top.width), [top], unsigned(1), is_outside)


def even_and_saturated(
    x: Value, is_tie: Value, is_outside: Value, negative: Value, low: int, high: int, bits: int
) -> Value:
    """``x`` with its lowest bit cleared on a tie; ``low`` or ``high`` where it is outside of them; in ``bits``."""
    rounded = Cat(x[0] & ~is_tie, x[1:])
    extended = Cat(rounded, x[-1].replicate(max(bits - len(x), 0)))[:bits]
    limit = Mux(negative, Const(low, signed(bits + 1)), Const(high, signed(bits + 1)))[:bits]
    return Mux(is_outside, limit, extended)
