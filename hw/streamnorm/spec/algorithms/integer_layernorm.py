"""What integer-only LayerNorms have in common: an integer mean, an integer deviation, integers all along."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from math import isqrt
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from streamnorm.spec.architectures import ONE_PASS, TWO_PASS
from streamnorm.spec.norms import NORMS, LayerNorm
from streamnorm.spec.root_choice import RootChoice

from .algorithm import Algorithm

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig
    from streamnorm.spec.formats import NumberFormat
    from streamnorm.spec.norms import Norm

__all__ = ["VARIANCE_BITS", "IntegerBounds", "IntegerLayerNorm", "IntegerValue"]

VARIANCE_BITS = 32
"""Bits that a sum of squares may have."""


class IntegerValue(NamedTuple):
    """A value on the way: what it is called, its bits, and what it is."""

    name: str
    bits: int
    meaning: str


class IntegerBounds(NamedTuple):
    """What limits the values of a configuration.

    Attributes
    ----------
    variance_max : the largest V
    longest : max_length
    largest : the largest ``|y|``
    shift : what deviations are shifted right by before they are squared
    """

    variance_max: int
    longest: int
    largest: int
    shift: int


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
    its own, of which a step is worth :meth:`step`. Then requantization. Where an algorithm has a :meth:`shift`,
    ``V = sum((y >> shift)**2)``, which needs the mean first.
    """

    norms = ("layernorm",)
    architectures = (ONE_PASS,)
    values: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        **Algorithm.values,
        "epsilon": (0.0,),
        "epsilon_placement": ("variance",),
        "accuracy": ("faithful",),
        "rsqrt": (RootChoice(),),
    }

    def norm(self, norm: Norm) -> Norm:
        return _OF_ELEMENTS if norm is NORMS["layernorm"] else norm

    def require_goes_with(self, config: NormConfig, given: frozenset[str]) -> None:
        super().require_goes_with(config, given)
        if not self.variance_max(config.input, config.max_length) >> VARIANCE_BITS:
            return
        fitting = ((1 << VARIANCE_BITS + 2) - 1) // ((config.input.max - config.input.min) ** 2 + 1)
        if shift := self.shift(config.input, config.max_length):
            if config.architecture == TWO_PASS:
                return
            also = f", or max_length from 1 to {fitting}" if fitting else ""
            raise self.refusal(
                "architecture",
                config.architecture,
                f"{TWO_PASS}, as deviations are shifted right by {shift} and so need the mean first{also}",
            )
        why = f"; a sum of squares must stay below 2^{VARIANCE_BITS}, as deviations are not shifted"
        if fitting:
            raise self.refusal("max_length", config.max_length, f"1 to {fitting} with {config.input.name}{why}")
        raise self.refusal("input", config.input.name, f"a format of at most 16 bits{why}")

    @staticmethod
    def variance_max(source: NumberFormat, longest: int, shift: int = 0) -> int:
        """No V is larger, of rows of up to ``longest`` elements of a format; without a shift, some reach it.

        Half of the elements stand at each end, and the mean is off by up to a half besides. With a shift, each
        deviation is rounded down by less than 1, and the norm of the sum of two rows is at most that of both norms.
        """
        largest = longest * ((source.max - source.min) ** 2 + 1) // 4
        return ((isqrt(largest) >> shift) + isqrt(longest) + 2) ** 2 if shift else largest

    def shift(self, source: NumberFormat, longest: int) -> int:
        """What deviations are shifted right by before they are squared, so that V stays below ``2**VARIANCE_BITS``."""
        return 0

    @abstractmethod
    def step(self, longest: int) -> float:
        """What a step of z is worth; ``longest`` is max_length."""

    @abstractmethod
    def limits(self, bounds: IntegerBounds) -> tuple[int, int]:
        """The smallest and the largest z."""

    @abstractmethod
    def way(self, bounds: IntegerBounds) -> Sequence[IntegerValue]:
        """The values between V and z."""
