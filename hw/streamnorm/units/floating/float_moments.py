"""The moments of a row of floating-point elements: sums in the unit of the row, in windows of binades."""

from collections.abc import Sequence
from typing import ClassVar

from amaranth.hdl import Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.leading_one import shift_right, shift_up
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.floating import FloatPrecision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm.units.row_part import RowPart

from .decoded import Decoded, decoded
from .row_top import RowTop
from .window_sums import window_sums

__all__ = ["FloatMoments"]


class FloatMoments(wiring.Component):
    """``n``, ``s1``, ``s2`` and ``top`` of the row so far, as :class:`~streamnorm.precision.floating.row_sums.RowSums`
    has them, and what is not in the sums: whether an element was special, or another than the row's first.

    ``n`` is what the row's weight is made of. Where a norm has a ``statistic_length``, all of this is of so many
    elements at the row's beginning.

    Takes a beat every cycle. Each output of a beat is there so many cycles after the cycle in which the beat's lanes
    are at the input as :attr:`cycles` says; all are registers, and all but n hold still where no beat comes. A sum that
    the norm has no use for is 0, and so is its cycle.

    Parameters
    ----------
    config : NormConfig, of floating-point input
    d_delay : ns of logic (block RAM) behind ``d``

    Members
    -------
    valid, first : In(1)
        There is a beat; it is its row's first.
    d : In(ArrayLayout(unsigned(bits of an element), lanes))
        Codes; 0 in lanes that are not kept.
    keep : In(lanes)
        Which lanes count, from lane 0 on.
    before : In(length_bits)
        Elements of the row before this beat.
    n : Out(count_bits); s1 : Out(signed(sum_bits)); s2 : Out(square_bits); top : Out(bits of the highest top)
    special : Out(2), of a centred norm Out(3)
        Bit 0: an element is NaN; bit 1: one is infinite. In the sums, both are 0. Bit 2: one has another code than the
        first: of equal elements, sums may lack what they drop, but z is 0.
    """

    names: ClassVar[tuple[str, ...]] = ("n", "s1", "s2", "top", "special")
    """Of its outputs."""

    about: ClassVar[str] = "align, square, add up the lanes, accumulate in windows, join these"

    def __init__(self, config: NormConfig, *, d_delay: float = 0.0) -> None:
        precision = FloatPrecision.of(config)
        source, sums = config.input, precision.sums
        assert isinstance(source, FloatFormat)
        assert sums is not None
        self._sums = sums
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "d": In(data.ArrayLayout(unsigned(source.bits), config.lanes)),
                "keep": In(config.lanes),
                "before": In(precision.length_bits),
                "n": Out(precision.count_bits),
                "s1": Out(signed(precision.sum_bits)),
                "s2": Out(precision.square_bits),
                "top": Out(sums.top_max.bit_length()),
                "special": Out(2 + config.formula.centred),
            }
        )
        self._m = m = Module()
        self._p = p = Pipeline(m, config.device, "moments")
        norm = config.formula
        counted = norm.statistic_length
        self._length = config.max_length if counted is None else min(counted, config.max_length)
        first = p.input(self.first)
        part = RowPart(p, config, p.input(self.valid), self.before)
        codes = part.lanes([p.input(self.d[lane], 0, d_delay) for lane in range(config.lanes)])
        lanes = [decoded(p, source, code) for code in codes]
        top = RowTop(p, sums, [lane.binade for lane in lanes], first, part.valid)
        elsewhere = [top.is_elsewhere(lane.binade) for lane in lanes]
        moves = top.moves()
        flags = [p.concat(lane.nan, lane.infinite) for lane in lanes]
        if norm.centred:
            unlike = self._unlike(codes, first, part.valid)
            flags = [p.concat(*each) for each in zip(flags, unlike, strict=True)]
        results = {"top": top.top, "special": self._special(flags, first, part.valid)}

        aligned = [self._aligned(lane, has_sign=norm.has_sum) for lane in lanes]
        if norm.has_squares:
            squares = [self._square(lane, number) for lane, number in zip(lanes, aligned, strict=True)]
            places = self._places("s2", squares, elsewhere, moves, part.valid)
            results["s2"] = self._joined(places, top.top, 2, precision.square_bits)
        if norm.has_sum:
            places = self._places("s1", aligned, elsewhere, moves, part.valid)
            results["s1"] = self._joined(places, top.top, 1, precision.sum_bits)
        if not norm.has_unit_weight:
            results["n"] = part.count([self.keep[lane] for lane in range(config.lanes)], precision.count_bits)
        for name, result in results.items():
            p.drive(getattr(self, name), result)
        self.cycles = {name: results[name].cycle if name in results else 0 for name in self.names}
        """Of each output, by name."""
        self.n_cycle, self.s1_cycle, self.s2_cycle = (self.cycles[name] for name in ("n", "s1", "s2"))
        self.top_cycle, self.special_cycle = self.cycles["top"], self.cycles["special"]
        self.multipliers = p.multipliers

    def _shift(self, binade: Timed) -> Timed:
        """``binade % window``."""
        return self._p.extend(binade, self._sums.shift_bits)

    def _aligned(self, lane: Decoded, *, has_sign: bool) -> Timed:
        """``x << binade % window``; without a sign its magnitude."""
        p, number = self._p, lane.magnitude
        if has_sign:
            delay = p.target.adder(number.width + 1) + p.target.family.lut
            shape = signed(number.width + 1)
            number = p.operate("signed", delay, [number, lane.negative], shape, _negated_where)
        return self._shifted(lane, number)

    def _shifted(self, lane: Decoded, number: Timed, step: int = 1) -> Timed:
        return shift_up(self._p, self._p.target, number, self._shift(lane.binade), self._sums.window - 1, step)

    def _square(self, lane: Decoded, aligned: Timed) -> Timed:
        """Of an aligned number: shifted before where that takes no more multipliers, else after."""
        p, sums, tile = self._p, self._sums, self._p.target.family.tile
        width, bits = sums.elements.mantissa_bits, sums.aligned_bits
        if tile is None or -(-width // min(tile)) < -(-bits // min(tile)):
            return self._shifted(lane, p.square(lane.magnitude), step=2)
        if aligned.width > min(tile):
            aligned = self._shifted(lane, lane.magnitude)
        return p.square(aligned).bits(0, 2 * bits)

    def _places(
        self,
        name: str,
        numbers: Sequence[Timed],
        elsewhere: Sequence[Sequence[Timed]],
        moves: Sequence[Timed],
        valid: Timed,
    ) -> list[Timed]:
        """The sum of each place, over the row so far."""
        p = self._p
        is_signed, largest = numbers[0].signed, (1 << numbers[0].width - numbers[0].signed) * self._length
        shape = Shape(largest.bit_length() + is_signed, is_signed)
        beat = []
        for place in range(self._sums.count):
            kept = [p.cleared(number, away[place]) for number, away in zip(numbers, elsewhere, strict=True)]
            beat.append(self._sum(kept, shape))
        return window_sums(p, name, beat, moves, valid, shape)

    def _sum(self, terms: Sequence[Timed], shape: Shape) -> Timed:
        """As ``Pipeline.sum``, with a register behind each adder: of adders in one cycle, synthesis makes one of
        many operands, which takes more logic."""
        level = list(terms)
        while len(level) > 1:
            pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
            level = [self._p.registered(self._p.sum(pair, shape)) for pair in pairs]
        return level[0]

    def _joined(self, places: Sequence[Timed], top: Timed, degree: int, width: int) -> Timed:
        """The places' sums joined, in the unit of the row; of numbers to the power ``degree``."""
        p, sums = self._p, self._sums
        step, last = degree * sums.window, len(places) - 1
        terms = [(step * (last - place), places[place]) for place in range(last, -1, -1)]
        total = p.combine(terms, Shape(places[0].width + step * last + 1, places[0].signed))
        cut = degree * sums.cut_bits
        whole = total.bits(cut, total.width) if cut > 0 else p.concat(p.constant(0, unsigned(-cut)), total)
        whole = whole.as_signed() if total.signed else whole
        return p.registered(shift_right(p, p.target, whole, self._shift(top), sums.window - 1, width, step=degree))

    def _unlike(self, codes: Sequence[Timed], first: Timed, valid: Timed) -> list[Timed]:
        """Of each lane of the beat, whether there is an element that is another than its row's first."""
        p, lut = self._p, self._p.target.family.lut
        (code, first, valid), _ = p.align(codes[0], first, valid, delay=lut)
        held = Signal(code.width, reset_less=True, name=p.label("first_element"))
        with self._m.If(valid.value & first.value):
            self._m.d.sync += held.eq(code.value)
        of_row = p.operate("of_row", lut, [first, code, Timed(held, code.cycle)], unsigned(code.width), Mux)
        of_row, delay = p.registered(of_row), p.target.logic(2 * code.width)

        def unlike(x: Value, y: Value, kept: Value) -> Value:
            return kept & (x != y)

        kept = [p.input(self.keep[lane]) for lane in range(len(codes))]
        return [
            p.registered(p.operate("unlike", delay, [x, of_row, k], unsigned(1), unlike))
            for x, k in zip(codes, kept, strict=True)
        ]

    def _special(self, flags: Sequence[Timed], first: Timed, valid: Timed) -> Timed:
        """Each flag, whether a lane had it in the row so far."""
        p, width = self._p, flags[0].width
        lut = p.target.family.lut

        def any_of(*values: Value) -> Value:
            result = values[0]
            for value in values[1:]:
                result = result | value
            return result

        delay = p.target.logic(len(flags))
        now = p.registered(p.operate("special_beat", delay, flags, unsigned(width), any_of))
        (now, first, valid), _ = p.align(now, first, valid, delay=lut)
        seen = Signal(width, reset_less=True, name=p.label("special_seen"))
        with self._m.If(valid.value):
            self._m.d.sync += seen.eq(Mux(first.value, 0, seen) | now.value)
        return Timed(seen, now.cycle + 1)

    def elaborate(self, platform: object) -> Module:
        return self._m


def _negated_where(magnitude: Value, negative: Value) -> Value:
    """One adder, where ``Mux(negative, -magnitude, magnitude)`` takes a multiplexer besides."""
    return (magnitude ^ negative.replicate(len(magnitude) + 1)).as_signed() + negative
