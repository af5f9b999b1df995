"""The reciprocal square root as a table of polynomials, with a proven error.

``rho(u, odd) = 1/sqrt(u)`` or, with ``odd``, ``1/sqrt(2*u)``, for a mantissa ``1 <= u < 2``; so ``1/2 < rho <= 1``.
Each half is cut into ``2**INDEX_BITS`` segments; in a segment, ``t`` in [0, 1) is the rest of the mantissa.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["DEGREE_BITS", "INDEX_BITS", "RsqrtTable"]

INDEX_BITS = 8
DEGREE_BITS = {1: 20, 2: 30, 3: 40}
"""The largest even ``rho_bits`` at which the table of each degree is off by less than ``2**-(rho_bits - 1.5)``.

Beyond, the polynomials themselves stray more from the function; so ``INDEX_BITS`` decides it, and no table need be
built to know."""

_STEP_GUARD = 4


@dataclass(frozen=True, eq=False)
class RsqrtTable:
    """Integer polynomials and how to evaluate them.

    With ``acc = coefficients[degree]`` and, for j = degree-1 … 0,
    ``acc = coefficients[j] + ((acc * t) >> shifts[j])`` (floor), the result is ``rho = acc >> guard_bits``, an
    unsigned number of ``rho_bits`` fraction bits, always below ``2**rho_bits``. ``t`` has ``t_bits`` bits.

    Attributes
    ----------
    coefficients : for each degree, 2 * 2**INDEX_BITS integers; the upper half is for ``odd``
    widths : two's complement bits that hold each degree's coefficients and partial sums
    relative_error : bound of ``|rho * 2**-rho_bits / exact - 1|`` over all mantissas, the bits of the mantissa
        below ``t`` included (they are dropped)
    """

    degree: int
    rho_bits: int
    t_bits: int
    guard_bits: int
    shifts: tuple[int, ...]
    coefficients: tuple[npt.NDArray[np.int64], ...]
    widths: tuple[int, ...]
    relative_error: float

    @staticmethod
    def build(degree: int, rho_bits: int) -> "RsqrtTable":
        """The table of one polynomial degree (1 … 3) and precision (10 … 42 bits)."""
        return _build(degree, rho_bits)

    @staticmethod
    def fitting(rho_bits: int) -> "RsqrtTable":
        """The table of the lowest degree that is off by less than ``2**-(rho_bits - 1.5)``; ``rho_bits`` is even."""
        return _build(next(degree for degree, most in DEGREE_BITS.items() if rho_bits <= most), rho_bits)

    @property
    def word_width(self) -> int:
        """Bits of one table entry: all coefficients side by side."""
        return sum(self.widths)

    def words(self) -> list[int]:
        """The contents of the table: coefficient 0 in the low bits."""
        words = [0] * len(self.coefficients[0])
        offset = 0
        for values, width in zip(self.coefficients, self.widths, strict=True):
            for address, value in enumerate(values):
                words[address] |= (int(value) & ((1 << width) - 1)) << offset
            offset += width
        return words

    def evaluate(self, address: npt.NDArray[np.int64], t: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """``rho`` for table addresses (``odd << INDEX_BITS | segment``) and positions ``t``, as the hardware does.

        ``t`` is int64, or Python integers (dtype object) where ``widths`` and ``t_bits`` together pass 63 bits.
        """
        acc = self.coefficients[self.degree][address].astype(t.dtype)
        for j in range(self.degree - 1, -1, -1):
            acc = self.coefficients[j][address] + ((acc * t) >> self.shifts[j])
        return acc >> self.guard_bits


_SAMPLES = 65
"""Positions in a segment, its ends included, where a table's error is taken."""

_T = np.linspace(0.0, 1.0, _SAMPLES)
_START = 1 + np.arange(1 << INDEX_BITS) / (1 << INDEX_BITS)
_FACTOR = np.array([1.0, 0.5**0.5])


def _exact(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The function itself at the positions ``t`` of each segment, one row a segment."""
    values = (_START[:, None] + t[None, :] / len(_START)) ** -0.5
    return (_FACTOR[:, None, None] * values).reshape(-1, len(t))


@cache
def _sampled() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The function and its second derivative at the positions ``_T``; the same for all tables."""
    position = _START[:, None] + _T[None, :] / len(_START)
    bend = (_FACTOR[:, None, None] * 0.75 * position**-2.5).reshape(-1, _SAMPLES) / len(_START) ** 2
    return _exact(_T), bend


@cache
def _real_coefficients(degree: int) -> npt.NDArray[np.float64]:
    """The polynomial through the Chebyshev nodes, nearly the minimax one, one row a segment."""
    nodes = 0.5 - 0.5 * np.cos((np.arange(degree + 1) + 0.5) * np.pi / (degree + 1))
    return np.linalg.solve(np.vander(nodes, increasing=True), _exact(nodes).T).T.astype(np.float64)


@cache
def _build(degree: int, rho_bits: int) -> RsqrtTable:
    segments = 1 << INDEX_BITS
    t_bits = max(rho_bits - INDEX_BITS + 2, 4)
    guard_bits = 2
    frac_bits = [rho_bits + guard_bits + j * _STEP_GUARD for j in range(degree + 1)]
    shifts = tuple(t_bits + frac_bits[j + 1] - frac_bits[j] for j in range(degree))

    real = _real_coefficients(degree).copy()
    # Every floor loses half a unit on average; the constant term gives it back.
    centre = 0.5 * 2.0**-rho_bits + sum(0.5 * 2.0 ** -frac_bits[j] for j in range(degree))
    real[:, 0] += centre
    stored = [np.rint(real[:, j] * 2.0 ** frac_bits[j]).astype(np.int64) for j in range(degree + 1)]
    # rho = 1 has no code: the very first value is one step lower.
    stored[0] = np.minimum(stored[0], (1 << frac_bits[0]) - 1)

    t, (exact, bend) = _T, _sampled()
    quantized = (
        sum(stored[j][:, None] * 2.0 ** -frac_bits[j] * t[None, :] ** j for j in range(degree + 1)) - centre
    )
    error = np.abs(quantized - exact).max(axis=1)
    # Between two samples a smooth function strays by at most step**2 / 8 * |second derivative of the error|.
    step = t[1]
    second = sum((j * (j - 1) * real[:, j])[:, None] * t[None, :] ** (j - 2) for j in range(2, degree + 1))
    third = 15 / 8 / segments**3 + (6 * np.abs(real[:, 3]) if degree == 3 else 0.0)
    curvature = np.abs(second - bend).max(axis=1) + third * step
    error += curvature * step**2 / 8 + centre
    relative = float((error / exact[:, -1]).max())
    dropped = 2.0 ** -(INDEX_BITS + t_bits) / 2

    widths = [int(stored[0].max()).bit_length()]
    for j in range(1, degree + 1):
        added = int(np.abs(stored[j + 1]).max()) >> _STEP_GUARD if j < degree else 0
        widths.append((int(np.abs(stored[j]).max()) + added + 1).bit_length() + 1)
    return RsqrtTable(
        degree=degree,
        rho_bits=rho_bits,
        t_bits=t_bits,
        guard_bits=guard_bits,
        shifts=shifts,
        coefficients=tuple(stored),
        widths=tuple(widths),
        relative_error=relative + dropped,
    )
