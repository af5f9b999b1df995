"""Whole Pre-LN models, to Pre-RMSNorm and Pre-CRMSNorm."""

from typing import TYPE_CHECKING

from .model import ModelKind
from .patterns import StreamPatterns

if TYPE_CHECKING:
    from streamnorm_sim.fold.model import FoldedModel

__all__ = ["PRELN_TO_CRMS", "PRELN_TO_RMS"]

_SOURCE = "Jiang, Gu, Zhu, Pan 2023, arXiv:2305.14858"


def _separated(folded: "FoldedModel") -> tuple[str, ...]:
    return tuple(
        f"{table} and {head} are two from now on: in the model, tie_word_embeddings = false"
        for table, head in folded.separated
    )


def _new_biases(folded: "FoldedModel") -> tuple[str, ...]:
    new = [change.tensor for change in folded.changes if change.before is None and len(change.after) == 1]
    return (f"layers that had no bias have one: {', '.join(new)}",) if new else ()


PRELN_TO_RMS = ModelKind(
    name="preln-to-rms",
    title="a Pre-LN model, so that RMSNorm does what LayerNorm did (Pre-RMSNorm)",
    function="preln_to_rms",
    patterns=StreamPatterns(),
    formula=(
        "what is added to the residual stream (weights, biases, tables): less its mean over the features",
        "norms and the layers that read them: as they were",
        "a table that is the output head, too: the head keeps it as it was, as a tensor of its own",
    ),
    source=_SOURCE,
    examples=(
        "model.npz --preset gpt2",
        "model.safetensors --preset gpt-neox -o pythia-rms.safetensors",
        "model.npz --table embed --write '*.out' --write '*.down' --read '*.qkv=*.norm1' "
        "--read '*.up=*.norm2' --head 'head=norm'",
    ),
    keys=lambda folded: {"norm": "rmsnorm", "max_length": folded.width},
    advice=lambda folded: (*_separated(folded), "epsilon, gamma and beta stay those of LayerNorm"),
)

PRELN_TO_CRMS = ModelKind(
    name="preln-to-crms",
    title="a Pre-LN model, so that CRMSNorm does what LayerNorm did (Pre-CRMSNorm)",
    function="preln_to_crms",
    patterns=StreamPatterns(),
    formula=(
        "what is added to the residual stream (weights, biases, tables): less its mean over the features, without "
        "the last",
        "layers that read a norm: W'_ji = gamma_i W_ji - gamma_n W_jn, b' = b + W @ beta, a new bias where needed",
        "norms: gamma = 1, beta = 0, of n - 1 features",
        "a table that is the output head, too: the head is made of it as it was, as a tensor of its own",
    ),
    source=_SOURCE,
    examples=(
        "model.npz --preset gpt2",
        "model.safetensors --preset vit -o vit-crms.safetensors",
        "model.npz --preset gpt-neox --tied '*embed_in=embed_out=*final_layer_norm'",
    ),
    keys=lambda folded: {"norm": "crmsnorm", "max_length": (folded.width or 0) - 1},
    advice=lambda folded: (
        *_separated(folded),
        *_new_biases(folded),
        "the norms as they were, but without gamma and beta; the stream has a feature less",
    ),
)
