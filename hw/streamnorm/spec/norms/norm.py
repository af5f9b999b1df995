"""What there is to say about a norm."""

from abc import ABC, abstractmethod
from math import isqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamnorm.spec.formats import NumberFormat

__all__ = ["Norm"]


class Norm(ABC):
    """A norm of a row ``x`` of n elements, before gamma and beta, as the unit computes it:

        z = (w*d - C*S1) / sqrt(V)        V = w*(B*S2 + A*S1**2 + w*e) - B*C*S1**2

    with ``d = x - pivot``, ``S1`` and ``S2`` the sums of d and of d**2 over the row, ``w`` its :meth:`weight`,
    ``e = epsilon / scale**2``, and A, B and C 1 or 0. With the deviation of a sample, over n - 1,

        z = (w*d - (n - 1)*S1) / sqrt(V)        V = w * (n*S2 - S1**2), without epsilon        w = n*(n - 1)

    with absolute deviations in the place of squares,

        z = (w*d - n*S1) / sqrt(V)        sqrt(V) = M + w*sqrt(e)        M = sum(abs(n*d - S1))        w = n**2

    with the root of the weight, where V is divided by w,

        z = sqrt(w)*d / sqrt(V)        V = B*S2 + A*S1**2 + w*e

    and with a curvature k, ``u = z - k*z**2`` takes the place of z where gamma is. Where epsilon is placed otherwise,
    see :mod:`streamnorm.spec.epsilon_placements`. Nothing else asks a norm's name: whoever needs to know something of
    it reads it here.

    Attributes
    ----------
    name : what ``NormConfig.norm`` calls it
    title : what people call it
    about : what becomes of the mean, in a few words
    use : which models it is for
    formula, source : as its paper has it; where that was published
    keys : keys of a configuration that not every norm takes, and this one does
    centred : C: the mean is subtracted, and the pivot is an element of the row, since neither z nor V depends on it.
        Else the pivot is the input's zero point.
    has_squares : B: V has S2 in it
    has_squared_sum : A: V has the square of S1 in it
    has_weight_root : V is divided by w, and the root of w is looked up, see above
    has_unit_weight, weight_offset : w is 1 in every row; else what w is more than the number of elements
    has_sample_variance : the variance is over n - 1, see above
    has_absolute_sum : the deviation is the mean of absolute ones, see above; they need S1, and so a second pass
    curvature : k; 0 where u is z
    placement : where epsilon is, of :data:`~streamnorm.spec.epsilon_placements.EPSILON_PLACEMENTS`; None where the
        configuration says so
    margin : how much faster than other units its own is pipelined unless the configuration says how much: 0.2 for 20 %
    reach : ``|d| * w / sqrt(V)`` is at most ``reach`` times the largest ``|z|``
    length_weight : what ``w / V`` is at most, with w in V, where V without epsilon is not 0; None where that may be 0
        and z is not
    counts_steps : z in the unit is a number of input steps, no real one; of integers that come in
    statistic_length : the moments are those of so many elements at the row's beginning; None for all of them
    why_not_deferred : why there is no unit whose scales leave beside the rows; empty where there is one
    """

    name: str
    title: str
    about: str
    use: str
    formula: str
    source: str
    keys: frozenset[str] = frozenset({"epsilon", "epsilon_placement", "gamma_rounding"})
    centred: bool
    has_squares: bool = True
    has_squared_sum: bool = False
    has_weight_root: bool = False
    has_unit_weight: bool = False
    weight_offset: int = 0
    has_sample_variance: bool = False
    has_absolute_sum: bool = False
    curvature: float = 0.0
    placement: str | None = None
    margin: float = 0.0
    reach: float
    length_weight: int | None
    counts_steps: bool = False
    statistic_length: int | None = None
    why_not_deferred: str = ""

    def of(self, keys: dict[str, Any]) -> "Norm":
        """The norm with what a configuration says of those :attr:`keys` that change it."""
        return self

    @property
    def has_statistic(self) -> bool:
        """Whether z depends on more of the row than its own element; else see
        :class:`~streamnorm.spec.norms.static_norm.StaticNorm`."""
        return self.centred or self.has_squares or self.has_squared_sum

    def z_unit(self, source: "NumberFormat") -> float:
        """What a z of 1 in the unit is worth: the input scale where :attr:`counts_steps`, which is then in gamma.

        Floating-point numbers have no scale that gamma would have to hold.
        """
        return source.scale if self.counts_steps and not source.is_float else 1.0

    @property
    def has_sum(self) -> bool:
        """Whether S1 is worked out."""
        return self.centred or self.has_squared_sum

    @property
    def pivot_in_row(self) -> bool:
        """Whether the pivot is an element of the row; else it is the input's zero point."""
        return self.centred

    @property
    def has_variance(self) -> bool:
        """Whether V is a variance: the sum of squares needs the mean."""
        return self.centred and self.has_squares

    @property
    def has_spread(self) -> bool:
        """Whether elements are measured from the mean, be it by squares or not."""
        return self.has_variance or self.has_absolute_sum

    @property
    def has_constant_deviation(self) -> bool:
        """Whether nothing of V is of the row but w, though the mean is subtracted."""
        return self.centred and not self.has_spread

    @property
    def has_factor(self) -> bool:
        """Whether w is n times a :meth:`factor`, which S1 is taken times, too."""
        return self.has_sample_variance or self.has_absolute_sum

    def factor(self, count: Any) -> Any:
        """That factor of rows of ``count`` elements: integers, or values of hardware."""
        return count - 1 if self.has_sample_variance else count

    def weight(self, n: int) -> int:
        """``w`` of a row of ``n`` elements; it never falls as n grows."""
        count = self.count(n)
        return count * self.factor(count) if self.has_factor else count

    def weight_in_variance(self, n: int) -> int:
        """What the sums have in V: w, or 1 where V is divided by it."""
        return 1 if self.has_weight_root else self.weight(n)

    def exponent(self, n: int) -> int:
        """Bits of the integer part of what d is multiplied by, w or its root, in a row of ``n`` elements."""
        weight = self.weight(n)
        return (isqrt(weight) if self.has_weight_root else weight).bit_length()

    def count(self, n: int) -> int:
        """What w is made of: in most norms w itself; n where it :attr:`has_factor`."""
        if self.has_unit_weight:
            return 1
        return (n if self.statistic_length is None else min(n, self.statistic_length)) + self.weight_offset

    def differences(self, low: int, high: int, zero_point: int) -> tuple[int, int]:
        """The smallest and the largest d where elements go from ``low`` to ``high``."""
        return (low - high, high - low) if self.pivot_in_row else (low - zero_point, high - zero_point)

    def nonzero_differences(self, n: int) -> int:
        """How many of the d that the moments are of can differ from 0, in a row of ``n`` elements."""
        if self.pivot_in_row:
            return n - 1  # the pivot is one of them
        return n if self.statistic_length is None else min(n, self.statistic_length)

    @abstractmethod
    def variance_limits(self, n: int, largest: int) -> tuple[int, int]:
        """The smallest V above 0 and the largest of rows of ``n`` elements with ``|d| <= largest``, without epsilon.

        The largest M, where there is one, is the root of the largest V.

        The smallest is 0 where V is 0 in every such row.
        """

    @abstractmethod
    def square_limit(self, n: int) -> int | None:
        """The largest ``z**2`` in rows of up to ``n`` elements, whatever epsilon is; None where only epsilon limits it.

        Then epsilon is not 0, and V without it may be 0 where z is not.
        """

    @abstractmethod
    def epsilon_weight(self, n: int) -> int | None:
        """What ``w**2 / V`` is at most, with w in V, in rows of up to ``n`` elements, where V without epsilon is not 0.

        None where that may be 0 and z is not.
        """
