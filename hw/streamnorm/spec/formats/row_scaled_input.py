"""Quantized integers that come in rows, each of which brings its scale."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from streamnorm.errors import ConfigError
from streamnorm.spec.values import one_of

from .integer import IntFormat
from .row_scaled import PER_ROW, SCALE_KINDS, checked_name

__all__ = ["RowScaledInput"]


@dataclass(frozen=True)
class RowScaledInput(IntFormat):
    """An integer x of a row with a scale s of its own: the real value is ``s * (x - zero_point)``.

    Whoever works with integers alone takes it for an `IntFormat` of scale 1.

    Parameters
    ----------
    bits, signed, zero_point : as of `IntFormat`
    scale_kind : str
        One of `SCALE_KINDS`: what the scale is coded as.

    Raises
    ------
    ConfigError
        If a parameter has the wrong type or lies outside its range.
    """

    keys: ClassVar[tuple[str, ...]] = ("scale", "scale_kind", "zero_point")

    scale_kind: str = SCALE_KINDS[0]

    if TYPE_CHECKING:

        def __init__(
            self, bits: int | str, signed: bool = True, *, zero_point: int = 0, scale_kind: str = SCALE_KINDS[0]
        ) -> None: ...

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scale != 1.0:
            raise ConfigError(f"scale = {self.scale:g}: each row comes with its own; leave it out")
        one_of("scale_kind", self.scale_kind, SCALE_KINDS)

    @classmethod
    def parse(cls, name: object, **keys: Any) -> "RowScaledInput":
        """Return the format called ``name``, of a table whose ``scale`` is "row".

        Raises
        ------
        ConfigError
            If no format has that name, or a key does not go with it or is out of range.
        """
        plain = IntFormat.parse(checked_name(cls, name, keys))
        return cls(plain.bits, plain.signed, **{key: of for key, of in keys.items() if key != "scale"})

    def to_dict(self) -> dict[str, Any]:
        """The format as the table of a configuration file."""
        return {"format": self.name, "scale": PER_ROW, "scale_kind": self.scale_kind, "zero_point": self.zero_point}
