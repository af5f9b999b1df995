"""I-BERT's LayerNorm."""

from .newton import NewtonLayerNorm, descents

__all__ = ["IBert"]


class IBert(NewtonLayerNorm):
    """Iterated until k no longer falls; in hardware as often as every V needs, and k stays once it would not fall."""

    name = "i-bert"
    title = "I-BERT"
    about = "integer mean, root by Newton's iteration until it no longer falls, one division a row"
    formula = (
        "m = round_half_even(sum(x) / n)",
        "y = x - m",
        "V = sum(y**2)",
        "k = 2**ceil(bits(V) / 2); k = floor((k + floor(V / k)) / 2) until it no longer falls; 0 where V = 0",
        "factor = floor(2**31 / k)",
        "z = floor(y factor / 2) + floor((beta / gamma) / (sqrt(n) / 2**30))",
        "result = requantize(z, gamma sqrt(n) / 2**30 / output scale)",
    )
    source = "Kim, Gholami, Yao, Mahoney, Keutzer: I-BERT: Integer-only BERT Quantization, ICML 2021, arXiv:2101.01321"
    left_open = (
        "V is to stay below 2**32, for which deviations may be shifted right before they are squared: units are built "
        "where no row needs that, a shift of 0; other configurations are refused",
        "k = 0, of a row of equal elements: divided by 1; every y is 0 then",
    )
    numerator = 1 << 31
    deviation_start = None
    deviation_min = 1

    def iterations(self, bits: int) -> int:
        return descents(bits)
