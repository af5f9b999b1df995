"""I-BERT's LayerNorm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamnorm.spec.architectures import ONE_PASS, TWO_PASS

from .integer_layernorm import VARIANCE_BITS
from .newton import NewtonLayerNorm, descents

if TYPE_CHECKING:
    from streamnorm.spec.formats import NumberFormat

__all__ = ["IBert"]


class IBert(NewtonLayerNorm):
    """Iterated until k no longer falls; in hardware as often as every V needs, and k stays once it would not fall."""

    name = "i-bert"
    title = "I-BERT"
    about = "integer mean, root by Newton's iteration until it no longer falls, one division a row"
    formula = (
        "m = round_half_even(sum(x) / n)",
        "y = x - m",
        "V = sum((y >> shift)**2)",
        "k = 2**ceil(bits(V) / 2); k = floor((k + floor(V / k)) / 2) until it no longer falls; 0 where V = 0",
        "factor = floor(2**31 / (k 2**shift))",
        "z = floor(y factor / 2) + floor((beta / gamma) / (sqrt(n) / 2**30))",
        "result = requantize(z, gamma sqrt(n) / 2**30 / output scale)",
    )
    source = "Kim, Gholami, Yao, Mahoney, Keutzer: I-BERT: Integer-only BERT Quantization, ICML 2021, arXiv:2101.01321"
    left_open = (
        "the shift, which is to keep V below 2**32: the smallest for which that is proven of every row of the input "
        "format, 0 of int8; where it is not 0, the unit must have two passes",
        "k = 0: 1 in its place; without a shift, every y is 0 then",
    )
    numerator = 1 << 31
    architectures = (ONE_PASS, TWO_PASS)
    deviation_start = None
    deviation_min = 1

    def shift(self, source: NumberFormat, longest: int) -> int:
        shift = 0
        while self.variance_max(source, longest, shift) >> VARIANCE_BITS:
            shift += 1
        return shift

    def iterations(self, bits: int) -> int:
        return descents(bits)
