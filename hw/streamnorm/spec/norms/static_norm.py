"""What static norms have in common: nothing of a row is measured."""

from abc import abstractmethod

from streamnorm.spec.formats import NumberFormat

from .norm import Norm

__all__ = ["StaticNorm"]


class StaticNorm(Norm):
    """A norm whose z is a function of one element and of constants: no sums, no V, w = 1.

    ``d = x - zero_point``. There is no epsilon, since nothing is divided by.
    """

    keys: frozenset[str] = frozenset()
    centred = False
    has_squares = False
    has_unit_weight = True
    reach = 1.0
    length_weight = None

    def nonzero_differences(self, n: int) -> int:
        return 0

    def variance_limits(self, n: int, largest: int) -> tuple[int, int]:
        return 0, 0

    def square_limit(self, n: int) -> None:
        return None

    def epsilon_weight(self, n: int) -> None:
        return None

    @abstractmethod
    def largest(self, source: NumberFormat) -> float:
        """The largest ``|z|`` of elements of the format ``source``, in units of :meth:`z_unit`."""
