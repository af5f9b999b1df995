"""Products with a constant as sums of shifted copies."""

from amaranth.hdl import Const, signed

from .timed_logic import Timed, TimedLogic

__all__ = ["signed_digits", "times_constant"]


def signed_digits(number: int) -> list[tuple[int, int]]:
    """``number`` as a sum of ``digit << place``, digits 1 and -1, as few as there can be (the non-adjacent form).

    Source: Reitwiesner, Binary arithmetic, Advances in Computers 1, 1960.
    """
    digits, place = [], 0
    while number:
        if number & 1:
            digit = 2 - (number & 3)
            digits.append((place, digit))
            number -= digit
        number, place = number >> 1, place + 1
    return digits


def times_constant(p: TimedLogic, value: Timed, factor: int) -> Timed:
    """``factor * value``, exact and signed, in adders: one less than ``factor``, which is not 0, has digits.

    A factor of digits that are all negative takes one more.
    """
    assert factor
    if not value.signed:
        value = p.concat(value, Timed(Const(0, 1), 0)).as_signed()
    terms = []
    for place, digit in signed_digits(factor):
        shifted = p.concat(Timed(Const(0, place), 0), value).as_signed() if place else value
        terms.append((digit, shifted))
    terms.sort(key=lambda term: -term[0])  # one that is added comes first
    shape = signed(value.width + abs(factor).bit_length())
    if terms[0][0] < 0:
        terms.insert(0, (1, p.constant(0, signed(1))))
    (_, total), *rest = terms
    for digit, term in rest:
        total = p.add(total, term, shape, subtract=digit < 0, name="times")
    return total
