"""Leading-one detection and shifting."""

from amaranth.hdl import Cat, Const, Mux, Shape, Value, unsigned

from streamnorm.spec.targets import Target

from .pipeline import Pipeline, Timed

__all__ = ["leading_one", "leading_one_found", "normalized", "shift_left", "shift_right", "shift_up", "shifted_field"]


def leading_one(p: Pipeline, target: Target, value: Timed) -> Timed:
    """The position of the highest bit that is 1; 0 where none is.

    A tree of groups of four: every group tells whether it has a 1 and where its highest one is.
    """
    return leading_one_found(p, target, value)[0]


def leading_one_found(p: Pipeline, target: Target, value: Timed) -> tuple[Timed, Timed]:
    """The position of the highest bit that is 1, 0 where none is; and whether one is."""
    width = value.width
    if width == 1:
        return p.constant(0, unsigned(1)), value
    lut = target.family.lut
    bits = [value.bits(i, i + 1) for i in range(width)]
    groups: list[tuple[Timed, Timed | None]] = [(bit, None) for bit in bits]
    while len(groups) > 1:
        level = []
        for start in range(0, len(groups), 4):
            members = groups[start : start + 4]
            level.append(_merge(p, lut, members))
        groups = level
    found, position = groups[0]
    assert position is not None
    return position, found


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
    delay = lut if not inner else 1.65 * lut
    position = p.operate("where", delay, [*flags, *positions], unsigned(inner + 2), where)
    return found, position


def normalized(
    p: Pipeline, target: Target, value: Timed, bits: int, frac_bits: int, mantissa_bits: int
) -> tuple[Timed, Timed]:
    """``mantissa_bits`` bits below the leading one of the integer part, and its position there; 0 where none is.

    ``bits`` and ``frac_bits``: integer and fraction bits of the value, which is not negative.
    """
    position = leading_one(p, target, value.bits(frac_bits, frac_bits + bits))
    padding = mantissa_bits - frac_bits
    padded = p.concat(p.constant(0, unsigned(padding)), value) if padding > 0 else value.bits(-padding, value.width)
    return shift_right(p, target, padded, position, bits - 1, mantissa_bits), position


def shift_left(p: Pipeline, target: Target, value: Timed, amount: Timed, amount_max: int, width: int) -> Timed:
    """``value << amount``, ``width`` bits: a right shift of the value set ``amount_max`` bits higher."""
    padded = p.concat(p.constant(0, unsigned(amount_max)), value)
    padded = padded.as_signed() if value.signed else padded
    bits = amount_max.bit_length()
    down = p.operate("down", target.adder(bits), [amount], unsigned(bits), lambda x: amount_max - x)
    return shift_right(p, target, padded, p.registered(down), amount_max, width)


def shift_up(p: Pipeline, target: Target, value: Timed, amount: Timed, amount_max: int, step: int = 1) -> Timed:
    """``value << step * amount``, all of its bits, with ``0 <= amount <= amount_max``.

    One bit of the amount a level, the low ones first, so that every level is as narrow as it can be.
    """
    current = value
    for low in range(amount_max.bit_length()):
        width = min(current.width + (step << low), value.width + step * amount_max)
        select = p.extend(amount, low + 1).bits(low, low + 1)

        def level(x: Value, s: Value, low: int = low) -> Value:
            return Mux(s, x << (step << low), x)

        shape = Shape(width, value.signed)
        current = p.operate("aligned", target.family.mux, [current, select], shape, level)
    return current


def shift_right(
    p: Pipeline, target: Target, value: Timed, amount: Timed, amount_max: int, width: int, step: int = 1
) -> Timed:
    """The low ``width`` bits of ``value >> step * amount``, with ``0 <= amount <= amount_max``; signed values shift in
    their sign. One bit of the amount a level, the high ones first, so that every level is as narrow as it can be.
    """
    fill = value.signed
    current = value
    for low in range(amount_max.bit_length() - 1, -1, -1):
        kept = width + step * min((1 << low) - 1, amount_max)
        select = p.extend(amount, low + 1).bits(low, low + 1)

        def level(x: Value, s: Value, low: int = low, kept: int = kept) -> Value:
            return Mux(s, shifted_field(x, step << low, kept, fill), shifted_field(x, 0, kept, fill))

        current = p.operate("shift", target.family.mux, [current, select], unsigned(kept), level)
        if fill and low:
            current = current.as_signed()
    return p.reshape(current, unsigned(width))


def shifted_field(x: Value, start: int, width: int, fill: bool) -> Value:
    """``width`` bits of x from ``start`` on, extended at the top."""
    top = x[-1] if fill else Const(0, 1)
    piece = x[start : start + width] if start < len(x) else top
    return Cat(piece, top.replicate(max(0, width - len(piece))))
