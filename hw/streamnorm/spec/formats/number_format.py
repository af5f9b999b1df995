"""What there is to say about how a number is coded."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

__all__ = ["SCALE_MAX", "SCALE_MIN", "NumberFormat"]

# Far beyond any use; the square can still be told from 0 and from infinity.
SCALE_MIN, SCALE_MAX = 1e-18, 1e18


class NumberFormat(ABC):
    """How an element is coded: as what it travels, and what real number it stands for.

    Whoever only carries elements needs ``name``, ``bits``, ``signed`` and ``bytes``; the rest is arithmetic. Formats
    are values: equal ones compare equal and hash alike.

    Attributes
    ----------
    names, keys : of the whole family: which formats it has, for messages; keys of a configuration's table besides
        ``format``
    parse : the format of a name that the family has, with values for some of its keys; ConfigError if one is not right
    name : of this format, without ``keys``
    bits, signed : a code as it travels in a lane
    min, max : the smallest and the largest code
    scale, zero_point : of integers: a code stands for the real number ``scale * (code - zero_point)``
    is_float : of a whole family, whether codes are floating-point numbers
    """

    names: ClassVar[str]
    keys: ClassVar[tuple[str, ...]]
    is_float: ClassVar[bool] = False

    parse: ClassVar[Callable[..., "NumberFormat"]]

    bits: int
    signed: bool
    scale: float
    zero_point: int

    @classmethod
    @abstractmethod
    def has(cls, name: str) -> bool:
        """Whether the family has a format of that name."""

    @property
    @abstractmethod
    def name(self) -> str: ...

    @property
    @abstractmethod
    def min(self) -> int: ...

    @property
    @abstractmethod
    def max(self) -> int: ...

    @property
    def ends(self) -> tuple[int, int]:
        """The smallest and the largest number, in steps of ``scale``, ``zero_point`` included."""
        return self.min, self.max

    @property
    def bytes(self) -> int:
        """Whole bytes that one element takes on a stream."""
        return -(-self.bits // 8)

    @abstractmethod
    def quantize(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Codes of the nearest numbers (ties to even) to real ``values``, saturated to the range.

        Raises
        ------
        ConfigError
            If a value is no real number, NaN or infinite.
        """

    @abstractmethod
    def saturates(self, values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Which of the real ``values`` lie beyond the range, so that `quantize` gives its end; errors are the same."""

    @abstractmethod
    def dequantize(self, integers: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The real numbers that codes stand for; ConfigError if they are no numbers."""

    def to_dict(self) -> dict[str, Any]:
        """The format as the ``[input]`` or ``[output]`` table of a configuration file."""
        return {"format": self.name, **{key: getattr(self, key) for key in self.keys}}
