"""Pseudo-random elements for the self-test, in hardware and in Python.

A 31-bit linear feedback shift register (x**31 + x**28 + 1) is stepped 16 times for each beat. Lane ``k`` takes its
low bits from the register rotated by ``5 k``. ``narrow`` puts a constant above the low three bits: rows far from zero
and of small variance. Of a floating-point number, all but the low three bits of the exponent are constant, too: numbers
around 1, since one NaN would make a whole row NaN.

Each stream beside the rows has a register of its own, of another seed. What lies side by side in a lane counts as a
lane.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.spec.formats import FloatFormat

from .unit_streams import UnitStream, inputs_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streamnorm.spec.config import NormConfig
    from streamnorm.spec.formats import NumberFormat

__all__ = ["Pattern", "PatternModel"]

_BITS: Final = 31
_TAP: Final = 3  # the feedback: the top bit and the one three below it
_STEPS: Final = 16
_SEED: Final = 0x2545F491
_REGISTER: Final = (1 << _BITS) - 1
_ROTATION: Final = 5
_NARROW_BITS: Final = 3
_EXPONENT_BITS: Final = 3


def _seed(stream: UnitStream) -> int:
    return _SEED * (2 * stream.index + 1) & _REGISTER


def _narrow_bits(number_format: NumberFormat) -> int:
    """The low bits that are random in narrow elements: of a floating-point number, those of the fraction only."""
    if isinstance(number_format, FloatFormat):
        return min(_NARROW_BITS, number_format.fraction_bits)
    return _NARROW_BITS


def _narrow_base(number_format: NumberFormat) -> int:
    """What is above these bits: a quarter of the range above zero; of a floating-point number, 1."""
    if isinstance(number_format, FloatFormat):
        return number_format.bias << number_format.fraction_bits
    return 1 << (number_format.bits - 2) if number_format.bits - 2 >= _NARROW_BITS else 0


def _constant(number_format: FloatFormat) -> tuple[int, int]:
    """Which bits of a floating-point number are constant, and what they are: those of 1.

    The highest bit of the exponent is 0 there, so that no number is infinite or NaN.
    """
    random = min(_EXPONENT_BITS, number_format.exponent_bits - 1)
    high = (1 << number_format.exponent_bits) - (1 << random)
    return high << number_format.fraction_bits, (number_format.bias & high) << number_format.fraction_bits


class Pattern(wiring.Component):
    """The pattern's beats, from the first one again after ``restart``.

    Parameters
    ----------
    config : NormConfig
    stream : UnitStream, optional
        The one that it is for; the rows where absent.

    Members
    -------
    restart, narrow : In(1)
    advance : In(1)
        The beat is taken.
    data : Out(8 * octets of a beat); a beat as the unit takes it
    """

    def __init__(self, config: NormConfig, stream: UnitStream | None = None) -> None:
        self._stream = stream or inputs_of(config)[0]
        width = 8 * self._stream.beat_octets
        super().__init__({"restart": In(1), "narrow": In(1), "advance": In(1), "data": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        seed = _seed(self._stream)
        state = Signal(_BITS, init=seed)
        fed = [state[_BITS - 1 - i] ^ state[_BITS - 1 - _TAP - i] for i in range(_STEPS)]
        with m.If(self.restart):
            m.d.sync += state.eq(seed)
        with m.Elif(self.advance):
            m.d.sync += state.eq(Cat(*reversed(fed), state))
        lanes: list[Value] = []
        for lane, number in enumerate(self._stream.numbers * self._stream.lanes):
            shift = _ROTATION * lane % _BITS
            rotated = Cat(state[shift:], state[:shift])
            value: Value = Cat(rotated, rotated)[: number.bits] if number.bits > _BITS else rotated[: number.bits]
            if isinstance(number, FloatFormat):
                which, constant = _constant(number)
                value = (value & ~Const(which, number.bits) | constant)[: number.bits]
            low = _narrow_bits(number)
            base = Const(_narrow_base(number), number.bits)[low:]
            lanes += [value[:low], Mux(self.narrow, base, value[low:])[: number.bits - low]]
            lanes.append(Const(0, number.bytes * 8 - number.bits))
        m.d.comb += self.data.eq(Cat(*lanes))
        return m


class PatternModel:
    """The same in Python."""

    def __init__(self, config: NormConfig, stream: UnitStream | None = None) -> None:
        self._stream = stream or inputs_of(config)[0]
        self._state = _seed(self._stream)

    def rows(self, count: int, length: int, *, narrow: bool) -> NDArray[np.int64]:
        """Return the elements of the next ``count`` rows of ``length`` elements."""
        return self.each(count, length, narrow=narrow)[0]

    def each(self, count: int, length: int, *, narrow: bool) -> list[NDArray[np.int64]]:
        """Return the same of each of the numbers that lie side by side in a lane; (count, 1) of one element a row."""
        numbers, length = self._stream.numbers, self._stream.length(length)
        lanes, abreast = self._stream.lanes * len(numbers), len(numbers)
        beats = -(-length // self._stream.lanes)
        states = np.empty(count * beats, np.int64)
        for index in range(len(states)):
            states[index] = self._state
            # All steps at once: what comes in depends on bits that were there before the first step only.
            fed = (self._state >> (_BITS - _STEPS) ^ self._state >> (_BITS - _STEPS - _TAP)) & ((1 << _STEPS) - 1)
            self._state = (self._state << _STEPS | fed) & ((1 << _BITS) - 1)
        shifts = _ROTATION * np.arange(lanes) % _BITS
        rotated = states[:, None] >> shifts | states[:, None] << (_BITS - shifts)
        rotated &= _REGISTER
        return [
            _values(number, rotated[:, place::abreast], narrow=narrow).reshape(count, -1)[:, :length]
            for place, number in enumerate(numbers)
        ]


def _values(number: NumberFormat, rotated: NDArray[np.int64], *, narrow: bool) -> NDArray[np.int64]:
    """Elements of a format, from as many times the register."""
    values = (rotated | rotated << _BITS) & ((1 << number.bits) - 1)
    if isinstance(number, FloatFormat):
        which, constant = _constant(number)
        values = values & ~which | constant
    if narrow:
        low = (1 << _narrow_bits(number)) - 1
        values = values & low | _narrow_base(number) & ~low
    if number.signed:
        values = (values ^ (1 << number.bits - 1)) - (1 << number.bits - 1)
    return values
