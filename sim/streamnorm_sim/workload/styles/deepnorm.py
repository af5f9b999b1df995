"""DeepNorm: post-norm whose residual is multiplied by a constant of the depth."""

from .style import PARTS, Constant, LayersOfStyle, Style

__all__ = ["DEEPNORM"]


class DeepNorm(Style):
    """N(alpha x + f(x)), by Wang, Ma, Dong, Huang, Zhang, Wei: DeepNet, 2022, arXiv:2203.00555.

    With N encoder and M decoder layers, alpha is ``(2 N)**(1/4)`` or ``(2 M)**(1/4)`` where there is but one stack.
    Where there are both, it is ``0.81 (N**4 M)**(1/16)`` in the encoder and ``(3 M)**(1/4)`` in the decoder. What the
    paper calls beta is for the first weights of training, and is nothing afterwards.

    A norm takes its row of any scale: ``N(alpha x + f(x))`` with epsilon is ``N(x + f(x) / alpha)`` with
    ``epsilon / alpha**2``. So instead of multiplying x, the last weights of f may be divided by alpha.
    """

    def constants(self, where: LayersOfStyle) -> list[Constant]:
        sites = where.with_norms(f"{part}-sum" for part in PARTS)
        if not sites:
            return []
        alpha, formula = _alpha(where)
        epsilons = sorted({call.kind.epsilon for call in where.norms if call.site in sites})
        scaled = " and ".join(f"{epsilon / alpha**2:.4g}" for epsilon in epsilons)
        layers = tuple(sorted({layer for each in sites.values() for layer in each}))
        return [
            Constant(
                name="alpha",
                formula=formula,
                sites=tuple(sites),
                layers=layers,
                values=(alpha,) * len(layers),
                folded_into="the residual x, where it is added",
                remark=f"or the last weights and biases of each part times 1 / alpha = {1 / alpha:.6g}, and epsilon "
                f"/ alpha**2 = {scaled} in the norm",
            )
        ]


def _alpha(where: LayersOfStyle) -> tuple[float, str]:
    """The constant, and how it comes about."""
    if not where.other_depth:
        return (2 * where.depth) ** 0.25, "(2 L)**(1/4)"
    if where.role == "decoder":
        return (3 * where.depth) ** 0.25, "(3 L)**(1/4)"
    return 0.81 * (where.depth**4 * where.other_depth) ** (1 / 16), "0.81 (L**4 M)**(1/16), M decoder layers"


DEEPNORM = DeepNorm(
    name="deepnorm", formula="N(alpha x + f(x))", source="DeepNet (arXiv:2203.00555)", on_sum=PARTS, whole=True
)
