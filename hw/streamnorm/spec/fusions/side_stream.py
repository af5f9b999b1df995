"""A stream of rows beside the one that is normalized."""

from dataclasses import dataclass

from streamnorm.spec.formats import NumberFormat

__all__ = ["SideStream"]


@dataclass(frozen=True)
class SideStream:
    """Rows that go in with the rows of the unit, or come out with their results: as many, each of as many elements.

    Attributes
    ----------
    name : what it is called; its ports are ``s_axis_NAME_…`` or ``m_axis_NAME_…``
    number : format of its elements
    meaning : one line
    """

    name: str
    number: NumberFormat
    meaning: str
