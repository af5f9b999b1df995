"""The residual add in front of the norm: a second stream that is added to the rows before they are normalized."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from streamnorm.errors import ConfigError
from streamnorm.spec.architectures import STATIC
from streamnorm.spec.formats import FORMAT_KEYS, FloatFormat, IntFormat, NumberFormat, as_format
from streamnorm.spec.simplest_fraction import simplest_fraction
from streamnorm.spec.values import boolean, finite_float, refuse_unknown, shown

from .float_sum import FloatSum
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

    def formed(self, alpha: float) -> tuple[str, str]:
        """The sum with that alpha, and how it is formed, in a few words."""
        times = f"{alpha:g} x + f" if alpha != 1.0 else "x + f"
        how = f"{self.weight_x} x + {self.weight_f} f in steps of {self.number.scale:.4g}, {self.number.bits} bits"
        off = "" if self.error < 2**-40 else f"; alpha is {self.error:.2g} of itself off in it"
        return times, f"{how}, exact{off}"

    @property
    def in_full(self) -> str:
        """The same for whoever reads the Verilog."""
        return (
            f": {self.weight_x} (q_x - zero_point) + {self.weight_f} (q_f - zero_point), in steps of "
            f"{self.number.scale!r}"
        )


@dataclass(frozen=True, kw_only=True)
class Residual:
    """The table ``[residual]`` of a configuration: rows ``r = alpha * x + f`` are normalized; of integers exact, of
    floating-point numbers rounded once.

    The sources: residual connections, He and others 2015, arXiv:1512.03385; ``alpha`` above 1, DeepNorm, Wang and
    others 2022, arXiv:2203.00555.

    Attributes
    ----------
    number : format of f, the rows of the stream ``s_axis_residual``
    alpha : factor of the unit's rows; not 0
    emit_sum : whether r leaves on the stream ``m_axis_sum``, of integers rounded half to even and saturated
    sum_number : format of that; of floating-point numbers, with or without that stream, the one that r is rounded to
    """

    number: NumberFormat
    alpha: float = 1.0
    emit_sum: bool = False
    sum_number: NumberFormat | None = None

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
            if "sum" in value and not emit_sum and not number.is_float:
                raise ConfigError("sum: only goes with emit_sum = true where rows are integers")
        except ConfigError as error:
            raise ConfigError(f"in [residual]: {error}") from None
        sum_number = as_format("residual.sum", value["sum"]) if "sum" in value else number
        if sum_number.is_float != number.is_float:
            raise ConfigError(
                f"in [residual.sum]: format = {sum_number.name!r}: must be {type(number).names}; the residual is "
                f"{number.name}"
            )
        has_format = emit_sum or number.is_float
        return Residual(number=number, alpha=alpha, emit_sum=emit_sum, sum_number=sum_number if has_format else None)

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
        if not self.emit_sum:
            return ()
        assert self.sum_number is not None
        meaning = "what was normalized: alpha times the rows, plus the residual"
        return (SideStream("sum", self.sum_number, meaning, ahead=True),)

    def sums(self, source: NumberFormat) -> SumFormat | FloatSum:
        """How sums with rows of the format ``source`` are formed.

        Raises
        ------
        ConfigError
            If one of the two is of integers and the other is not, the sums of integers would have more bits than a
            format may have, or alpha has more bits than sums of floating-point numbers may have.
        """
        if isinstance(source, FloatFormat) and isinstance(self.number, FloatFormat):
            assert isinstance(self.sum_number, FloatFormat)
            return FloatSum.of(source, self.number, self.alpha, self.sum_number)
        if isinstance(source, IntFormat) and isinstance(self.number, IntFormat):
            return _sums(source, self.number, self.alpha)
        raise ConfigError(
            f"in [residual]: format = {self.number.name!r}: does not go with input = {source.name}: both must be "
            "integers, or both floating-point numbers; a scale beside floats would take a product, and a rounding, more"
        )

    def require_goes_with(self, config: NormConfig) -> None:
        """ConfigError if there is no unit of the configuration with this residual."""
        self.sum_grid(config.input)
        core = config.core
        if core.architecture == STATIC and core.parameters_are_streamed:
            raise ConfigError(
                f'residual: does not go with storage = "stream" and norm = {config.norm!r}: rows do not wait inside '
                "for their gamma and beta; allowed: norms with a statistic, or another storage"
            )

    def sum_grid(self, source: NumberFormat) -> SumGrid | None:
        """How sums with rows of the format ``source`` are rounded on their way out; None where none go out, or they do
        as they are.

        Raises
        ------
        ConfigError
            As `sums`, or if every sum would be rounded to 0.
        """
        sums = self.sums(source)
        if not self.emit_sum or isinstance(sums, FloatSum):
            return None
        assert isinstance(self.sum_number, IntFormat)
        return SumGrid.of(sums.number, Fraction(self.number.scale) / sums.weight_f, self.sum_number)


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
