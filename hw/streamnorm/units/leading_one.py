"""Leading-one detection and shifting, a radix-4 level at a time."""

from amaranth.hdl import Array, Cat, Const, Mux, Value, unsigned

from ..pipeline import Pipeline, Timed
from ..target import Target

__all__ = ["leading_one", "shift_right"]


def leading_one(p: Pipeline, target: Target, value: Timed) -> Timed:
    """The position of the highest bit that is 1; 0 where none is.

    A tree of groups of four: every group tells whether it has a 1 and where its highest one is.
    """
    width = value.width
    if width == 1:
        return p.constant(0, unsigned(1))
    lut = target.family.lut
    bits = [value.bits(i, i + 1) for i in range(width)]
    groups: list[tuple[Timed, Timed | None]] = [(bit, None) for bit in bits]
    while len(groups) > 1:
        level = []
        for start in range(0, len(groups), 4):
            members = groups[start : start + 4]
            level.append(_merge(p, lut, members))
        groups = level
    position = groups[0][1]
    assert position is not None
    return position


def _merge(p: Pipeline, lut: float, members: list[tuple[Timed, Timed | None]]) -> tuple[Timed, Timed | None]:
    flags = [flag for flag, _ in members]
    positions = [position for _, position in members if position is not None]
    inner = max((position.width for position in positions), default=0)

    def any_of(*values: Value) -> Value:
        return Cat(*values).any()

    def where(*values: Value) -> Value:
        count = len(flags)
        index: Value = Const(0, 2)
        low: Value = values[count] if inner else Const(0, 0)
        for i in range(1, count):
            index = Mux(values[i], i, index)
            if inner:
                low = Mux(values[i], values[count + i], low)
        return Cat(low, index[:2]) if inner else index[:2]

    found = p.operate("any", lut, flags, unsigned(1), any_of)
    delay = lut if not inner else 1.4 * lut
    position = p.operate("where", delay, [*flags, *positions], unsigned(inner + 2), where)
    return found, position


def shift_right(
    p: Pipeline, target: Target, value: Timed, amount: Timed, amount_max: int, width: int
) -> Timed:
    """The low ``width`` bits of ``value >> amount``, with ``0 <= amount <= amount_max``; signed values shift in
    their sign. Two bits of the amount a level, the high ones first, so that every level is as narrow as it can be.
    """
    bits = max(amount_max.bit_length(), 1)
    fill = value.signed
    position = bits + (bits % 2)
    current = value
    while position > 0:
        low = position - 2
        rest = min((1 << low) - 1, amount_max) if low else 0
        kept = width + rest
        select = p.extend(amount, bits + 2).bits(low, min(position, bits))
        choices = min(1 << select.width, (amount_max >> low) + 1)

        def level(x: Value, s: Value, low: int = low, kept: int = kept, choices: int = choices) -> Value:
            options = []
            for choice in range(1 << len(s)):
                start = min(choice, choices - 1) << low
                piece = x[start : start + kept] if start < len(x) else (x[-1] if fill else Const(0, 1))
                missing = kept - len(piece)
                if missing > 0:
                    piece = Cat(piece, (x[-1] if fill else Const(0, 1)).replicate(missing))
                options.append(piece)
            return Array(options)[s] if len(options) > 1 else options[0]

        current = p.operate("shift", target.family.mux, [current, select], unsigned(kept), level)
        if fill and position > 2:
            current = current.as_signed()
        position = low
    return current
