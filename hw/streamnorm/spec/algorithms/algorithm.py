"""What there is to say about an algorithm: which integers a unit computes on the way to its results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from streamnorm.errors import ConfigError
from streamnorm.spec.values import shown

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig
    from streamnorm.spec.norms import Norm

__all__ = ["Algorithm"]


class Algorithm:
    """The integers between the elements of a row and its results.

    An algorithm of the literature is computed as it was published, to the last bit, so that units can be compared. No
    bound of its error is promised. All of them end with a dyadic requantization, see
    :mod:`~streamnorm.spec.algorithms.dyadic`.

    Attributes
    ----------
    name : what ``NormConfig.algorithm`` calls it
    title : what people call it
    about : what it does, in a few words
    formula : what is computed, line by line
    source : where it was published
    left_open : what the publication leaves open, and what was chosen, a sentence each
    promises : results keep to a proven bound of the error
    is_dyadic : gamma and beta are an integer multiplier and an integer addend behind the normalized value
    norms : the norms that it goes with; none named: every norm with a statistic
    architectures : the architectures that it goes with; none named: all
    values : by key of a configuration, the only values that it may have
    """

    name: str
    title: str
    about: str
    formula: tuple[str, ...]
    source: str
    left_open: tuple[str, ...] = ()
    promises: bool = False
    is_dyadic: bool = True
    norms: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    values: ClassVar[Mapping[str, tuple[Any, ...]]] = {"storage": ("rom",), "gamma_rounding": ("once",)}

    def norm(self, norm: Norm) -> Norm:
        """The description of a norm, as far as the algorithm takes another part of it than the project's own."""
        return norm

    def require_goes_with(self, config: NormConfig, given: frozenset[str]) -> None:
        """Refuse a configuration whose keys do not go with the algorithm; ``given``: keys that were not left out.

        Raises
        ------
        ConfigError
            With the first key that does not, and what is allowed.
        """
        if not self.is_dyadic:
            return
        if not config.formula.has_statistic:
            raise self.refusal("norm", config.norm, "a norm with a statistic")
        allowed = {"norm": self.norms, "architecture": self.architectures, **self.values}
        for key, values in allowed.items():
            value = getattr(config, key)
            if values and value not in values:
                raise self.refusal(key, value, ", ".join(str(one) for one in values))
        for key in ("gamma_bits", "beta_bits"):
            if key in given:
                raise self.refusal(key, getattr(config, key), "nothing; its multipliers have widths of their own")

    def refusal(self, key: str, value: object, allowed: str) -> ConfigError:
        """What to say of a key's value that does not go with the algorithm."""
        return ConfigError(f"{key} = {shown(value)}: does not go with algorithm = {self.name!r}; allowed: {allowed}")
