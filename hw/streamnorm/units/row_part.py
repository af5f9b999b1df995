"""Which elements of a row its moments count, and how many these are."""

from collections.abc import Sequence
from operator import and_

from amaranth.hdl import Mux, Value, unsigned

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.config import NormConfig

__all__ = ["RowPart"]


class RowPart:
    """All elements of a row, or, where a norm has a ``statistic_length``, so many at its beginning.

    Parameters
    ----------
    p : where the logic goes
    config : NormConfig
    valid : there is a beat
    before : elements of the row before this beat

    Attributes
    ----------
    valid : there is a beat, and it is not behind the part: of such a beat nothing is added up
    """

    def __init__(self, p: Pipeline, config: NormConfig, valid: Timed, before: Value) -> None:
        self._p, self._config, self._before = p, config, before
        self._counted = counted = config.formula.statistic_length
        self._counted_beat: Timed | None = None
        self.valid = valid
        if counted is not None:
            self._counted_beat = self._is_before(-(-counted // config.lanes) * config.lanes)
            lut = p.target.family.lut
            self.valid = p.operate("counted_beat", lut, [valid, self._counted_beat], unsigned(1), and_)

    def lanes(self, lanes: Sequence[Timed]) -> list[Timed]:
        """The lanes, 0 in the beat in which the part ends, where they are behind it."""
        if self._counted is None:
            return list(lanes)
        beats, rest = divmod(self._counted, len(lanes))
        if not rest:
            return list(lanes)
        counted = self._is_before(beats * len(lanes))
        return [*lanes[:rest], *(self._masked(counted, lane) for lane in lanes[rest:])]

    def count(self, keep: Sequence[Value], shape_bits: int) -> Timed:
        """What the row's weight is made of up to this beat, from a register; the weight is that of the part.

        ``keep``: which lanes count. ``shape_bits``: of the result.
        """
        p, config = self._p, self._config
        length = unsigned(len(self._before))
        kept = self.lanes([p.input(lane) for lane in keep])
        n = p.add(p.input(self._before), p.sum(kept, length), length, name="n")
        if self._counted is not None and self._counted_beat is not None:
            part = p.constant(self._counted, n.value.shape())
            n = p.select(self._counted_beat, n, part).bits(0, shape_bits)
        offset = config.formula.weight_offset
        if offset:
            n = p.add(n, p.constant(offset, unsigned(offset.bit_length())), unsigned(shape_bits), name="weight")
        return p.registered(n)

    def _is_before(self, end: int) -> Timed:
        """Whether a beat's lane 0 is among the row's first ``end`` elements; from a register, since it goes far."""
        p = self._p
        before = p.input(self._before)
        delay = p.target.adder(before.width)
        return p.registered(p.operate("is_before", delay, [before], unsigned(1), lambda x: x < end))

    def _masked(self, counted: Timed, lane: Timed) -> Timed:
        lut = self._p.target.family.lut
        return self._p.operate("lane", lut, [counted, lane], lane.value.shape(), lambda x, y: Mux(x, y, 0))
