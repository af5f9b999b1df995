"""How the sums of a row of floating-point numbers are kept: exact near its largest element, in windows of binades."""

from dataclasses import dataclass
from fractions import Fraction

from streamnorm.spec.binary_logarithm import floor_log2
from streamnorm.spec.norms import Norm

from .elements import Elements

__all__ = ["RowSums"]

_TILE_BITS = 18
"""Bits of a number whose square takes one multiplier, mostly."""


@dataclass(frozen=True, kw_only=True)
class RowSums:
    """The row's sums of x and of x**2 as integers, in the unit of the row.

    A window is ``window`` binades: that of an element of binade q is ``q // window``. Elements of the ``count`` highest
    windows of a row, up to that of its largest element, are added up exactly, each shifted by the ``q % window`` of its
    own and no more: one sum a window, so that nothing moves in a loop. What lies below is dropped: each such element is
    less than :attr:`dropped` times the row's largest. At the row's end the windows' sums are joined, and shifted to the
    unit of the row, ``2**(top - row_bits + mantissa_bits)`` units of an element, where ``top`` is the binade of the
    largest element: that one has ``row_bits`` bits then. Bits below the row's unit are cut off (floor).

    Epsilon is in these sums as if it were an element: ``top`` is never less than :attr:`floor`, the binade of its root,
    so that V, whatever the row, has no more bits than a row's largest elements give it.

    Attributes
    ----------
    elements : what is added up
    window, count : binades of a window, a power of two; windows that are kept
    row_bits : bits of the largest element in the row's unit
    floor : the lowest ``top``
    """

    elements: Elements
    window: int
    count: int
    row_bits: int
    floor: int

    def __post_init__(self) -> None:
        assert self.window & (self.window - 1) == 0
        assert self.elements.mantissa_bits <= self.row_bits

    @staticmethod
    def floor_of(elements: Elements, epsilon: Fraction) -> int:
        """The binade of the root of epsilon, which is given in squared units; 0 where it is in or below the first."""
        if epsilon == 0:
            return 0
        half = epsilon / 4 ** (elements.mantissa_bits - 1)
        return max(0, floor_log2(half) // 2)

    @property
    def top_max(self) -> int:
        """The highest ``top``."""
        return max(self.floor, self.elements.binade_max)

    @property
    def shift_bits(self) -> int:
        """Bits of ``q % window``."""
        return self.window.bit_length() - 1

    @property
    def aligned_bits(self) -> int:
        """Bits of an element's mantissa shifted within its window."""
        return self.elements.mantissa_bits + self.window - 1

    @property
    def joined_bits(self) -> int:
        """Bits of the largest element where the windows' sums are joined."""
        return self.elements.mantissa_bits - 1 + self.window * self.count

    @property
    def cut_bits(self) -> int:
        """What the joined sum of x is shifted right by, besides ``top % window``; below 0: left."""
        return self.joined_bits - self.window + 1 - self.row_bits

    @property
    def all_windows(self) -> int:
        """Windows there are, up to the highest ``top``."""
        return self.top_max // self.window + 1

    @property
    def is_exact(self) -> bool:
        """Whether no element is ever dropped."""
        return self.count >= self.all_windows

    @property
    def dropped(self) -> float:
        """An element that is dropped is less than so much of the row's largest, or of the root of epsilon."""
        return 0.0 if self.is_exact else 2.0 ** (-self.window * (self.count - 1))

    def epsilon(self, squared_units: Fraction) -> Fraction:
        """Epsilon in squares of the row's unit where ``top`` is the floor; in squared units of elements before."""
        exponent = self.floor - self.row_bits + self.elements.mantissa_bits
        return squared_units / Fraction(4) ** exponent

    def cost(self, norm: Norm, lanes: int, length: int) -> float:
        """About how many bits are computed: aligned, squared, added up over the lanes and accumulated, moved where the
        row's top enters a new window, joined, and shifted to the unit of the row."""
        aligned = self.aligned_bits
        square, single = (2 * aligned if norm.has_squares else 0), (aligned + 1 if norm.has_sum else 0)
        shifted = single if norm.has_sum else aligned
        if norm.has_squares and aligned > _TILE_BITS:  # then squares are shifted
            shifted = single + square
        total = square + single + (norm.has_sum + norm.has_squares) * length.bit_length()
        moved = sum(max(1, 2 * place - 2) for place in range(self.count))
        return (
            0.6 * lanes * self.shift_bits * shifted  # the first levels of a shifter are narrower
            + self.count * ((lanes - 1) * (square + single) + 4 * lanes)
            + (2 * self.count - 1 + moved) * total
            + self.shift_bits * (norm.has_sum + 2 * norm.has_squares) * self.row_bits
        )

    def describe(self) -> str:
        """Which elements are added up, in words."""
        if self.is_exact:
            windows = f"{self.count} windows of {self.window} binades hold" if self.count > 1 else "one window holds"
            return f"{windows} all; no element is dropped"
        kept = f"{self.count} of {self.all_windows} windows of {self.window} binades"
        return f"of the row's largest element: {kept}, what is below is dropped"
