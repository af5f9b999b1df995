"""Styles that are norms at some places and nothing else."""

from .style import PARTS, Style

__all__ = ["PLAIN"]

PLAIN = (
    Style(
        name="pre", formula="x + f(N(x))", source="GPT-2, Llama (arXiv:2002.04745 compares it with post)", before=PARTS
    ),
    Style(name="post", formula="N(x + f(x))", source="the first transformer, BERT (arXiv:1706.03762)", on_sum=PARTS),
    Style(
        name="peri",
        formula="x + N(f(N(x)))",
        source="Peri-LN (arXiv:2502.02732), a sandwich: Gemma 2 and 3 (arXiv:2408.00118)",
        before=PARTS,
        after=PARTS,
    ),
    Style(name="output", formula="x + N(f(x))", source="OLMo 2 (arXiv:2501.00656), Swin 2", after=PARTS),
    Style(
        name="parallel",
        formula="x + attention(N(x)) + ffn(N(x))",
        source="one norm for both: GPT-J, Falcon 7B, phi-2",
        block=("block-in",),
    ),
    Style(
        name="parallel-two",
        formula="x + attention(N(x)) + ffn(M(x))",
        source="two norms at the same time: GPT-NeoX, Falcon 40B",
        block=("attention-in", "ffn-in"),
    ),
    Style(name="none", formula="x + f(x)", source="layers whose norms were pruned"),
)
