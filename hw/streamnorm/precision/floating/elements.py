"""Elements of a row as the arithmetic for floating point has them, whatever their format."""

from dataclasses import dataclass
from fractions import Fraction

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat

__all__ = ["Elements"]


@dataclass(frozen=True)
class Elements:
    """Each element is ``(-1)**negative * mantissa * 2**binade`` units.

    Attributes
    ----------
    mantissa_bits : bits of a mantissa
    binade_max : the largest binade; 0 for integers, which are all in one
    unit : what a unit is worth, exact: the scale of integers, the smallest number above 0 of floats
    """

    mantissa_bits: int
    binade_max: int
    unit: Fraction

    @staticmethod
    def of(config: NormConfig) -> "Elements":
        """The elements of a configuration's input."""
        source = config.input
        if isinstance(source, FloatFormat):
            return Elements(source.precision, source.binade_max, Fraction(source.scale))
        reach = max(source.max - source.zero_point, source.zero_point - source.min)
        return Elements(reach.bit_length(), 0, Fraction(source.scale))

    @property
    def are_floats(self) -> bool:
        """Whether elements are in more than one binade."""
        return self.binade_max > 0
