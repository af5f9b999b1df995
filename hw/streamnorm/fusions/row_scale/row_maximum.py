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
        even, odd = self._of_every_other(m, beat.value, valid, first)
        largest = p.registered(self._larger(p, *(p.input(signal, beat.cycle + 2) for signal in (even, odd))))
        p.drive(self.maximum, largest)
        self.maximum_cycle = self.about_cycle = largest.cycle
        p.drive(self.about, p.delayed(p.input(self.said), self.about_cycle))

    @staticmethod
    def _of_every_other(m: Module, beat: Value, valid: Value, first: Value) -> tuple[Signal, Signal]:
        """The largest of a row's beats of even number so far, and of odd number, two cycles after each beat.

        A comparison and what follows from it have a cycle each: a beat is compared with what the last but one has left.
        The first two of a row are not compared.
        """
        width = len(beat)
        even = Signal(width, name="maximum_even", reset_less=True)
        odd = Signal(width, name="maximum_odd", reset_less=True)
        value = Signal(width, name="maximum_value", reset_less=True)
        # Of the beat that has come last.
        was_first = Signal(name="maximum_was_first", reset_less=True)
        was_odd = Signal(name="maximum_was_odd", reset_less=True)
        was_second = Signal(name="maximum_was_second", reset_less=True)
        came = Signal(name="maximum_came")
        above_even = Signal(name="maximum_above_even", reset_less=True)
        above_odd = Signal(name="maximum_above_odd", reset_less=True)
        m.d.sync += [came.eq(valid), value.eq(beat), above_even.eq(beat > even), above_odd.eq(beat > odd)]
        with m.If(valid):
            m.d.sync += [was_first.eq(first), was_odd.eq(~first & ~was_odd), was_second.eq(~first & was_first)]
        with m.If(came & ~was_odd & (was_first | above_even)):
            m.d.sync += even.eq(value)
        with m.If(came & was_odd & (was_second | above_odd)):
            m.d.sync += odd.eq(value)
        with m.Elif(came & was_first):
            m.d.sync += odd.eq(0)
        return even, odd

    def _larger(self, p: Pipeline, a: Timed, b: Timed) -> Timed:
        difference = p.add(a, b, signed(a.width + 1), subtract=True, name="difference")

        def choose(x: Value, y: Value, negative: Value) -> Value:
            return Mux(negative, y, x)

        below = difference.bits(a.width, a.width + 1)
        return p.operate("larger", self._target.family.mux, [a, b, below], unsigned(a.width), choose)

    def elaborate(self, platform: object) -> Module:
        return self._m
