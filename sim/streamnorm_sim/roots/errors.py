"""The error of a reciprocal square root over all mantissas, measured on the model that is the hardware bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streamnorm.spec.roots import RootMethod

__all__ = ["BINS", "MANTISSAS_MAX", "MANTISSAS_MIN", "RootErrors", "measure_errors"]

BINS = 128
"""Pieces of 1 … 2, and as many of 2 … 4, of which the extremes are kept."""

MANTISSAS_MAX = 1 << 24
"""More are not measured: they are spread evenly then."""

MANTISSAS_MIN = 4 * BINS
"""Fewer would leave pieces without any."""

_AT_ONCE = 1 << 16

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RootErrors:
    """Relative errors ``rho * 2**-rho_bits * sqrt(x) - 1`` of a root over 1 <= x < 4.

    A mantissa stands for every x that is cut to it: at its lowest x the error is lowest, just below the next mantissa
    it is highest. Both are taken, in float64, which is off by less than ``2**-51``.

    Attributes
    ----------
    root : whose errors they are
    mantissas : how many were measured, even and odd exponents together
    low, high : extremes in each of `BINS` equal pieces of 1 … 2, then of 2 … 4
    """

    root: RootMethod
    mantissas: int
    low: Reals
    high: Reals

    @property
    def is_every(self) -> bool:
        """Whether every mantissa was measured."""
        return self.mantissas == mantissa_count(self.root)

    @property
    def largest(self) -> float:
        """The largest magnitude."""
        return float(max(-self.low.min(), self.high.max()))

    @property
    def edges(self) -> Reals:
        """Where the pieces begin and end."""
        piece = np.arange(BINS) / BINS
        return np.concatenate([1 + piece, 2 + 2 * piece, [4.0]])

    @property
    def magnitude(self) -> Reals:
        """The largest magnitude in each piece."""
        return np.maximum(-self.low, self.high)


def mantissa_count(root: RootMethod) -> int:
    """Return how many mantissas there are, even and odd exponents together."""
    return 2 << root.mantissa_bits


def measure_errors(
    root: RootMethod, most: int = MANTISSAS_MAX, progress: Callable[[float], None] | None = None
) -> RootErrors:
    """Measure the errors of a root.

    Parameters
    ----------
    root : RootMethod
    most : int
        `MANTISSAS_MIN` to `MANTISSAS_MAX`. If there are more mantissas, so many are measured, evenly spread and the
        first and the last among them.
    progress : callable
        Called with the share that is done, now and then.
    """
    each = min(mantissa_count(root), most) // 2
    low, high = np.full(2 * BINS, np.inf), np.full(2 * BINS, -np.inf)
    done = 0
    for odd in (0, 1):
        for mantissa in _mantissas(root, each):
            at_low, at_high = _errors(root, mantissa, odd)
            piece = ((mantissa * BINS) >> root.mantissa_bits) + odd * BINS
            np.minimum.at(low, piece, at_low)
            np.maximum.at(high, piece, at_high)
            done += len(mantissa)
            if progress is not None:
                progress(done / (2 * each))
    return RootErrors(root, 2 * each, low, high)


def _mantissas(root: RootMethod, count: int) -> Iterator[npt.NDArray[np.int64]]:
    """So many, evenly spread from the first to the last, in parts."""
    last = (1 << root.mantissa_bits) - 1
    for first in range(0, count, _AT_ONCE):
        place = np.arange(first, min(first + _AT_ONCE, count))
        yield place if count == last + 1 else np.rint(place * (last / (count - 1))).astype(np.int64)


def _errors(root: RootMethod, mantissa: npt.NDArray[np.int64], odd: int) -> tuple[Reals, Reals]:
    """The errors at both ends of each mantissa."""
    given = mantissa.astype(object) if root.widest > 63 else mantissa
    rho = root.evaluate(given, np.full(len(mantissa), odd)).astype(np.float64) * 2.0**-root.rho_bits
    x = (1 + mantissa * 2.0**-root.mantissa_bits) * (1 + odd)
    beyond = (1 + (mantissa + 1) * 2.0**-root.mantissa_bits) * (1 + odd)
    return rho * np.sqrt(x) - 1, rho * np.sqrt(beyond) - 1
