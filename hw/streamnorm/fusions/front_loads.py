"""Loads of gamma and beta, past what stands in front of a unit: they wait for the rows that it holds."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream

__all__ = ["connect_front_loads"]


def connect_front_loads(
    m: Module,
    i: stream.Interface,
    parameters: stream.Interface,
    core: stream.Interface,
    loads: stream.Interface,
    held: int,
) -> Value:
    """Lets loads in behind the rows that came in before them, and no row from then on until they are done.

    A row is of the old gamma and beta if its first beat was taken before the load's: the unit itself knows of no row
    that is still in front of it.

    Parameters
    ----------
    i : the rows as they come in, whose ``ready`` is a register
    parameters : the loads as they come in
    core, loads : rows and loads as the unit takes them
    held : beats that may be between ``i`` and ``core``

    Returns
    -------
    Whether a beat may come in: 0 where a row would begin that has to wait. It counts from the next cycle on.
    """
    begins = Signal(init=1, name="load_row_begins")
    hold = Signal(name="load_hold")
    passes = Signal(name="load_passes")
    inside = Signal(range(held + 2), name="load_rows_in_front")
    comes, goes = i.valid & i.ready, core.valid & core.ready & core.payload.last
    ended = loads.valid & loads.ready & loads.payload.last
    with m.If(comes):
        m.d.sync += begins.eq(i.payload.last)
    with m.If(comes & begins & ~goes):
        m.d.sync += inside.eq(inside + 1)
    with m.If(~(comes & begins) & goes):
        m.d.sync += inside.eq(inside - 1)
    m.d.sync += hold.eq((parameters.valid | passes) & ~ended)
    with m.If(ended):
        m.d.sync += passes.eq(0)
    with m.Elif(hold & parameters.valid & begins & ~i.ready & (inside == 0)):
        m.d.sync += passes.eq(1)
    m.d.comb += [
        loads.payload.eq(parameters.payload),
        loads.valid.eq(parameters.valid & passes),
        parameters.ready.eq(loads.ready),
    ]
    return ~(hold & Mux(comes, i.payload.last, begins))
