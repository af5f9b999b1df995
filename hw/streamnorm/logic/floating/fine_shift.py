"""Shifting a product right by the low bits of an amount in front of its multiplier tiles, where they have room."""

from amaranth.hdl import Const, unsigned

from streamnorm.logic.leading_one import shift_up
from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["fine_bits", "shifted_finely"]


def fine_bits(p: Pipeline, other_width: int, width: int, amount: Timed) -> int:
    """How many low bits of ``amount`` a factor of ``width`` bits can be shifted by without more tiles."""
    if isinstance(amount.value, Const):
        return 0
    spare, fine = p.spare_bits(other_width, width), 0
    while fine < amount.width and (2 << fine) - 1 <= spare:
        fine += 1
    return fine


def shifted_finely(p: Pipeline, factor: Timed, amount: Timed, fine: int) -> Timed:
    """The factor times ``2**(most - low)``, ``low`` being the low ``fine`` bits of the amount and ``most`` the most that
    they can be: what is ``most`` bits lower in the product is the product shifted right by ``low``."""
    if not fine:
        return factor
    up = p.operate("up", 0.0, [amount.bits(0, fine)], unsigned(fine), lambda x: ~x)
    return p.registered(shift_up(p, p.target, factor, up, (1 << fine) - 1))
