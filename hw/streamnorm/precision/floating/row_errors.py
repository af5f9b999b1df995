"""What it costs that the sums of a row of floating-point numbers leave out what is small."""

from math import sqrt
from typing import NamedTuple

from streamnorm.spec.norms import Norm

from .row_sums import RowSums

__all__ = ["SumsError", "sums_error"]


class SumsError(NamedTuple):
    """How far a normalized value is off because of its row's sums.

    Attributes
    ----------
    relative : of 1 / sqrt(V), and so of z, relative to itself
    absolute : of z besides, because of the mean
    """

    relative: float
    absolute: float


def sums_error(norm: Norm, sums: RowSums | None, length: int, degree: int = 2) -> SumsError:
    """The largest errors in rows of up to ``length`` elements; none of integers, whose sums are exact. ``degree`` is
    that of epsilon's placement.

    Let X be the magnitude of the row's largest element, or the root of epsilon if that is more, D what each dropped
    element is less than, as a share of X, and u the unit of the row, ``u <= X * 2**(1 - row_bits)``. Where anything is
    dropped or cut, there is an element less than ``X / 4``, say.

    **Without a mean**, ``S2 >= X**2`` lacks less than ``n * (D*X)**2`` and one ``u**2``.

    **With a mean**, the variance v is at least ``X**2 / 2n * (1 - D)**2``, since an element of X and a small one are
    X apart. The mean is off by less than ``D*X`` and ``u / n``, and so z by ``sqrt(2n) * D`` and
    ``sqrt(2/n) * 2**(1 - row_bits)``. Let m elements be dropped, and a be the mean of the others. ``n*v`` is off by
    ``2*m/n*D*X*(n-m)*|a|`` and less; with ``c = m*(n - m)/n <= n/4`` that is ``2*c*D*X*|a|``, while ``n*v`` is both at
    least ``c*a**2`` and at least ``X**2/2``. The geometric mean of the two quotients, which the smaller one does not
    exceed, is ``sqrt(2n) * D``; half of that is the error of the root. Of what is cut off, ``2*|S1|*u`` is at most
    ``2**(4 - row_bits)`` of ``n**2 * v``.

    **Beside an epsilon outside the root** V may be next to nothing, and its root is compared with that of epsilon. What
    is dropped or cut from the root is at most the root of what is dropped or cut: ``D*X`` for each element, n of them
    in quadrature without a mean; and of what is cut where no element is that small,
    ``u * sqrt(2**(mantissa_bits + 1))``.

    **With absolute deviations**, let d be their mean; ``n*d`` is twice the sum of those above the mean, and of those
    below, and so at least ``X * (1 - D)``. The mean is off by less than ``m*D*X/n`` and ``u/n``, m being the elements
    dropped. M is a sum over no more than n - 1 elements, each off by no more than the mean and by ``u/n``, and is taken
    twice; so d is off by ``2*m*D*X/n`` and ``2*u/n``, and the latter is ``2**(2 - row_bits)`` of it. Where the largest
    element and the dropped ones are on either side of the mean, whose distance from those is a, ``n*d`` is at least
    ``2*m*a``, and at least ``2*(X - a)``: more than ``2*X*m / (m + 1)``. Else it is ``2*X``. So
    ``2*m*D*X`` is at most ``(m + 1) * D`` of it, and z is off by half of that because of the mean. Beside an epsilon of
    X, 2 stands for n at least: all elements may be dropped.

    **With a constant deviation** errors are measured in the largest ``|z|`` of the row: where anything is dropped or
    cut, there is an element less than ``X / 4``, so that z is at least ``3/8 * X`` over the deviation. The mean is off
    as above, with ``n >= 2``.

    **With the square of the sum added**, V is at least ``S1**2 + X**2``, so ``2*|S1|*n*D*X`` is at most ``n*D`` of it.
    """
    if sums is None:
        return SumsError(0.0, 0.0)
    n = length if norm.statistic_length is None else min(length, norm.statistic_length)
    share, cut = sums.dropped, 2.0 ** (1 - sums.row_bits)
    if norm.has_constant_deviation:
        return SumsError(0.0, 8 / 3 * (share + cut / 2))
    spare = 1.05  # for what is of second order
    if norm.has_absolute_sum:
        of_dropped = max(n, 2) * share
        return SumsError(spare * (of_dropped + 2 * cut), spare * (of_dropped / 2 + cut))
    if norm.has_spread:
        relative = sqrt(n / 2) * share + 4 * cut
        if degree == 1:
            relative += share + cut * sqrt(2.0 ** (sums.elements.mantissa_bits - 1))
        return SumsError(spare * relative, spare * (sqrt(2 * n) * share + sqrt(2) * cut))
    squares = n * share**2 + cut**2
    if norm.has_squared_sum:
        squares += n * share * (1 + n * share) + 2 * cut
    outside = sqrt(n) * share + cut if degree == 1 else 0.0
    return SumsError(spare * (squares / 2 + outside), 0.0)
