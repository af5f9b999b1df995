"""What of a transformer matters to its norms: sizes, layers, where the norms stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from streamnorm.errors import ConfigError
from streamnorm.spec.config import LENGTH_MAX
from streamnorm.spec.norms import NORMS
from streamnorm.spec.values import finite_float, integer_between, nearest, one_of

from .placement import parse_pruned, parse_schedule

__all__ = ["Model", "Stack"]

SIZE_MAX = 1 << 24
LAYERS_MAX = 4096
MODEL_KEYS = ("tokens", "generates", "vocabulary", "source", "read_from", "encoder", "decoder")
STACK_KEYS = (
    "norm", "epsilon", "gamma_offset", "affine", "layers", "d_model", "heads", "kv_heads", "head_dim", "ffn",
    "gated", "experts", "experts_per_token", "placement", "pruned", "embedding_norm", "final_norm", "qk_norm",
    "cross_attention",
)  # fmt: skip
REQUIRED = ("norm", "epsilon", "layers", "d_model", "heads", "ffn", "placement")


@dataclass(frozen=True)
class Stack:
    """Layers of one kind one behind the other: an encoder or a decoder.

    Attributes
    ----------
    role : "encoder" or "decoder"
    norm, epsilon, gamma_offset, affine : of all its norms; ``affine``: they have gamma (and beta, if centred)
    layers, d_model, head_dim : counts
    heads, kv_heads, ffn : of each layer; ``ffn`` is the inner size of one expert
    gated : the feed-forward has a third matrix
    experts, experts_per_token : 1 where there is but one feed-forward
    schedule : the placement style of each layer, see :mod:`.placement`
    pruned : norms left out
    embedding_norm, final_norm : a norm in front of the first layer, behind the last
    qk_norm : queries and keys normalized "head" by head, all heads together ("model"), or not ("none")
    cross_attention : each layer attends to the encoder too
    """

    role: Literal["encoder", "decoder"]
    norm: str
    epsilon: float
    gamma_offset: float
    affine: bool
    layers: int
    d_model: int
    head_dim: int
    heads: tuple[int, ...]
    kv_heads: tuple[int, ...]
    ffn: tuple[int, ...]
    gated: bool
    experts: int
    experts_per_token: int
    schedule: tuple[str, ...]
    pruned: tuple[tuple[str, range], ...]
    embedding_norm: bool
    final_norm: bool
    qk_norm: Literal["none", "head", "model"]
    cross_attention: bool

    @classmethod
    def of(cls, role: Literal["encoder", "decoder"], keys: Mapping[str, Any]) -> "Stack":
        """Check the keys of a stack; raise ConfigError where one is missing, unknown or out of range."""
        _refuse_unknown(keys, STACK_KEYS)
        if missing := [key for key in REQUIRED if key not in keys]:
            raise ConfigError(f"missing key{'s' if len(missing) > 1 else ''}: {', '.join(missing)}")
        layers = integer_between("layers", keys["layers"], 1, LAYERS_MAX)
        d_model = integer_between("d_model", keys["d_model"], 1, LENGTH_MAX)
        heads = _per_layer("heads", keys["heads"], layers)
        kv_heads = _per_layer("kv_heads", keys.get("kv_heads", keys["heads"]), layers)
        if any(q % kv for q, kv in zip(heads, kv_heads, strict=True)):
            raise ConfigError(f"kv_heads = {keys.get('kv_heads')!r}: must divide heads")
        if "head_dim" not in keys and (len(set(heads)) > 1 or d_model % heads[0]):
            raise ConfigError("head_dim: must be given where d_model is no multiple of heads")
        head_dim = integer_between("head_dim", keys.get("head_dim", d_model // heads[0]), 1, LENGTH_MAX)
        experts = integer_between("experts", keys.get("experts", 1), 1, SIZE_MAX)
        qk_norm = one_of("qk_norm", keys.get("qk_norm", "none"), ("none", "head", "model"))
        if qk_norm == "model":
            integer_between("heads x head_dim", max(heads) * head_dim, 1, LENGTH_MAX, " (qk_norm)")
        return cls(
            role=role,
            norm=one_of("norm", keys["norm"], NORMS),
            epsilon=finite_float("epsilon", keys["epsilon"], 0.0),
            gamma_offset=finite_float("gamma_offset", keys.get("gamma_offset", 0.0)),
            affine=_flag(keys, "affine", True),
            layers=layers,
            d_model=d_model,
            head_dim=head_dim,
            heads=heads,
            kv_heads=kv_heads,
            ffn=_per_layer("ffn", keys["ffn"], layers),
            gated=_flag(keys, "gated", False),
            experts=experts,
            experts_per_token=integer_between("experts_per_token", keys.get("experts_per_token", 1), 1, experts),
            schedule=parse_schedule(keys["placement"], layers),
            pruned=parse_pruned(keys.get("pruned", []), layers),
            embedding_norm=_flag(keys, "embedding_norm", False),
            final_norm=_flag(keys, "final_norm", True),
            qk_norm=cast(Any, qk_norm),
            cross_attention=_flag(keys, "cross_attention", False),
        )


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
        _refuse_unknown(keys, (*MODEL_KEYS, *STACK_KEYS))
        shared = {key: value for key, value in keys.items() if key in STACK_KEYS}
        generates = _flag(keys, "generates", True)
        parts = [role for role in ("encoder", "decoder") if role in keys]
        stacks = []
        for role in parts:
            if not isinstance(keys[role], Mapping):
                raise ConfigError(f"{role} = {keys[role]!r}: must be a table")
            try:
                stacks.append(Stack.of(cast(Any, role), {**shared, **keys[role]}))
            except ConfigError as error:
                raise ConfigError(f"in {role}: {error}") from error
        if not parts:
            stacks.append(Stack.of("decoder" if generates else "encoder", shared))
        if len({(stack.norm, stack.affine, stack.gamma_offset, stack.epsilon) for stack in stacks}) > 1:
            raise ConfigError("norm, epsilon, affine and gamma_offset must be the same in encoder and decoder")
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

    @property
    def norm(self) -> str:
        """The kind of its norms."""
        return self.stacks[0].norm


def _refuse_unknown(keys: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for key in keys:
        if key not in allowed:
            hint = nearest(key, allowed) or f"; the keys are {', '.join(allowed)}"
            raise ConfigError(f"unknown key {key!r}{hint}")


def _per_layer(key: str, value: object, layers: int) -> tuple[int, ...]:
    """Return a number for each layer from one for all, or from a list."""
    if not isinstance(value, list | tuple):
        return (integer_between(key, value, 1, SIZE_MAX),) * layers
    if len(value) != layers:
        raise ConfigError(f"{key}: a list must have a number for each of {layers} layers, not {len(value)}")
    return tuple(integer_between(key, number, 1, SIZE_MAX) for number in value)


def _flag(keys: Mapping[str, Any], key: str, default: bool) -> bool:
    value = keys.get(key, default)
    if not isinstance(value, bool):
        raise ConfigError(f"{key} = {value!r}: must be true or false")
    return value
