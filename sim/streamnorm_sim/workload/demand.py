"""What a model asks of matrix units and memory: multiplications, weights, cached keys and values."""

from dataclasses import dataclass

from .attention import positions_seen
from .model import Layer, Model, Stack

__all__ = ["Demand", "all_weights"]


@dataclass(frozen=True)
class Demand:
    """Work and traffic of one pass (all its sequences together), without the norms themselves.

    Attributes
    ----------
    flops : two for each weight and token (that of experts a token does not visit left out), and two for each
        multiplication of scores and sums: in usual attention, four for each element of a head and position attended to
    weights : that must be read once a pass: of layers, projections and classifier, every expert that can be needed
    cached : keys and values, or latents, of earlier positions that must be read: no more than a layer's window holds
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
            work += 2 * own * _active(stack)
            for layer in stack.layers:
                seen = positions_seen(own, layer.attention.window, causal=stack.role == "decoder")
                work += 2 * seen * layer.attention.scored
            if stack.cross_attention:
                # Keys and values of the encoder's output are worked out once.
                work += 2 * tokens * _memory_weights(stack) + 2 * own * tokens * _scored(stack)
            weights += _read(stack, own * sequences)
        return cls((work + 2 * _classifier(model)) * sequences, weights + _classifier(model), 0)

    @classmethod
    def of_decode(cls, model: Model, context: int, sequences: int) -> "Demand":
        """One more token of each sequence, ``context`` positions being there.

        In an encoder-decoder, ``context`` is the length of the encoder's output; the decoder's own tokens before are
        not counted.
        """
        stack = model.stacks[-1]
        work, cached = 2 * _active(stack) + 2 * _classifier(model), 0
        weights = _read(stack, sequences) + _classifier(model)
        own = 0 if stack.cross_attention else context
        for layer in stack.layers:
            attention = layer.attention
            earlier = min(own, attention.window - 1) if attention.window else own
            # Itself is seen too, but need not be read.
            work += 2 * (earlier + 1) * attention.scored_alone
            cached += earlier * attention.cached
        if stack.cross_attention:
            work += 2 * context * _scored(stack)
            cached += context * sum(layer.attention.cached for layer in stack.layers)
            weights -= _memory_weights(stack)
        return cls(work * sequences, weights, cached * sequences)


def all_weights(model: Model) -> int:
    """Weights of a model, every expert and the classifier among them; embeddings, biases and norms left out."""
    # As many tokens as there are experts can visit all of them.
    return sum(
        _read(stack, max(layer.feed_forward.experts for layer in stack.layers)) for stack in model.stacks
    ) + _classifier(model)


def _waits_for_encoder(model: Model, stack: Stack) -> bool:
    return len(model.stacks) > 1 and stack.role == "decoder"


def _classifier(model: Model) -> int:
    """Weights from the last layer to the next token; an encoder that does not generate has none here."""
    stack = model.stacks[-1]
    return model.vocabulary * stack.embedding_width + _projection(stack) if model.generates else 0


def _projection(stack: Stack) -> int:
    """Weights between embeddings and layers of another width; behind the last layer there are as many."""
    return 0 if stack.embedding_width == stack.d_model else stack.embedding_width * stack.d_model


def _scored(stack: Stack) -> int:
    return sum(layer.attention.scored for layer in stack.layers)


def _attention(stack: Stack) -> int:
    """Weights for every token of the stack: of attention, queries and outputs to the encoder, projected embeddings."""
    own = sum(layer.attention.weights(stack.d_model) for layer in stack.layers)
    across = sum(layer.attention.query_weights(stack.d_model) for layer in stack.layers)
    return own + (across if stack.cross_attention else 0) + _projection(stack)


def _memory_weights(stack: Stack) -> int:
    """Weights for every token of the encoder: keys and values that the decoder attends to."""
    weights = sum(layer.attention.memory_weights(stack.d_model) for layer in stack.layers)
    return weights if stack.cross_attention else 0


def _active(stack: Stack) -> int:
    """Weights that a token meets."""
    return _attention(stack) + sum(_visited(stack, layer, 1) for layer in stack.layers)


def _read(stack: Stack, tokens: int) -> int:
    """Weights that a pass of so many tokens reads: tokens may visit different experts."""
    visited = sum(_visited(stack, layer, tokens) for layer in stack.layers)
    return _attention(stack) + _memory_weights(stack) + visited


def _visited(stack: Stack, layer: Layer, tokens: int) -> int:
    """Weights of the experts that so many tokens can visit."""
    part = layer.feed_forward
    return part.weights(stack.d_model, min(part.experts, part.experts_per_token * tokens))
