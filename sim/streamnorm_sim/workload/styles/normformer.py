"""NormFormer: pre-norm with a norm behind attention, one inside the feed-forward, and a gain for each head."""

from .style import PARTS, Constant, LayersOfStyle, Style

__all__ = ["NORMFORMER"]


class NormFormer(Style):
    """x + N(attention(N(x))), then x + W2 N(activation(W1 N(x))), by Shleifer, Weston, Ott: NormFormer, 2021,
    arXiv:2110.09456.

    Each head's output is multiplied by a learned gain before the output matrix, and so are that matrix's rows of the
    head instead. The learned factors on the residual (ResScale), which the paper tries besides, are not counted: they
    are multiplications of the residual add. Attention to an encoder, which the paper has not, is taken as the other.
    """

    def constants(self, where: LayersOfStyle) -> list[Constant]:
        return [
            Constant(
                name="gain of each head",
                formula="learned",
                sites=("attention-out",),
                layers=where.layers,
                values=None,
                folded_into="the rows of the attention's output matrix that take the head",
            )
        ]


NORMFORMER = NormFormer(
    name="normformer",
    formula="x + N(attention(N(x))), x + W2 N(activation(W1 N(x)))",
    source="NormFormer (arXiv:2110.09456)",
    before=PARTS,
    after=("attention", "cross-attention"),
    inside=True,
)
