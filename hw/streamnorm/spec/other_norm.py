"""A configuration with another norm: what becomes of the keys that only some norms take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .config import NormConfig, key_fields
from .norms import NORMS
from .values import one_of

__all__ = ["STAND_INS", "OtherNorm", "StandIn", "with_norm"]


class StandIn(NamedTuple):
    """What a key without a default is where a configuration takes another norm.

    Attributes
    ----------
    value : its value, of the configuration as it was
    about : what that is, in a few words, of the same configuration
    """

    value: Callable[[NormConfig], float]
    about: Callable[[NormConfig], str]


def _deviation(config: NormConfig) -> float:
    if config.input.is_float:
        return 1.0  # the largest number is far beyond what comes in
    ends = config.input.dequantize(np.array([config.input.min, config.input.max]))
    return float(f"{np.abs(ends).max() / 4:.4g}")


def _about_deviation(config: NormConfig) -> str:
    return "as good as any" if config.input.is_float else "a quarter of the largest input"


STAND_INS: Mapping[str, StandIn] = {
    "epsilon": StandIn(lambda config: 1e-5, lambda config: "the default of PyTorch's LayerNorm"),
    "deviation": StandIn(_deviation, _about_deviation),
    "alpha": StandIn(lambda config: 0.5, lambda config: "what its paper begins to learn it from"),
}
"""For each key that has no default, of the norms that take it."""


@dataclass(frozen=True)
class OtherNorm:
    """A configuration with another norm, and what was done to its keys.

    Attributes
    ----------
    config : NormConfig
    chosen : by key, values that :data:`STAND_INS` gave
    dropped : keys that had been said, and that the norm does not take
    """

    config: NormConfig
    chosen: Mapping[str, float]
    dropped: tuple[str, ...]

    def __str__(self) -> str:
        """What was done, in words; empty if nothing was."""
        said = [f"{key} = {value:g}, {STAND_INS[key].about(self.config)}" for key, value in self.chosen.items()]
        said += [f"without {', '.join(self.dropped)}"] if self.dropped else []
        return "; ".join(said)


def with_norm(config: NormConfig, norm: str) -> OtherNorm:
    """Return a configuration with another norm, all else alike as far as that norm takes it.

    Raises
    ------
    ConfigError
        If there is no such norm, it does not go with the other keys, or it needs a key that neither the configuration
        nor :data:`STAND_INS` has.
    """
    before, taken = NORMS[config.norm].keys, NORMS[one_of("norm", norm, NORMS)].keys
    chosen = {key: STAND_INS[key].value(config) for key in sorted(taken - before) if key in STAND_INS}
    defaults = {key.name: key.default for key in key_fields()}
    dropped = tuple(key for key in sorted(before - taken) if getattr(config, key) != defaults[key])
    changes = {"norm": norm, **chosen, **{key: defaults[key] for key in dropped}}
    return OtherNorm(config.replace(**changes), chosen, dropped)
