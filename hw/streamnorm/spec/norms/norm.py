"""What there is to say about a norm."""

from abc import ABC, abstractmethod

__all__ = ["Norm"]


class Norm(ABC):
    """A norm of a row ``x`` of n elements, before gamma and beta, as the unit computes it:

        z = (n*d - C*S1) / sqrt(V)        V = n*(S2 + n*e) - C*S1**2

    with ``d = x - pivot``, ``S1`` and ``S2`` the sums of d and of d**2 over the row, ``e = epsilon / scale**2``, and
    ``C`` 1 or 0. Nothing else asks a norm's name: whoever needs to know something of it reads it here.

    Attributes
    ----------
    name : what ``NormConfig.norm`` calls it
    title : what people call it
    about : what becomes of the mean, in a few words
    formula, source : as its paper has it; where that was published
    centred : C: the mean is subtracted, and the pivot is an element of the row, since neither z nor V depends on it.
        Else the pivot is the input's zero point, and S1 is not needed.
    reach : ``|d| * n / sqrt(V)`` is at most ``reach * sqrt(n)``
    length_weight : what ``n / V`` is at most, where V without epsilon is not 0
    """

    name: str
    title: str
    about: str
    formula: str
    source: str
    centred: bool
    reach: float
    length_weight: int

    @abstractmethod
    def differences(self, low: int, high: int, zero_point: int) -> tuple[int, int]:
        """The smallest and the largest d where elements go from ``low`` to ``high``."""

    @abstractmethod
    def nonzero_differences(self, n: int) -> int:
        """How many d of a row of ``n`` elements can differ from 0."""

    @abstractmethod
    def variance_limits(self, n: int, largest: int) -> tuple[int, int]:
        """The smallest V above 0 and the largest of rows of ``n`` elements with ``|d| <= largest``, without epsilon.

        The smallest is 0 where V is 0 in every such row.
        """

    @abstractmethod
    def square_limit(self, n: int) -> int:
        """The largest ``z**2`` in rows of up to ``n`` elements."""

    @abstractmethod
    def epsilon_weight(self, n: int) -> int:
        """What ``n**2 / V`` is at most in rows of up to ``n`` elements, where V without epsilon is not 0."""
