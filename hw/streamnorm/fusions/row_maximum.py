"""The largest magnitude of a row's elements."""

from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.targets import Target

__all__ = ["RowMaximum"]


class RowMaximum(wiring.Component):
    """Beats in, one a cycle; the largest ``abs(c)`` of a row's beats so far out.

    ``maximum`` and ``about`` belong to the beat that came in :attr:`maximum_cycle` cycles earlier.

    Parameters
    ----------
    bits : of an element; about_bits : of what else is said of a beat
    lanes, target

    Members
    -------
    valid, first : In(1), of a beat; c : In(ArrayLayout(signed(bits), lanes)), 0 in lanes that do not count; registers
    said : In(about_bits), of the beat
    maximum : Out(bits); about : Out(about_bits); registers
    """

    names = ("maximum", "about")

    def __init__(self, bits: int, *, about_bits: int, lanes: int, target: Target) -> None:
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "c": In(data.ArrayLayout(signed(bits), lanes)),
                "said": In(about_bits),
                "maximum": Out(unsigned(bits)),
                "about": Out(about_bits),
            }
        )
        self._m = m = Module()
        self._target = target
        p = Pipeline(m, target, "maximum")
        level = [p.magnitude(p.input(self.c[lane])) for lane in range(lanes)]
        while len(level) > 1:
            pairs = [level[start : start + 2] for start in range(0, len(level), 2)]
            level = [self._larger(p, *pair) if len(pair) == 2 else pair[0] for pair in pairs]
        beat = p.registered(level[0])
        # Reset: a beat that is not there must not look like one.
        valid, first = self.valid, self.first
        for stage in range(beat.cycle):
            later = [Signal(name=f"maximum_{name}_{stage}") for name in ("valid", "first")]
            m.d.sync += [later[0].eq(valid), later[1].eq(first)]
            valid, first = later
        maximum = Signal(bits, reset_less=True)
        # The comparison enables the register, instead of choosing what goes into it: one level less in the loop.
        with m.If(valid & (first | (beat.value > maximum))):
            m.d.sync += maximum.eq(beat.value)
        m.d.comb += self.maximum.eq(maximum)
        self.maximum_cycle = self.about_cycle = beat.cycle + 1
        p.drive(self.about, p.delayed(p.input(self.said), self.about_cycle))

    def _larger(self, p: Pipeline, a: Timed, b: Timed) -> Timed:
        difference = p.add(a, b, signed(a.width + 1), subtract=True, name="difference")

        def choose(x: Value, y: Value, negative: Value) -> Value:
            return Mux(negative, y, x)

        below = difference.bits(a.width, a.width + 1)
        return p.operate("larger", self._target.family.mux, [a, b, below], unsigned(a.width), choose)

    def elaborate(self, platform: object) -> Module:
        return self._m
