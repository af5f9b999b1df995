"""The binade of a row's largest element so far, and where windows are, seen from it."""

from collections.abc import Sequence
from operator import ne

from amaranth.hdl import Mux, Signal, Value, unsigned

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.floating.row_sums import RowSums

__all__ = ["RowTop"]


class RowTop:
    """``top`` of the row so far, this beat included.

    A place is how far a window is below that of ``top``: 0 is the window of ``top`` itself.

    Parameters
    ----------
    p : where the logic goes
    sums : RowSums
    binades : of the lanes
    first, valid : there is a beat that counts; it is its row's first

    Attributes
    ----------
    top : a register that holds still where no beat comes
    """

    def __init__(self, p: Pipeline, sums: RowSums, binades: Sequence[Timed], first: Timed, valid: Timed) -> None:
        self._p, self._sums = p, sums
        width = sums.top_max.bit_length()
        level = list(binades)
        while len(level) > 1:
            pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
            level = [self._larger(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
        beat = level[0]
        if sums.floor:
            delay = p.target.adder(width) + p.target.family.lut
            floor = sums.floor
            beat = p.operate("raised", delay, [beat], unsigned(width), lambda x: Mux(x < floor, floor, x))
        (beat, first, valid), _ = p.align(p.registered(beat), first, valid, delay=p.target.budget)
        top = Signal(width, reset_less=True, name=p.label("top"))
        window = self._window(Timed(top, beat.cycle + 1))
        before = Signal(window.width, reset_less=True, name=p.label("window_before"))
        # One bit more tells a place below the lowest window from every window.
        lower = [Signal(window.width + 1, reset_less=True, name=p.label("window")) for _ in range(sums.count)]
        with p.module.If(valid.value):
            p.module.d.sync += before.eq(window.value)
            with p.module.If(first.value | (beat.value > top)):
                p.module.d.sync += top.eq(beat.value)
                for place, number in enumerate(lower):
                    p.module.d.sync += number.eq(self._window(beat).value - place)
        self.top = Timed(top, beat.cycle + 1)
        self._places = [Timed(number, self.top.cycle) for number in lower]
        self._first, self._before = p.delayed(first, self.top.cycle), Timed(before, self.top.cycle)

    def is_elsewhere(self, binades: Timed) -> list[Timed]:
        """For each place that is kept, whether an element of the beat is not there; registers, each clears a lane."""
        p, window = self._p, self._window(binades)
        delay = p.target.logic(2 * window.width)
        unlike = [p.operate("elsewhere", delay, [place, window], unsigned(1), ne) for place in self._places]
        return [p.registered(flag) for flag in unlike]

    def moves(self) -> list[Timed]:
        """For each place, from how many places above its sum comes in this beat, as the row's top may have risen; one
        more than there are above stands for nothing. Registers."""
        p = self._p
        window = self._window(self.top)
        rise = p.add(window, self._before, unsigned(window.width), subtract=True, name="rise")
        return [self._move(rise, place) for place in range(self._sums.count)]

    def _move(self, rise: Timed, place: int) -> Timed:
        p, none = self._p, place + 1

        def limited(x: Value, first: Value) -> Value:
            return Mux(first | (x > place), none, x)

        delay = p.target.logic(rise.width + 1) + p.target.family.lut
        shape = unsigned(none.bit_length())
        return p.registered(p.operate("move", delay, [rise, self._first], shape, limited))

    def _window(self, binade: Timed) -> Timed:
        """The window's number; one bit where there is only one."""
        p, shift = self._p, self._sums.shift_bits
        if binade.width <= shift:
            return p.constant(0, unsigned(1))
        return binade.bits(shift, binade.width)

    def _larger(self, a: Timed, b: Timed) -> Timed:
        delay = self._p.target.adder(a.width) + self._p.target.family.lut
        return self._p.operate("larger", delay, [a, b], unsigned(a.width), lambda x, y: Mux(x > y, x, y))
