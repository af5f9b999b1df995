"""A stream beside the rows that are normalized."""

from dataclasses import dataclass

from streamnorm.spec.formats import NumberFormat

__all__ = ["SideStream"]


@dataclass(frozen=True)
class SideStream:
    """What goes in with the rows of the unit, or comes out with their results: rows, as many, each of as many elements;
    or, ``per_row``, one element of each row, alone in a beat that has ``last``.

    Attributes
    ----------
    name : what it is called; its ports are ``s_axis_NAME_…`` or ``m_axis_NAME_…``
    number : format of its elements
    meaning : one line
    per_row : whether there is one element of each row
    """

    name: str
    number: NumberFormat
    meaning: str
    per_row: bool = False

    def lanes(self, lanes: int) -> int:
        """Elements side by side in a beat, those of the unit's rows being ``lanes``."""
        return 1 if self.per_row else lanes
