"""The streams of a unit as a board plays and records them: its rows and results first, then those beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamnorm.spec.fusions import streams_of
from streamnorm.spec.row_flags import user_bits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamnorm.spec.config import NormConfig
    from streamnorm.spec.formats import NumberFormat
    from streamnorm.spec.fusions import SideStream

__all__ = ["UnitStream", "inputs_of", "outputs_of", "row_octets"]


@dataclass(frozen=True)
class UnitStream:
    """One stream.

    Attributes
    ----------
    index : its place among those of its direction; 0 is the rows, or the results
    name : what it is called; of the rows and the results, ""
    ports : what its ports begin with, such as ``s_axis_residual``
    numbers : formats of what lies side by side in a lane
    lanes : lanes of a beat
    user_bits : of ``tuser`` of a stream that comes out
    names : of what lies side by side; of the rows and the results, ""
    per_row : whether a row has one beat of one lane
    """

    index: int
    name: str
    ports: str
    numbers: tuple[NumberFormat, ...]
    lanes: int
    user_bits: int = 1
    names: tuple[str, ...] = ("",)
    per_row: bool = False

    @property
    def suffix(self) -> str:
        """What tells the blocks for it from those for the rows and results."""
        return f"_{self.name}" if self.index else ""

    @property
    def lane_octets(self) -> int:
        return sum(number.bytes for number in self.numbers)

    @property
    def beat_octets(self) -> int:
        return self.lanes * self.lane_octets

    def beats(self, row_beats: int) -> int:
        """Its beats for a row whose elements have so many."""
        return 1 if self.per_row else row_beats

    def length(self, elements: int) -> int:
        """Its lanes that count for a row of so many elements."""
        return 1 if self.per_row else elements


def inputs_of(config: NormConfig) -> list[UnitStream]:
    """What goes into the unit."""
    rows = UnitStream(0, "", "s_axis", (config.input,), config.lanes)
    return [rows, *_beside("s_axis", config, config.side_inputs)]


def outputs_of(config: NormConfig) -> list[UnitStream]:
    """What comes out of it."""
    results = UnitStream(0, "", "m_axis", (config.output,), config.lanes, user_bits(config))
    return [results, *_beside("m_axis", config, config.side_outputs)]


def _beside(ports: str, config: NormConfig, sides: Iterable[SideStream]) -> list[UnitStream]:
    return [
        UnitStream(
            index,
            name,
            f"{ports}_{name}",
            tuple(side.number for side in carried),
            carried[0].lanes(config.lanes),
            names=tuple(side.name for side in carried),
            per_row=carried[0].per_row,
        )
        for index, (name, carried) in enumerate(streams_of(sides).items(), 1)
    ]


def row_octets(streams: Iterable[UnitStream], row_beats: int) -> int:
    """Octets of all the streams' beats of a row whose elements have so many beats."""
    return sum(stream.beats(row_beats) * stream.beat_octets for stream in streams)
