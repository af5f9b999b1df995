"""What of a transformer matters to its norms: sizes, layers, where the norms stand and what they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from streamnorm.errors import ConfigError
from streamnorm.spec.config import LENGTH_MAX
from streamnorm.spec.values import integer_between, refuse_unknown, shown

from .attention import SIZE_MAX, Attention, LatentAttention, attention_layers, per_layer
from .kinds import KIND_KEYS, NormKind, NormRule, flag, parse_rules
from .placement import EVERYTHING, Place, is_fixup, parse_pruned, parse_schedule
from .styles import STYLES

__all__ = ["FeedForward", "Layer", "Model", "Stack"]

LAYERS_MAX = 4096
MODEL_KEYS = ("tokens", "generates", "vocabulary", "source", "read_from", "encoder", "decoder")
STACK_KEYS = (
    *KIND_KEYS, "norms", "layers", "d_model", "heads", "kv_heads", "head_dim", "window", "latent", "ffn", "gated",
    "experts", "experts_per_token", "shared_experts", "dense_layers", "dense_ffn", "placement", "pruned",
    "embedding_norm", "final_norm", "embedding_width", "qk_norm", "cross_attention",
)  # fmt: skip
REQUIRED = ("norm", "epsilon", "layers", "d_model", "heads", "ffn", "placement")


@dataclass(frozen=True)
class FeedForward:
    """One feed-forward, or experts of which a token visits some.

    Attributes
    ----------
    inner : size of one expert
    matrices : 3 where it is gated, else 2
    experts, experts_per_token : of those a token chooses among; both 1 where there is but one feed-forward
    shared : experts that every token visits besides
    """

    inner: int
    matrices: int
    experts: int = 1
    experts_per_token: int = 1
    shared: int = 0

    def weights(self, d_model: int, experts: int) -> int:
        """Weights of so many chosen experts, and of those that are shared."""
        return self.matrices * d_model * self.inner * (experts + self.shared)


@dataclass(frozen=True)
class Layer:
    """One layer; ``style`` is where its norms stand, see :mod:`.placement`."""

    style: str
    attention: Attention
    feed_forward: FeedForward


@dataclass(frozen=True)
class Stack:
    """Layers one behind the other: an encoder or a decoder.

    Attributes
    ----------
    role : "encoder" or "decoder"
    d_model : elements between the layers
    layers : in the order in which they work
    kind : of its norms
    rules : places whose norms are otherwise, and norms besides those of the style
    pruned : norms left out
    embedding_norm, final_norm : a norm in front of the first layer, behind the last
    embedding_width : of the embeddings, and of what the classifier takes; where it is not ``d_model``, a projection
        stands between
    cross_attention : each layer attends to the encoder too
    """

    role: Literal["encoder", "decoder"]
    d_model: int
    layers: tuple[Layer, ...]
    kind: NormKind
    rules: tuple[NormRule, ...]
    pruned: tuple[Place, ...]
    embedding_norm: bool
    final_norm: bool
    embedding_width: int
    cross_attention: bool

    @classmethod
    def of(cls, role: Literal["encoder", "decoder"], keys: Mapping[str, Any]) -> "Stack":
        """Check the keys of a stack; raise ConfigError where one is missing, unknown or out of range."""
        refuse_unknown(keys, STACK_KEYS)
        if missing := [key for key in REQUIRED if key not in keys]:
            raise ConfigError(f"missing key{'s' if len(missing) > 1 else ''}: {', '.join(missing)}")
        layers = integer_between("layers", keys["layers"], 1, LAYERS_MAX)
        d_model = integer_between("d_model", keys["d_model"], 1, LENGTH_MAX)
        kind = NormKind.of(keys)
        styles = parse_schedule(keys["placement"], layers)
        attention = attention_layers(keys, layers, d_model)
        cross_attention = flag(keys, "cross_attention", False)
        if cross_attention and isinstance(attention[0], LatentAttention):
            raise ConfigError("cross_attention: goes without latent")
        feed_forwards = _feed_forwards(keys, layers)
        for style, feed_forward in zip(styles, feed_forwards, strict=True):
            _check_inside(style, feed_forward)
        parts = zip(styles, attention, feed_forwards, strict=True)
        return cls(
            role=role,
            d_model=d_model,
            layers=tuple(Layer(*each) for each in parts),
            kind=kind,
            rules=parse_rules(keys.get("norms", {}), kind, layers),
            pruned=(
                *parse_pruned(keys.get("pruned", []), layers),
                *([EVERYTHING] if is_fixup(keys["placement"]) else []),
            ),
            embedding_norm=flag(keys, "embedding_norm", False),
            final_norm=flag(keys, "final_norm", True),
            embedding_width=integer_between("embedding_width", keys.get("embedding_width", d_model), 1, SIZE_MAX),
            cross_attention=cross_attention,
        )

    @property
    def schedule(self) -> tuple[str, ...]:
        """The style of each layer."""
        return tuple(layer.style for layer in self.layers)


def _check_inside(style: str, feed_forward: FeedForward) -> None:
    """Raise ConfigError where a style's norm inside the feed-forward cannot be."""
    if STYLES[style].inside and feed_forward.experts > 1:
        raise ConfigError(f"placement: {style}: goes without experts")
    if STYLES[style].inside and feed_forward.inner > LENGTH_MAX:
        raise ConfigError(
            f"placement: {style}: normalizes the inner row of the feed-forward, which has {feed_forward.inner} "
            f"elements; must be at most {LENGTH_MAX}"
        )


def _feed_forwards(keys: Mapping[str, Any], layers: int) -> list[FeedForward]:
    matrices = 3 if flag(keys, "gated", False) else 2
    experts = integer_between("experts", keys.get("experts", 1), 1, SIZE_MAX)
    chosen = integer_between("experts_per_token", keys.get("experts_per_token", 1), 1, experts)
    shared = integer_between("shared_experts", keys.get("shared_experts", 0), 0, SIZE_MAX)
    dense = integer_between("dense_layers", keys.get("dense_layers", 0), 0, layers)
    if dense and "dense_ffn" not in keys:
        raise ConfigError("dense_ffn: must be given where there are dense_layers")
    single = integer_between("dense_ffn", keys.get("dense_ffn", 1), 1, SIZE_MAX)
    return [
        FeedForward(single, matrices) if layer < dense else FeedForward(inner, matrices, experts, chosen, shared)
        for layer, inner in enumerate(per_layer("ffn", keys["ffn"], layers))
    ]


@dataclass(frozen=True)
class Model:
    """A transformer: one stack, or an encoder and a decoder.

    Attributes
    ----------
    name : how it is asked for
    stacks : in the order in which they work
    tokens : a usual length of its input
    generates : it writes token after token; without it, a forward pass is all there is
    vocabulary : outputs of the classifier behind the last layer; 0: not counted
    source : where its sizes are published
    read_from : where they were looked up, and what says how the norms are placed
    """

    name: str
    stacks: tuple[Stack, ...]
    tokens: int
    generates: bool
    vocabulary: int
    source: str
    read_from: tuple[str, ...]

    @classmethod
    def of(cls, name: str, keys: Mapping[str, Any]) -> "Model":
        """Check the keys of a model.

        Keys of a stack that ``encoder`` and ``decoder`` have in common stand beside them.

        Raises
        ------
        ConfigError
            If a key is missing, unknown or out of range; the message does not repeat ``name``.
        """
        refuse_unknown(keys, (*MODEL_KEYS, *STACK_KEYS))
        shared = {key: value for key, value in keys.items() if key in STACK_KEYS}
        generates = flag(keys, "generates", True)
        parts = [role for role in ("encoder", "decoder") if role in keys]
        stacks = []
        for role in parts:
            if not isinstance(keys[role], Mapping):
                raise ConfigError(f"{role} = {shown(keys[role])}: must be a table")
            try:
                stacks.append(Stack.of(cast(Any, role), {**shared, **keys[role]}))
            except ConfigError as error:
                raise ConfigError(f"in {role}: {error}") from error
        if not parts:
            stacks.append(Stack.of("decoder" if generates else "encoder", shared))
        for style in {style for stack in stacks for style in stack.schedule}:
            if STYLES[style].whole and any(style not in stack.schedule for stack in stacks):
                raise ConfigError(f"placement: {style}: must be that of encoder and decoder both")
        if generates and stacks[-1].role != "decoder":
            raise ConfigError("generates = true: needs a decoder")
        source, read_from = keys.get("source", ""), keys.get("read_from", [])
        if not isinstance(source, str) or not isinstance(read_from, list | tuple):
            raise ConfigError("source must be a string, read_from a list of strings")
        return cls(
            name=name,
            stacks=tuple(stacks),
            tokens=integer_between("tokens", keys.get("tokens", 512), 1, SIZE_MAX),
            generates=generates,
            vocabulary=integer_between("vocabulary", keys.get("vocabulary", 0), 0, SIZE_MAX),
            source=source,
            read_from=tuple(str(entry) for entry in read_from),
        )
