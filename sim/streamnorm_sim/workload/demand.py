"""What a model asks of matrix units and memory: multiplications, weights, cached keys and values."""

from dataclasses import dataclass

from .model import Model, Stack

__all__ = ["Demand"]


@dataclass(frozen=True)
class Demand:
    """Work and traffic of one pass (all its sequences together), without the norms themselves.

    Attributes
    ----------
    flops : two for each weight and token (that of experts a token does not visit left out), and four for each element
        of a head and each position attended to (scores and sums)
    weights : that must be read once a pass: of layers and classifier, every expert that can be needed
    cached : keys and values of earlier positions that must be read
    """

    flops: int
    weights: int
    cached: int

    @classmethod
    def of_prefill(cls, model: Model, tokens: int, sequences: int) -> "Demand":
        """All ``tokens`` of the input at once; of an encoder-decoder, the encoder, and the decoder's first token."""
        work = weights = 0
        for stack in model.stacks:
            own = 1 if _waits_for_encoder(model, stack) else tokens
            # A decoder's position sees itself and those before it: (t + 1) / 2 of t on average.
            seen = own * (own + 1) // 2 if stack.role == "decoder" else own * own
            work += 2 * own * _active(stack) + 4 * seen * _heads(stack)
            if stack.cross_attention:
                # Keys and values of the encoder's output are worked out once.
                work += 2 * tokens * _memory_weights(stack) + 4 * own * tokens * _heads(stack)
            weights += _read(stack, own * sequences)
        return cls((work + 2 * _classifier(model)) * sequences, weights + _classifier(model), 0)

    @classmethod
    def of_decode(cls, model: Model, context: int, sequences: int) -> "Demand":
        """One more token of each sequence, ``context`` positions being there.

        In an encoder-decoder, ``context`` is the length of the encoder's output; the decoder's own tokens before are
        not counted.
        """
        stack = model.stacks[-1]
        work = 2 * _active(stack) + 4 * context * _heads(stack) + 2 * _classifier(model)
        cached = 2 * context * sum(stack.kv_heads) * stack.head_dim
        weights = _read(stack, sequences) + _classifier(model)
        if stack.cross_attention:
            weights -= _memory_weights(stack)
        return cls(work * sequences, weights, cached * sequences)


def block_weights(stack: Stack) -> int:
    """Weights of all layers of a stack, biases and norms left out."""
    return _attention(stack) + _memory_weights(stack) + _feed_forward(stack) * stack.experts


def _waits_for_encoder(model: Model, stack: Stack) -> bool:
    return len(model.stacks) > 1 and stack.role == "decoder"


def _classifier(model: Model) -> int:
    """Weights from the last layer to the next token; an encoder that does not generate has none here."""
    return model.vocabulary * model.stacks[-1].d_model if model.generates else 0


def _heads(stack: Stack) -> int:
    """Elements of the queries of all layers."""
    return sum(stack.heads) * stack.head_dim


def _attention(stack: Stack) -> int:
    """Weights for every token of the stack: queries, keys, values and outputs; queries and outputs to the encoder."""
    queries, keys = 2 * _heads(stack), 2 * sum(stack.kv_heads) * stack.head_dim
    return stack.d_model * (queries + keys + (queries if stack.cross_attention else 0))


def _memory_weights(stack: Stack) -> int:
    """Weights for every token of the encoder: keys and values that the decoder attends to."""
    return 2 * stack.d_model * sum(stack.kv_heads) * stack.head_dim if stack.cross_attention else 0


def _feed_forward(stack: Stack) -> int:
    return (3 if stack.gated else 2) * stack.d_model * sum(stack.ffn)


def _active(stack: Stack) -> int:
    """Weights that a token meets."""
    return _attention(stack) + _feed_forward(stack) * stack.experts_per_token


def _read(stack: Stack, tokens: int) -> int:
    """Weights that a pass of so many tokens reads: tokens may visit different experts."""
    experts = min(stack.experts, stack.experts_per_token * tokens)
    return _attention(stack) + _memory_weights(stack) + _feed_forward(stack) * experts
