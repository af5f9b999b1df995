"""Keys of a model that may differ from layer to layer, and the attention that they make."""

from collections.abc import Mapping
from typing import Any

from streamnorm.errors import ConfigError
from streamnorm.spec.config import LENGTH_MAX
from streamnorm.spec.values import integer_between, one_of, refuse_unknown

from .attention import Attention, LatentAttention

__all__ = ["SIZE_MAX", "attention_layers", "per_layer"]

SIZE_MAX = 1 << 24
_LATENT_KEYS = ("q_rank", "kv_rank", "rope_dim", "value_dim")
_QK_NORMS = ("none", "head", "head-own", "model")


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
        raise ConfigError(f"kv_heads = {keys.get('kv_heads')!r}: must divide heads")
    if "head_dim" not in keys and (len(set(heads)) > 1 or d_model % heads[0]):
        raise ConfigError("head_dim: must be given where d_model is no multiple of heads")
    head_dim = integer_between("head_dim", keys.get("head_dim", d_model // heads[0]), 1, LENGTH_MAX)
    qk_norm = one_of("qk_norm", keys.get("qk_norm", "none"), _QK_NORMS)
    if qk_norm == "model":
        integer_between("heads x head_dim", max(heads) * head_dim, 1, LENGTH_MAX, " (qk_norm)")
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


def _latent(keys: Mapping[str, Any], head_dim: int) -> dict[str, int]:
    table = keys["latent"]
    if not isinstance(table, Mapping):
        raise ConfigError(f"latent = {table!r}: must be a table with {', '.join(_LATENT_KEYS)}")
    refuse_unknown(table, _LATENT_KEYS, " in latent")
    if missing := [key for key in _LATENT_KEYS if key not in table and key != "q_rank"]:
        raise ConfigError(f"latent: missing key{'s' if len(missing) > 1 else ''}: {', '.join(missing)}")
    return {
        "q_rank": integer_between("latent: q_rank", table.get("q_rank", 0), 0, LENGTH_MAX),
        "kv_rank": integer_between("latent: kv_rank", table["kv_rank"], 1, LENGTH_MAX),
        "rope_dim": integer_between("latent: rope_dim", table["rope_dim"], 0, head_dim),
        "value_dim": integer_between("latent: value_dim", table["value_dim"], 1, LENGTH_MAX),
    }
