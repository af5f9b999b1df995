"""I-ViT's LayerNorm."""

from .newton import NewtonLayerNorm

__all__ = ["IVit"]

_ITERATIONS = 10
_START_BITS = 16


class IVit(NewtonLayerNorm):
    """Ten iterations from one start, whatever V is: of a V below 2**12 or so, k has not reached the root."""

    name = "i-vit"
    title = "I-ViT"
    about = "integer mean, root by ten of Newton's iterations, one division a row"
    formula = (
        "m = round_half_even(sum(x) / n)",
        "y = x - m",
        "V = sum(y**2)",
        "k = 2**16; ten times k = floor((k + floor(V / k)) / 2)",
        "factor = floor((2**31 - 1) / k)",
        "z = floor(y factor / 2) + floor((beta / gamma) / (sqrt(n) / 2**30))",
        "result = requantize(z, gamma sqrt(n) / 2**30 / output scale)",
    )
    source = (
        "Li, Gu: I-ViT: Integer-only Quantization for Efficient Vision Transformer Inference, ICCV 2023, "
        "arXiv:2207.01405"
    )
    left_open = (
        "V above 2**32, for which the start is below the root: such configurations are refused",
        "k is at least 2**6 after ten iterations, so that nothing is divided by 0; rows whose deviation "
        "is less are made too small by that",
    )
    numerator = (1 << 31) - 1
    deviation_start = 1 << _START_BITS
    deviation_min = 1 << (_START_BITS - _ITERATIONS)  # an iteration halves k at most

    def iterations(self, bits: int) -> int:
        return _ITERATIONS
