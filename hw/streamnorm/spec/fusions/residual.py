"""The residual add in front of the norm: a second stream that is added to the rows before they are normalized."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from streamnorm.errors import ConfigError
from streamnorm.spec.formats import FORMAT_KEYS, IntFormat, NumberFormat, as_format
from streamnorm.spec.simplest_fraction import simplest_fraction
from streamnorm.spec.values import boolean, finite_float, refuse_unknown, shown

from .side_stream import SideStream
from .sum_grid import SumGrid

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

__all__ = ["Residual", "SumFormat"]

_KEYS = (*FORMAT_KEYS, "alpha", "emit_sum", "sum")

STEP_PARTS = range(8, 1, -1)
"""Powers of two: a sum is off by at most such a part of a step of the input because of the ratio that is stored. The
finest is taken whose sums have no more bits than a format may have."""


@dataclass(frozen=True)
class SumFormat:
    """How a sum ``r = alpha * x + f`` is formed: ``number.scale * (weight_x * x + weight_f * f - number.zero_point)``.

    Attributes
    ----------
    weight_x, weight_f : integers without a common divisor; weight_f above 0
    number : format of ``weight_x * x + weight_f * f``, whose scale is that of f over weight_f
    error : what alpha times the input's scale is off by, relative to it, in the ratio that is stored
    """

    weight_x: int
    weight_f: int
    number: IntFormat
    error: float


@dataclass(frozen=True, kw_only=True)
class Residual:
    """The table ``[residual]`` of a configuration: rows ``r = alpha * x + f`` are normalized, exact.

    The sources: residual connections, He and others 2015, arXiv:1512.03385; ``alpha`` above 1, DeepNorm, Wang and
    others 2022, arXiv:2203.00555.

    Attributes
    ----------
    number : format of f, the rows of the stream ``s_axis_residual``; integers
    alpha : factor of the unit's rows; not 0
    emit_sum : whether r, rounded half to even and saturated, leaves on the stream ``m_axis_sum``
    sum_number : format of that; integers
    """

    number: IntFormat
    alpha: float = 1.0
    emit_sum: bool = False
    sum_number: IntFormat | None = None

    @staticmethod
    def of(value: Any) -> Residual:
        """A residual, or a table of a configuration file.

        Raises
        ------
        ConfigError
            If a key is unknown, missing or out of range, or a format is not one of integers.
        """
        if isinstance(value, Residual):
            return value
        if not isinstance(value, Mapping):
            raise ConfigError(
                f'residual = {shown(value)}: must be a table, for example [residual] with format = "int8", scale = 0.05'
            )
        refuse_unknown(value, _KEYS, " in [residual]")
        number = as_format("residual", {key: of for key, of in value.items() if key in FORMAT_KEYS})
        try:
            alpha = finite_float("alpha", value.get("alpha", 1.0), -1e9, 1e9)
            if not alpha:
                raise ConfigError("alpha = 0: must not be 0; only the residual would be normalized")
            emit_sum = boolean("emit_sum", value.get("emit_sum", False))
            if "sum" in value and not emit_sum:
                raise ConfigError("sum: only goes with emit_sum = true")
        except ConfigError as error:
            raise ConfigError(f"in [residual]: {error}") from None
        sum_number = as_format("residual.sum", value["sum"]) if "sum" in value else number
        return Residual(
            number=_integers("residual", number),
            alpha=alpha,
            emit_sum=emit_sum,
            sum_number=_integers("residual.sum", sum_number) if emit_sum else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """The table."""
        table: dict[str, Any] = {**self.number.to_dict(), "alpha": self.alpha, "emit_sum": self.emit_sum}
        return table if self.sum_number is None else {**table, "sum": self.sum_number.to_dict()}

    @property
    def inputs(self) -> tuple[SideStream, ...]:
        """Streams of rows that go in beside those of the unit."""
        return (SideStream("residual", self.number, "added to the rows before they are normalized"),)

    @property
    def outputs(self) -> tuple[SideStream, ...]:
        """Streams of rows that come out beside the results."""
        if self.sum_number is None:
            return ()
        return (SideStream("sum", self.sum_number, "what was normalized: alpha times the rows, plus the residual"),)

    def sums(self, source: NumberFormat) -> SumFormat:
        """How sums with rows of the format ``source`` are formed.

        Raises
        ------
        ConfigError
            If ``source`` is not one of integers, or the sums would have more bits than a format may have.
        """
        if not isinstance(source, IntFormat):
            raise ConfigError(f"residual: input = {source.name}: goes with integers only")
        return _sums(source, self.number, self.alpha)

    def require_goes_with(self, config: NormConfig) -> None:
        """ConfigError if there is no unit of the configuration with this residual."""
        if self.sum_number is not None:
            self.sum_grid(config.input)
        config.core  # noqa: B018 (must be a configuration)

    def sum_grid(self, source: NumberFormat) -> SumGrid:
        """How sums with rows of the format ``source`` are rounded on their way out; only with :attr:`emit_sum`.

        Raises
        ------
        ConfigError
            As `sums`, or if every sum would be rounded to 0.
        """
        assert self.sum_number is not None
        sums = self.sums(source)
        return SumGrid.of(sums.number, Fraction(self.number.scale) / sums.weight_f, self.sum_number)


def _integers(key: str, number: NumberFormat) -> IntFormat:
    if not isinstance(number, IntFormat):
        raise ConfigError(f"in [{key}]: format = {number.name!r}: must be {IntFormat.names}; goes with integers only")
    return number


@lru_cache(maxsize=256)
def _sums(x: IntFormat, f: IntFormat, alpha: float) -> SumFormat:
    ratio = Fraction(alpha) * Fraction(x.scale) / Fraction(f.scale)
    reach = max(x.max - x.zero_point, x.zero_point - x.min)
    magnitude, bits = abs(ratio), 0
    for part in STEP_PARTS:
        stored = simplest_fraction(magnitude, magnitude / (reach << part))
        weight_x = stored.numerator if ratio > 0 else -stored.numerator
        weight_f = stored.denominator
        ends = sorted((weight_x * x.min, weight_x * x.max))
        low, high = ends[0] + weight_f * f.min, ends[1] + weight_f * f.max
        signed = low < 0
        bits = max(high.bit_length(), (-low - 1).bit_length() if signed else 0) + signed
        if bits > IntFormat.BITS_MAX:
            continue
        scale = float(Fraction(f.scale) / weight_f)
        zero_point = weight_x * x.zero_point + weight_f * f.zero_point
        number = IntFormat(max(bits, IntFormat.BITS_MIN), signed=signed, scale=scale, zero_point=zero_point)
        return SumFormat(weight_x, weight_f, number, float(abs(stored - magnitude) / magnitude))
    raise ConfigError(
        f"residual: alpha times the input's scale is {float(ratio):.6g} times the residual's: sums would have {bits} "
        f"bits; must be at most {IntFormat.BITS_MAX}, as with scales nearer to each other, or with a ratio that is a "
        "fraction of small integers"
    )
