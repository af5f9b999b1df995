"""The address that follows an address in a ring."""

from amaranth.hdl import Module, Signal, Value

__all__ = ["advance_pointer"]


def advance_pointer(m: Module, pointer: Signal, step: Value, depth: int) -> None:
    """Adds to ``m``: where ``step`` is 1, ``pointer`` goes on by one, from ``depth - 1`` back to 0."""
    with m.If(step):
        m.d.sync += pointer.eq(pointer + 1)
        if depth & (depth - 1):
            with m.If(pointer == depth - 1):
                m.d.sync += pointer.eq(0)
