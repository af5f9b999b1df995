"""Two streams of rows side by side, beat by beat, in step again with each row."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RowJoin"]


class RowJoin(wiring.Component):
    """A beat of each stream makes one; where one row is longer than the other, what it has more is swallowed.

    A row ends with the first beat in which either of the two rows does. No register.

    Parameters
    ----------
    first, second : layouts of the streams that come in, with ``keep`` and ``last``

    Members
    -------
    first : In(stream of first); second : In(stream of second)
    o : Out(stream); its payload has ``first`` and ``second``, the beats
    """

    def __init__(self, first: data.StructLayout, second: data.StructLayout) -> None:
        joined = data.StructLayout({"first": first, "second": second})
        super().__init__(
            {
                "first": In(stream.Signature(first)),
                "second": In(stream.Signature(second)),
                "o": Out(stream.Signature(joined)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sides = {"first": self.first, "second": self.second}
        swallows = {name: Signal(name=f"swallow_{name}") for name in sides}
        pair = Signal()
        moves = Signal()
        beats, last = self.o.payload, Signal()
        m.d.comb += [
            pair.eq(self.first.valid & self.second.valid & ~swallows["first"] & ~swallows["second"]),
            moves.eq(pair & self.o.ready),
            self.o.valid.eq(pair),
            beats.first.eq(self.first.payload),
            beats.second.eq(self.second.payload),
            last.eq(beats.first.last | beats.second.last),
        ]
        for name, side in sides.items():
            swallow = swallows[name]
            m.d.comb += side.ready.eq(moves | swallow)
            with m.If(moves):
                m.d.sync += swallow.eq(last & ~side.payload.last)
            with m.Elif(side.valid & side.payload.last):
                m.d.sync += swallow.eq(0)
        return m
