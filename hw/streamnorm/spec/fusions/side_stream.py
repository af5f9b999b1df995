"""A stream beside the rows that are normalized."""

from collections.abc import Iterable
from dataclasses import dataclass

from streamnorm.spec.formats import NumberFormat

__all__ = ["SideStream", "streams_of"]


@dataclass(frozen=True)
class SideStream:
    """What goes in with the rows of the unit, or comes out with their results: rows, as many, each of as many elements;
    or, ``per_row``, one element of each row, alone in a beat that has ``last``.

    Attributes
    ----------
    name : what they are called
    number : format of their elements
    meaning : one line
    carrier : name of the stream that carries them side by side with others, lane by lane; if empty, that is their own
        name. Its ports are ``s_axis_NAME_…`` or ``m_axis_NAME_…``
    follows : they are asked for when the row is complete, which has its length whatever theirs is: where it is another
        one, the row is flagged. Else a row ends where the shortest of all does
    per_row : whether there is one element of each row
    ahead : of rows that come out, whether they leave before the results are made: their error flags tell nothing of
        streams that are asked for later, which follow or have one element of each row
    member : what the unit's own stream is called; if empty, that is the name
    """

    name: str
    number: NumberFormat
    meaning: str
    carrier: str = ""
    follows: bool = False
    per_row: bool = False
    ahead: bool = False
    member: str = ""

    @property
    def stream(self) -> str:
        """Name of the stream that carries them."""
        return self.carrier or self.name

    @property
    def port(self) -> str:
        """Name of the unit's stream."""
        return self.member or self.name

    def lanes(self, lanes: int) -> int:
        """Elements side by side in a beat, those of the unit's rows being ``lanes``."""
        return 1 if self.per_row else lanes


def streams_of(sides: Iterable[SideStream]) -> dict[str, list[SideStream]]:
    """The rows that each stream carries, in the order in which they lie in a lane, by the stream's name."""
    streams: dict[str, list[SideStream]] = {}
    for side in sides:
        streams.setdefault(side.stream, []).append(side)
    return streams
