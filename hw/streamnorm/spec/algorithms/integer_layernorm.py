"""What integer-only LayerNorms have in common: an integer mean, an integer deviation, integers all along."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from streamnorm.spec.architectures import ONE_PASS
from streamnorm.spec.norms import NORMS, LayerNorm

from .algorithm import Algorithm

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig
    from streamnorm.spec.formats import NumberFormat
    from streamnorm.spec.norms import Norm

__all__ = ["VARIANCE_BITS", "IntegerLayerNorm", "IntegerValue"]

VARIANCE_BITS = 32
"""Bits that a sum of squares may have."""


class IntegerValue(NamedTuple):
    """A value on the way: what it is called, its bits, and what it is."""

    name: str
    bits: int
    meaning: str


class _LayerNormOfElements(LayerNorm):
    """LayerNorm whose d is the element less the zero point: a mean that is rounded depends on where 0 is."""

    @property
    def pivot_in_row(self) -> bool:
        return False


_OF_ELEMENTS = _LayerNormOfElements()


class IntegerLayerNorm(Algorithm):
    """LayerNorm of integers x (elements less the zero point) in integers, up to z and its requantization.

    With n the length of the row, ``S1 = sum(x)`` and ``S2 = sum(x**2)``: ``m`` is S1/n rounded; ``y = x - m``;
    ``V = sum(y**2) = S2 - 2*m*S1 + n*m**2``, exact, below ``2**VARIANCE_BITS``; from V and y each algorithm has a z of
    its own, of which a step is worth :meth:`step`. Then requantization.
    """

    norms = ("layernorm",)
    architectures = (ONE_PASS,)
    values: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        **Algorithm.values,
        "epsilon": (0.0,),
        "epsilon_placement": ("variance",),
        "accuracy": ("faithful",),
    }

    def norm(self, norm: Norm) -> Norm:
        return _OF_ELEMENTS if norm is NORMS["layernorm"] else norm

    def require_goes_with(self, config: NormConfig, given: frozenset[str]) -> None:
        super().require_goes_with(config, given)
        if not self.variance_max(config.input, config.max_length) >> VARIANCE_BITS:
            return
        fitting = ((1 << VARIANCE_BITS + 2) - 1) // ((config.input.max - config.input.min) ** 2 + 1)
        why = f"; a sum of squares must stay below 2^{VARIANCE_BITS}, as deviations are not shifted"
        if fitting:
            raise self.refusal("max_length", config.max_length, f"1 to {fitting} with {config.input.name}{why}")
        raise self.refusal("input", config.input.name, f"a format of at most 16 bits{why}")

    @staticmethod
    def variance_max(source: NumberFormat, longest: int) -> int:
        """The largest V of rows of up to ``longest`` elements of a format.

        Half of the elements stand at each end, and the mean is off by up to a half besides.
        """
        return longest * ((source.max - source.min) ** 2 + 1) // 4

    @abstractmethod
    def step(self, longest: int) -> float:
        """What a step of z is worth; ``longest`` is max_length."""

    @abstractmethod
    def limits(self, variance_max: int, longest: int, largest: int) -> tuple[int, int]:
        """The smallest and the largest z, for ``V <= variance_max`` and ``|y| <= largest``."""

    @abstractmethod
    def way(self, variance_max: int, longest: int) -> Sequence[IntegerValue]:
        """The values between V and z."""
