"""Dyadic requantization behind this project's normalized value."""

from streamnorm.spec.architectures import ONE_PASS, TWO_PASS

from .algorithm import Algorithm

__all__ = ["QLayerNormDyadic"]


class QLayerNormDyadic(Algorithm):
    """The project's own z, then HAWQ-V3's requantization in the place of gamma, beta and the last rounding."""

    name = "q-layernorm-dyadic"
    title = "dyadic requantization of HAWQ-V3"
    about = "the project's own normalized value, then a 31-bit multiplier and a shift for each channel"
    formula = (
        "z of the project's own datapath, an integer of 2**-f",
        "result = requantize(z + floor((beta / gamma) / 2**-f), gamma 2**-f / output scale)",
    )
    source = "Yao et al.: HAWQ-V3: Dyadic Neural Network Quantization, ICML 2021, arXiv:2011.10680"
    left_open = (
        "the normalization: z is that of the unit with the project's own algorithm and the same keys",
        "beta: an integer beside z, in its steps, as in I-BERT",
    )
    architectures = (ONE_PASS, TWO_PASS)
