"""Shifting a product right by the low bits of an amount in front of its multiplier tiles, where they have room."""

from amaranth.hdl import Const, unsigned

from streamnorm.logic.leading_one import shift_right, shift_up
from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["fine_bits", "shifted_back", "shifted_finely"]


def fine_bits(p: Pipeline, other_width: int, width: int, amount: Timed) -> int:
    """How many low bits of ``amount`` a factor of ``width`` bits can be shifted by without more tiles."""
    if isinstance(amount.value, Const):
        return 0
    spare, fine = p.spare_bits(other_width, width), 0
    while fine < amount.width and (2 << fine) - 1 <= spare:
        fine += 1
    return fine


def shifted_finely(p: Pipeline, factor: Timed, amount: Timed, fine: int) -> Timed:
    """The factor times ``2**(most - low)``, ``low`` being the low ``fine`` bits of the amount, ``most`` the most they
    can be. The product shifted right by ``low`` stands ``most`` bits higher then."""
    if not fine:
        return factor
    up = p.operate("up", 0.0, [amount.bits(0, fine)], unsigned(fine), lambda x: ~x)
    return p.registered(shift_up(p, p.target, factor, up, (1 << fine) - 1))


def shifted_back(p: Pipeline, product: Timed, amount: Timed, fine: int, pad: int, width: int) -> Timed:
    """``width`` bits, two's complement, of a signed ``product << pad >> amount``, of whose factors one is
    :func:`shifted_finely` by that amount."""
    up = pad - ((1 << fine) - 1)
    if up > 0:
        product = p.concat(p.constant(0, unsigned(up)), product).as_signed()
    elif up < 0:
        product = product.bits(-up, product.width).as_signed()
    coarse = amount.bits(fine, amount.width)
    return shift_right(p, p.target, product, coarse, (1 << coarse.width) - 1, width, 1 << fine).as_signed()
