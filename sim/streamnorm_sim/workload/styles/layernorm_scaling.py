"""LayerNorm Scaling: pre-norm whose norms put out less, the deeper they stand."""

from .style import PARTS, Constant, LayersOfStyle, Style

__all__ = ["LAYERNORM_SCALING"]


class LayerNormScaling(Style):
    """x + f(N(x) / sqrt(l)) in layer l, counted from 1, by Sun, Song, Li, Yin, Zheng, Liu: The Curse of Depth in Large
    Language Models, 2025, arXiv:2502.05795.

    The factor is that of gamma and beta, for ``(z gamma + beta) / sqrt(l)`` is a norm with both divided. Norms without
    gamma have it in the weights that take their output. The final norm has none.
    """

    def constants(self, where: LayersOfStyle) -> list[Constant]:
        found = []
        for affine in (True, False):
            norms = [call for call in where.norms if call.kind.affine == affine]
            alike = LayersOfStyle(where.role, where.depth, where.other_depth, where.layers, tuple(norms))
            sites = alike.with_norms(f"{part}-in" for part in PARTS)
            layers = tuple(sorted({layer for each in sites.values() for layer in each}))
            offsets = sorted({call.kind.gamma_offset for call in norms if call.site in sites} - {0.0})
            if sites:
                found.append(
                    Constant(
                        name="factor",
                        formula="1 / sqrt(l), l = 1 to L",
                        sites=tuple(sites),
                        layers=layers,
                        values=tuple((layer + 1) ** -0.5 for layer in layers),
                        folded_into="gamma and beta" if affine else "the weights behind, these norms have no gamma",
                        remark=" and ".join(
                            f"gamma is stored less {offset:g}: store (gamma + {offset:g}) factor - {offset:g}"
                            for offset in offsets
                            if affine
                        ),
                    )
                )
        return found


LAYERNORM_SCALING = LayerNormScaling(
    name="layernorm-scaling",
    formula="x + f(N(x) / sqrt(l)) in layer l",
    source="The Curse of Depth (arXiv:2502.05795)",
    before=PARTS,
)
