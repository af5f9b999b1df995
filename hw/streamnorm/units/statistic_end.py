"""Where in a row its statistic is complete: with the last beat, or earlier where the norm takes a part of the row."""

from amaranth.hdl import Module, Mux, Signal

__all__ = ["statistic_end"]


def statistic_end(m: Module, take: Signal, ends: Signal, *, beats: int) -> Signal:
    """Adds to ``m`` what counts the beats of a row; returns the register that is 1 one cycle after its statistic's last
    beat.

    That is the row's beat ``beats``, or its last if there are fewer. The register says nothing where no beat was taken.

    Parameters
    ----------
    take, ends : there is a beat; it is its row's last
    """
    left = Signal(range(beats), init=beats - 1, name="statistic_left")
    at_end = Signal(init=int(beats == 1), name="statistic_at_end")
    over = Signal(name="statistic_over")
    complete = Signal(name="statistic_complete", reset_less=True)
    with m.If(take):
        m.d.sync += [
            left.eq(Mux(ends, beats - 1, left - 1)),
            at_end.eq(Mux(ends, beats == 1, left == 1)),
            over.eq(~ends & (over | at_end)),
        ]
    m.d.sync += complete.eq(~over & (ends | at_end))
    return complete
