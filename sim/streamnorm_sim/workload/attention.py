"""How a layer attends: its weights, the positions it sees, what it caches, and the norms within it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from streamnorm.errors import ConfigError
from streamnorm.spec.config import LENGTH_MAX
from streamnorm.spec.values import integer_between, one_of, refuse_unknown, shown

__all__ = ["SIZE_MAX", "Attention", "InnerNorm", "LatentAttention", "attention_layers", "per_layer", "positions_seen"]

SIZE_MAX = 1 << 24
OWN_HEADS_MAX = 1024
"""Heads with gamma and beta of their own; each is counted by itself."""

_LATENT_KEYS = ("q_rank", "kv_rank", "rope_dim", "value_dim")
_QK_NORMS = ("none", "head", "head-own", "model")


@dataclass(frozen=True)
class InnerNorm:
    """A norm between what goes into attention and its scores.

    Attributes
    ----------
    site, length, rows : what is normalized, elements of a row, rows of each token
    sets : of gamma and beta, each for an equal share of the rows
    """

    site: str
    length: int
    rows: int
    sets: int = 1


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Attention of heads, some of which may share keys and values.

    Attributes
    ----------
    heads, kv_heads, head_dim : counts
    window : positions that a token sees at most, its own included; 0: all
    qk_norm : queries and keys normalized head by head, with one gamma for all ("head") or one for each ("head-own"),
        all heads together ("model"), or not ("none")
    """

    heads: int
    kv_heads: int
    head_dim: int
    window: int = 0
    qk_norm: Literal["none", "head", "head-own", "model"] = "none"

    def weights(self, d_model: int) -> int:
        """Weights of queries, keys, values and outputs."""
        return self.query_weights(d_model) + self.memory_weights(d_model)

    def query_weights(self, d_model: int) -> int:
        """Weights of queries and outputs."""
        return 2 * d_model * self.heads * self.head_dim

    def memory_weights(self, d_model: int) -> int:
        """Weights of keys and values."""
        return 2 * d_model * self.kv_heads * self.head_dim

    @property
    def scored(self) -> int:
        """Multiplications for each position that a token sees (scores and sums), where many tokens go through."""
        return 2 * self.heads * self.head_dim

    @property
    def scored_alone(self) -> int:
        """The same where a single token meets what is cached."""
        return self.scored

    @property
    def cached(self) -> int:
        """Elements that are cached for each position."""
        return 2 * self.kv_heads * self.head_dim

    @property
    def norms(self) -> tuple[InnerNorm, ...]:
        """The norms within, none of which waits for another."""
        sides = (("q", self.heads), ("k", self.kv_heads))
        if self.qk_norm == "none":
            return ()
        if self.qk_norm == "model":
            return tuple(InnerNorm(site, heads * self.head_dim, 1) for site, heads in sides)
        own = self.qk_norm == "head-own"
        return tuple(InnerNorm(site, self.head_dim, heads, heads if own else 1) for site, heads in sides)


@dataclass(frozen=True, kw_only=True)
class LatentAttention(Attention):
    """Multi-head latent attention (arXiv 2405.04434): queries, and keys and values, are made of short latent rows.

    What is cached is the latent of keys and values and one rotated key for all heads. A single token meets it as it is
    (its query and result go through the weights of keys and values instead); many tokens at once make keys and values
    of it first.

    Attributes
    ----------
    head_dim : of queries and keys, the rotated part included
    q_rank : elements of the latent of queries; 0: queries are made without one
    kv_rank : elements of the latent of keys and values
    rope_dim : elements of the rotated part
    value_dim : elements of a head's values
    """

    q_rank: int
    kv_rank: int
    rope_dim: int
    value_dim: int

    def query_weights(self, d_model: int) -> int:
        queries = self.heads * self.head_dim
        made = self.q_rank * (d_model + queries) if self.q_rank else d_model * queries
        return made + self.heads * self.value_dim * d_model

    def memory_weights(self, d_model: int) -> int:
        made = self.heads * (self.head_dim - self.rope_dim + self.value_dim)
        return d_model * (self.kv_rank + self.rope_dim) + self.kv_rank * made

    @property
    def scored(self) -> int:
        return self.heads * (self.head_dim + self.value_dim)

    @property
    def scored_alone(self) -> int:
        return self.heads * (2 * self.kv_rank + self.rope_dim)

    @property
    def cached(self) -> int:
        return self.kv_rank + self.rope_dim

    @property
    def norms(self) -> tuple[InnerNorm, ...]:
        queries = (InnerNorm("q-latent", self.q_rank, 1),) if self.q_rank else ()
        return (*queries, InnerNorm("kv-latent", self.kv_rank, 1))


def positions_seen(tokens: int, window: int, *, causal: bool) -> int:
    """Return how many positions all of ``tokens`` see together; ``causal``: none that comes behind.

    Where tokens see both sides, half of the window lies on each.
    """
    if causal:
        most = min(window or tokens, tokens)
        return most * (most + 1) // 2 + (tokens - most) * most
    if not window:
        return tokens * tokens
    return 2 * positions_seen(tokens, (window - 1) // 2 + 1, causal=True) - tokens


def per_layer(key: str, value: object, layers: int) -> tuple[int, ...]:
    """Return a number for each layer from one for all, or from a list."""
    if not isinstance(value, list | tuple):
        return (integer_between(key, value, 1, SIZE_MAX),) * layers
    if len(value) != layers:
        raise ConfigError(f"{key}: a list must have a number for each of {layers} layers, not {len(value)}")
    return tuple(integer_between(key, number, 1, SIZE_MAX) for number in value)


def attention_layers(keys: Mapping[str, Any], layers: int, d_model: int) -> list[Attention]:
    """Return the attention of each layer; raise ConfigError where a key of it is missing or out of range."""
    heads = per_layer("heads", keys["heads"], layers)
    kv_heads = per_layer("kv_heads", keys.get("kv_heads", keys["heads"]), layers)
    if any(q % kv for q, kv in zip(heads, kv_heads, strict=True)):
        raise ConfigError(f"kv_heads = {shown(keys.get('kv_heads'))}: must divide heads")
    if "head_dim" not in keys and (len(set(heads)) > 1 or d_model % heads[0]):
        raise ConfigError("head_dim: must be given where d_model is no multiple of heads")
    head_dim = integer_between("head_dim", keys.get("head_dim", d_model // heads[0]), 1, LENGTH_MAX)
    qk_norm = one_of("qk_norm", keys.get("qk_norm", "none"), _QK_NORMS)
    if qk_norm == "model":
        integer_between("heads x head_dim", max(heads) * head_dim, 1, LENGTH_MAX, " (qk_norm)")
    if qk_norm == "head-own":
        integer_between("heads", max(heads), 1, OWN_HEADS_MAX, " (qk_norm)")
    shape: dict[str, Any] = {"head_dim": head_dim, "qk_norm": qk_norm}
    latent = _latent(keys, head_dim) if "latent" in keys else None
    if latent is not None and (qk_norm != "none" or heads != kv_heads):
        raise ConfigError("latent: goes without qk_norm, and without kv_heads other than heads")
    return [
        Attention(heads=q, kv_heads=kv, window=window, **shape)
        if latent is None
        else LatentAttention(heads=q, kv_heads=kv, window=window, **shape, **latent)
        for q, kv, window in zip(heads, kv_heads, _windows(keys.get("window", 0), layers), strict=True)
    ]


def _windows(value: object, layers: int) -> tuple[int, ...]:
    """Return the window of each layer from one for all, or from a list that is repeated from the first layer on."""
    pattern = value if isinstance(value, list | tuple) else [value]
    if not 1 <= len(pattern) <= layers:
        raise ConfigError(f"window: a list must have 1 to {layers} numbers, not {len(pattern)}")
    windows = [integer_between("window", number, 0, SIZE_MAX) for number in pattern]
    return tuple(windows[layer % len(windows)] for layer in range(layers))


def _latent(keys: Mapping[str, Any], head_dim: int) -> dict[str, Any]:
    table = keys["latent"]
    if not isinstance(table, Mapping):
        raise ConfigError(f"latent = {shown(table)}: must be a table with {', '.join(_LATENT_KEYS)}")
    refuse_unknown(table, _LATENT_KEYS, " in latent")
    if missing := [key for key in _LATENT_KEYS if key not in table and key != "q_rank"]:
        raise ConfigError(f"latent: missing key{'s' if len(missing) > 1 else ''}: {', '.join(missing)}")
    return {
        "q_rank": integer_between("latent: q_rank", table.get("q_rank", 0), 0, LENGTH_MAX),
        "kv_rank": integer_between("latent: kv_rank", table["kv_rank"], 1, LENGTH_MAX),
        "rope_dim": integer_between("latent: rope_dim", table["rope_dim"], 0, head_dim),
        "value_dim": integer_between("latent: value_dim", table["value_dim"], 1, LENGTH_MAX),
    }
