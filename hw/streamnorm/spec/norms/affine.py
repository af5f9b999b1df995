"""A factor and an offset of each element: what norms with running statistics fold into."""

from fractions import Fraction

from streamnorm.spec.formats import NumberFormat

from .static_norm import StaticNorm

__all__ = ["AffineNorm"]


class AffineNorm(StaticNorm):
    """``z = x``: gamma is the factor a of the real element, beta is b, and z in the unit is d, exact.

    BatchNorm with running mean and variance is ``a = gamma / sqrt(variance + epsilon)``, ``b = beta - a * mean``.
    """

    name = "affine"
    title = "Affine norm"
    about = "a factor and an offset of each element, no statistic: BatchNorm with running statistics"
    use = "convolutional networks and transformers with running statistics, folded by `streamnorm fold`"
    formula = "x"
    source = (
        "BatchNorm at inference: Ioffe, Szegedy: Batch Normalization, 2015, arXiv:1502.03167; PowerNorm: Shen et al., "
        "2020, arXiv:2003.07845; Unified Normalization: Yang et al., 2022, arXiv:2208.01313"
    )

    counts_steps = True

    def largest(self, source: NumberFormat) -> float:
        farthest = max(map(abs, self.differences(*source.ends, source.zero_point)))
        return float(farthest * Fraction(source.scale) / Fraction(self.z_unit(source)))
