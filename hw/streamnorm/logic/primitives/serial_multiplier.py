"""A product by shift and add, one bit a cycle, for families where multiplier tiles are few or missing."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SerialMultiplier"]


class SerialMultiplier(wiring.Component):
    """Exact product ``a * b`` of an integer and an unsigned integer, in one adder as wide as ``a``.

    ``a`` and ``b`` are taken in a cycle in which ``start`` is 1; ``p`` is their product :attr:`latency` =
    ``b`` width + 1 cycles later, in that cycle only. A product may start ``b`` width + 1 cycles after the one before
    it, or later; an earlier ``start`` drops the product under way. The registers have no reset but start at zero. ``p``
    is a register.

    On iCE40 it takes about one logic cell for each bit of ``a`` and ``b`` and another for each bit of ``a`` kept.

    Parameters
    ----------
    a_shape : Shape
        May be signed.
    b_width : int
        Bits of ``b``; the number of steps.

    Members
    -------
    start : In(1)
    a : In(a_shape)
    b : In(b_width)
    p : Out(a_shape.width + b_width bits, signed if ``a`` is)
    """

    def __init__(self, *, a_shape: Shape, b_width: int) -> None:
        self._a_shape, self._b_width = a_shape, b_width
        self.latency = b_width + 1
        product = Shape(a_shape.width + b_width, a_shape.signed)
        super().__init__({"start": In(1), "a": In(a_shape), "b": In(b_width), "p": Out(product)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        factor = Signal(self._a_shape, reset_less=True)
        # What is left of b moves out of ``low`` as the product's low bits move in.
        high = Signal(self._a_shape, reset_less=True)
        low = Signal(self._b_width, reset_less=True)
        total = Signal(Shape(self._a_shape.width + 1, self._a_shape.signed))
        m.d.comb += [total.eq(Mux(low[0], high + factor, high)), self.p.eq(Cat(low, high))]
        m.d.sync += [high.eq(total[1:]), low.eq(Cat(low[1:], total[0]))]
        with m.If(self.start):
            m.d.sync += [factor.eq(self.a), high.eq(0), low.eq(self.b)]
        return m
