"""How a layer attends: its weights, the positions it sees, what it caches, and the norms within it."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Attention", "InnerNorm", "LatentAttention", "positions_seen"]


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
