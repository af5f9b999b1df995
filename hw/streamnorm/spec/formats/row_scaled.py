"""Quantized integers whose scale comes, or goes, with each row."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import finite_reals
from streamnorm.spec.values import integer_between, one_of, positive_float, shown

from .integer import IntFormat
from .number_format import NumberFormat

__all__ = ["PER_ROW", "SCALE_KINDS", "RowScaledFormat", "checked_name"]

PER_ROW = "row"
"""What ``scale`` is in the table of a `RowScaledFormat`."""

SCALE_KINDS = ("float32", "power-of-two")
"""How a scale may be coded: as a float32, or as the exponent of a power of two, an int8."""

_WITHOUT_ZERO_POINT = "a format with a scale for each row is symmetric"


@dataclass(frozen=True)
class RowScaledFormat(NumberFormat):
    """A signed integer q of a row with a scale s of its own: the real value is ``s * q``. Symmetric: no zero point, and
    the lowest code of two's complement is never used.

    Parameters
    ----------
    bits : int or str
        Width, 4 to 16; or a name, "int4" to "int16".
    scale_kind : str
        One of `SCALE_KINDS`.
    scale_max : float or None
        Largest scale; elements that need a larger one saturate. None: no limit.

    Raises
    ------
    ConfigError
        If a parameter has the wrong type or lies outside its range.
    """

    BITS_MIN: ClassVar[int] = 4
    BITS_MAX: ClassVar[int] = 16
    names: ClassVar[str] = "int4 to int16"
    keys: ClassVar[tuple[str, ...]] = ("scale", "scale_kind", "scale_max")
    signed: ClassVar[bool] = True  # type: ignore[override]
    zero_point: ClassVar[int] = 0  # type: ignore[override]
    scale: ClassVar[float] = 1.0  # type: ignore[override]
    """Codes are counted in steps of the scale of their row."""

    bits: int
    scale_kind: str = SCALE_KINDS[0]
    scale_max: float | None = None

    if TYPE_CHECKING:

        def __init__(self, bits: int | str, scale_kind: str = ..., scale_max: float | None = None) -> None: ...

    def __post_init__(self) -> None:
        if isinstance(self.bits, str):
            if not self.has(self.bits):
                raise ConfigError(
                    f'format = {shown(self.bits)}: must be one of {self.names} with scale = "row", which are symmetric'
                )
            object.__setattr__(self, "bits", IntFormat.parse(self.bits).bits)
        note = f", or a name: {self.names}"
        object.__setattr__(self, "bits", integer_between("bits", self.bits, self.BITS_MIN, self.BITS_MAX, note))
        one_of("scale_kind", self.scale_kind, SCALE_KINDS)
        if self.scale_max is not None:
            object.__setattr__(self, "scale_max", positive_float("scale_max", self.scale_max))

    @classmethod
    def has(cls, name: str) -> bool:
        """Whether ``name`` is "int4" … "int16"."""
        return IntFormat.has(name) and not name.startswith("u") and int(name.removeprefix("int")) <= cls.BITS_MAX

    @classmethod
    def parse(cls, name: object, **keys: Any) -> "RowScaledFormat":
        """Return the format called ``name``, of a table whose ``scale`` is "row".

        Raises
        ------
        ConfigError
            If no format has that name, or a key does not go with it or is out of range.
        """
        if "zero_point" in keys:
            raise ConfigError(f'zero_point: does not go with scale = "row": {_WITHOUT_ZERO_POINT}')
        return cls(checked_name(cls, name, keys), **{key: of for key, of in keys.items() if key != "scale"})

    @property
    def name(self) -> str:
        """The format's name without scale, for example "int8"."""
        return f"int{self.bits}"

    @property
    def min(self) -> int:
        """Smallest integer that is used."""
        return -self.max

    @property
    def max(self) -> int:
        """Largest integer."""
        return (1 << (self.bits - 1)) - 1

    def quantize(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the nearest integers (ties to even) of ``values`` in steps of their scale, saturated to the range.

        Raises
        ------
        ConfigError
            If a value is no real number, NaN or infinite.
        """
        return np.clip(np.rint(finite_reals(values)), self.min, self.max).astype(np.int64)

    def saturates(self, values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return which of the ``values``, in steps of their scale, lie beyond the range; errors as of `quantize`."""
        return np.abs(np.rint(finite_reals(values))) > self.max

    def dequantize(self, integers: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return ``integers`` in steps of their scale, which is not known here."""
        return finite_reals(integers)

    def to_dict(self) -> dict[str, Any]:
        """The format as the table of a configuration file; without a limit of the scale, there is no such key."""
        table: dict[str, Any] = {"format": self.name, "scale": PER_ROW, "scale_kind": self.scale_kind}
        return table if self.scale_max is None else {**table, "scale_max": self.scale_max}


def checked_name(family: type[NumberFormat], name: object, keys: Iterable[str]) -> str:
    """The format's name in a table with ``scale = "row"``; ConfigError if it has none, or a key that does not go."""
    if not isinstance(name, str) or not family.has(name):
        raise ConfigError(f'format = {shown(name)}: must be one of {family.names} with scale = "row"')
    if others := [key for key in keys if key not in family.keys]:
        raise ConfigError(f'{others[0]}: does not go with scale = "row", beside which are {", ".join(family.keys[1:])}')
    return name
