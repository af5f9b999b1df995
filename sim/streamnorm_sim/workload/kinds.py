"""Kinds of norm in a model, and at which places one differs from the model's own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamnorm.errors import ConfigError
from streamnorm.spec.config import LENGTH_MAX
from streamnorm.spec.norms import NORMS
from streamnorm.spec.values import finite_float, integer_between, one_of, refuse_unknown, shown

from .placement import Place, parse_place

__all__ = ["KIND_KEYS", "NormKind", "NormRule", "flag", "parse_rules"]

KIND_KEYS = ("norm", "epsilon", "gamma_offset", "affine")
_RULE_KEYS = (*KIND_KEYS, "length", "rows", "behind")


@dataclass(frozen=True)
class NormKind:
    """What a norm works out; ``affine``: it has gamma (and beta, if centred) of its own."""

    norm: str
    epsilon: float
    gamma_offset: float
    affine: bool

    @classmethod
    def of(cls, keys: Mapping[str, Any]) -> "NormKind":
        """Check a model's keys; raise ConfigError where one is out of range."""
        return cls(
            norm=one_of("norm", keys["norm"], NORMS),
            epsilon=finite_float("epsilon", keys["epsilon"], 0.0),
            gamma_offset=finite_float("gamma_offset", keys.get("gamma_offset", 0.0)),
            affine=flag(keys, "affine", True),
        )

    def changed(self, keys: Mapping[str, Any]) -> "NormKind":
        """Return this kind with some keys changed."""
        own = {"norm": self.norm, "epsilon": self.epsilon, "gamma_offset": self.gamma_offset, "affine": self.affine}
        return NormKind.of({**own, **keys})


@dataclass(frozen=True)
class NormRule:
    """A place whose norm is not as the others, or one that a layer has besides.

    Attributes
    ----------
    place : which norms
    kind : what they work out
    length, rows : elements of a row and rows of each token; None: as they would be
    behind : the site behind which the norm is added; None: the norm is there
    """

    place: Place
    kind: NormKind
    length: int | None
    rows: int | None
    behind: str | None


def parse_rules(table: object, kind: NormKind, layers: int) -> tuple[NormRule, ...]:
    """Return the rules of the key ``norms``: a table with a table for each place, ``SITE`` or ``SITE:LAYERS``.

    Parameters
    ----------
    table : as read from TOML
    kind : of the model's other norms, which a place has as far as it says nothing else
    layers : of the stack

    Raises
    ------
    ConfigError
        If a place or a key of its table is not right.
    """
    if not isinstance(table, Mapping):
        raise ConfigError(f'norms = {shown(table)}: must be a table, as in norms = {{ q = {{ norm = "layernorm" }} }}')
    rules = []
    for name, keys in table.items():
        where = f"norms: {shown(name)}"
        if not isinstance(keys, Mapping):
            raise ConfigError(f"{where}: {shown(keys)}: must be a table with some of {', '.join(_RULE_KEYS)}")
        try:
            rules.append(_rule(name, keys, kind, layers))
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error
    return tuple(rules)


def _rule(name: str, keys: Mapping[str, Any], kind: NormKind, layers: int) -> NormRule:
    refuse_unknown(keys, _RULE_KEYS)
    place = parse_place(name, layers)
    behind = keys.get("behind")
    if behind is not None:
        if "length" not in keys:
            raise ConfigError("length: must be given of a norm that is added")
        if not isinstance(behind, str) or not re.fullmatch(r"[a-z-]+", place.site):
            raise ConfigError("behind: must be the name of a site, that of the added norm a new one")
    return NormRule(
        place=place,
        kind=kind.changed({key: value for key, value in keys.items() if key in KIND_KEYS}),
        length=integer_between("length", keys["length"], 1, LENGTH_MAX) if "length" in keys else None,
        rows=integer_between("rows", keys["rows"], 1, LENGTH_MAX) if "rows" in keys else None,
        behind=behind,
    )


def flag(keys: Mapping[str, Any], key: str, default: bool) -> bool:
    """Return a key that is true or false; raise ConfigError if it is neither."""
    value = keys.get(key, default)
    if not isinstance(value, bool):
        raise ConfigError(f"{key} = {shown(value)}: must be true or false")
    return value
