"""LayerNorm whose divisions and roots are binary searches."""

from collections.abc import Sequence
from math import isqrt

from .integer_layernorm import IntegerBounds, IntegerLayerNorm, IntegerValue

__all__ = ["Int8Search"]


class Int8Search(IntegerLayerNorm):
    """Every quotient and root is the largest integer that passes a comparison, found bit by bit from the top.

    Attributes
    ----------
    frac_bits : s, fraction bits of z
    """

    name = "int8-search"
    title = "INT8 transformers by binary search"
    about = "mean, variance, root and each normalized value by a binary search"
    formula = (
        "m = largest q with q n <= sum(x) + n / 2",
        "y = x - m",
        "V = sum(y**2)",
        "v = largest q with q n <= V",
        "k = largest q with q**2 <= v",
        "z = (largest q with q k <= y 2**8) + floor((beta / gamma) 2**8)",
        "result = requantize(z, gamma / 2**8 / output scale)",
    )
    source = "Rock, Khalil, Shai, Grouchy: INT8 Transformers for Inference Acceleration, ENLSP workshop at NeurIPS 2022"
    left_open = (
        "nearly all: public is that what integer hardware lacks, divisions and roots, is done by an efficient binary "
        "search, applied to the intermediate values of LayerNorm, and that weights and activations are int8",
        "which values are searched: mean, variance, its root and each normalized value",
        "rounding: the mean to the nearest, ties up; all else down",
        "fraction bits of the normalized value: 8",
        "k = 0: divided by 1",
        "the way to the output: a dyadic requantization, with beta beside z, as in the other algorithms; no product "
        "with an int8 gamma",
    )
    frac_bits = 8

    def step(self, longest: int) -> float:
        return 2.0**-self.frac_bits

    def limits(self, bounds: IntegerBounds) -> tuple[int, int]:
        # y**2 <= V < n (v + 1) <= n (k + 1)**2, and so |y| / k < sqrt(n) (k + 1) / k, at most 2 sqrt(n); k = 0 is 1.
        most = min(isqrt(4 * bounds.longest << 2 * self.frac_bits) + 1, bounds.largest << self.frac_bits)
        return -most, most

    def way(self, bounds: IntegerBounds) -> Sequence[IntegerValue]:
        # No row has a larger V / n than the longest may have.
        v = bounds.variance_max // bounds.longest
        return (
            IntegerValue("v", v.bit_length(), "V / n, floor, by binary search"),
            IntegerValue("k", isqrt(v).bit_length(), "root of v, floor, by binary search"),
        )
