"""A shift to the right that tells of what it drops."""

from amaranth.hdl import Cat, Mux, Value, unsigned

from streamnorm.logic.leading_one import shifted_field
from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["shift_right_jam", "shift_right_sticky"]


def shift_right_sticky(p: Pipeline, value: Timed, amount: Timed, amount_max: int, width: int) -> tuple[Timed, Timed]:
    """The low ``width`` bits of ``value >> amount``, as :func:`~streamnorm.logic.leading_one.shift_right`; and whether
    a 1 was shifted out below."""
    target, fill = p.target, value.signed
    current, dropped = value, []
    for low in range(amount_max.bit_length() - 1, -1, -1):
        step = 1 << low
        kept = width + min(step - 1, amount_max)
        select = p.extend(amount, low + 1).bits(low, low + 1)

        def out(x: Value, s: Value) -> Value:
            return s & x.any()

        def level(x: Value, s: Value, step: int = step, kept: int = kept) -> Value:
            return Mux(s, shifted_field(x, step, kept, fill), shifted_field(x, 0, kept, fill))

        below = current.bits(0, min(step, current.width))
        dropped.append(p.operate("lost", target.logic(below.width + 1), [below, select], unsigned(1), out))
        current = p.operate("shift", target.family.mux, [current, select], unsigned(kept), level)
        if fill and low:
            current = current.as_signed()
    if not dropped:
        return p.reshape(current, unsigned(width)), p.constant(0, unsigned(1))
    lost = p.operate("lost", target.logic(len(dropped)), dropped, unsigned(1), lambda *x: Cat(*x).any())
    return p.reshape(current, unsigned(width)), lost


def shift_right_jam(p: Pipeline, value: Timed, amount: Timed, amount_max: int) -> Timed:
    """``value >> amount``, as wide as the value, which is not signed; the lowest bit is 1 as well where a 1 was shifted
    out."""
    assert not value.signed
    kept, lost = shift_right_sticky(p, value, amount, amount_max, value.width)
    lowest = p.operate("jam", p.target.family.lut, [kept.bits(0, 1), lost], unsigned(1), lambda x, y: x | y)
    return p.concat(lowest, kept.bits(1, value.width)) if value.width > 1 else lowest
