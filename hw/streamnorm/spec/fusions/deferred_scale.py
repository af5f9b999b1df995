"""A norm whose factor is left to whoever comes behind the next matrix: rows leave without, their scales beside."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from streamnorm.errors import ConfigError
from streamnorm.spec.algorithms import OWN_ALGORITHM
from streamnorm.spec.architectures import ONE_PASS
from streamnorm.spec.formats import IntFormat, NumberFormat, ScaleWord
from streamnorm.spec.output_grid import OutputGrid

from .side_stream import SideStream

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig
    from streamnorm.spec.norms import Norm

__all__ = ["DeferredScale"]

_FOLD = "`streamnorm fold flashnorm` takes gamma and beta into the matrix behind the norm"
_MANTISSA_BITS = {"faithful": 16, "as-is": 16, "tight": 24}
"""By the accuracy. With 16 bits, what is quantized to int8 behind the product is less than 1/256 of a step off because
of its scale; with 24 bits, what is quantized to int16."""


class DeferredScale:
    """What ``defer`` makes of a norm: ``norm(x) @ W = s * ((q - zero_point) @ W)``, where q are the elements that leave
    and s is a number of the row. So s may come late, behind the product.

    Without a mean, q is x as it came, and s is ``1 / sqrt(mean square + epsilon)`` times the scale of x. With a mean, q
    is ``x - mean`` rounded to the output format, and s is ``1 / sqrt(variance + epsilon)`` times the output's scale: it
    is that of the row, not of the rounded elements.

    Source: Graef, Wasielewski, Clapp: FlashNorm, 2024, arXiv:2407.09577. gamma and beta are in W then.
    """

    FINEST_STEP = 2.0**-32
    """How many steps of what is normalized a step of ``x - mean`` must be, at least."""

    @staticmethod
    def number(config: NormConfig) -> ScaleWord:
        """How a scale travels."""
        return ScaleWord(_MANTISSA_BITS[config.accuracy])

    @staticmethod
    def wanted_error(config: NormConfig) -> float:
        """What a scale must be off by less than, relative to itself: two units of rounding."""
        return 2.0 ** (1 - _MANTISSA_BITS[config.accuracy])

    @classmethod
    def side(cls, config: NormConfig) -> SideStream:
        """The stream of the scales."""
        meaning = "mantissa, above it exponent: what 1 of the row's elements is worth once it is normalized"
        return SideStream("scale", cls.number(config), meaning, per_row=True)

    @staticmethod
    def keys_of_rows(config: NormConfig) -> dict[str, Any]:
        """What is said to the unit that makes ``x - mean`` of a row: a norm whose deviation is 1, rounded to the output
        format before a gamma of 1, so that no lane has a product for it."""
        return {
            "norm": "frozen",
            "deviation": 1.0,
            "epsilon": None,
            "epsilon_placement": "variance",
            "gamma_rounding": "output",
            "architecture": ONE_PASS,
            "margin": config.margin,
            "defer": False,
        }

    @staticmethod
    def steps(config: NormConfig) -> Fraction:
        """What a step of the elements that leave is, in steps of what is normalized."""
        return Fraction(config.output.scale) / Fraction(config.normalized_input.scale)

    @classmethod
    def grid(cls, config: NormConfig) -> OutputGrid:
        """That, as what rho is multiplied by."""
        return OutputGrid.times(cls.steps(config))

    @staticmethod
    def require_norm(norm: Norm) -> None:
        """ConfigError if there is no such unit of a norm."""
        if not norm.has_statistic:
            raise ConfigError(f"defer = true: norm = {norm.name!r} has no scale of a row that could come later")
        if norm.why_not_deferred:
            raise ConfigError(
                f"defer = true: norm = {norm.name!r}: {norm.why_not_deferred}. Allowed: layernorm, rmsnorm, l2norm, "
                "crmsnorm"
            )

    @staticmethod
    def require_integers(key: str, number: NumberFormat) -> None:
        """ConfigError if elements of ``key`` are floating-point numbers."""
        if number.is_float:
            raise ConfigError(f"{key} = {number.name}: does not go with defer = true, which is for integers only")

    @classmethod
    def require_goes_with(cls, config: NormConfig, given: frozenset[str]) -> None:
        """ConfigError if a key does not go with ``defer``; ``given``: those that were said."""
        for key in ("gamma", "beta"):
            if getattr(config, key) is not None:
                raise ConfigError(f"{key}: does not go with defer = true: elements are not multiplied here; {_FOLD}")
        if config.gamma_offset:
            raise ConfigError(
                f"gamma_offset = {config.gamma_offset:g}: does not go with defer = true; {_FOLD}, with the offset added"
            )
        for key, absent in _ABSENT.items():
            if key in given and (value := getattr(config, key)) != absent:
                shown = f" = {value!r}" if isinstance(value, str | int | float) else ""
                raise ConfigError(f"{key}{shown}: does not go with defer = true: there is no gamma here; leave it out")
        if config.algorithm != OWN_ALGORITHM:
            raise ConfigError(f"algorithm = {config.algorithm!r}: does not go with defer = true: it gives no scale")
        source = config.normalized_input
        if config.formula.centred:
            cls._require_grid(config)
        elif config.output != source:
            what = "rows go through" if config.residual is None else "the sums that are normalized go on"
            raise ConfigError(
                f"output: defer = true: {what} as they are; must be {_table(source)}"
                + (", the same as the input" if config.residual is None else "")
            )

    @classmethod
    def _require_grid(cls, config: NormConfig) -> None:
        """ConfigError if ``x - mean`` cannot leave in the output format."""
        source, output = config.normalized_input, config.output
        if not isinstance(output, IntFormat):
            raise ConfigError('output: scale = "row": does not go with defer = true: x - mean has one for all rows')
        largest = (source.max - source.min) * source.scale * (config.max_length - 1) / config.max_length
        if 0 < largest <= output.scale / 2:
            raise ConfigError(
                f"in [output]: scale = {output.scale:g}: x - mean would be 0 in every row, since it is at most "
                f"{largest:.3g}; must be less than {2 * largest:.3g}"
            )
        if cls.steps(config) < cls.FINEST_STEP:
            raise ConfigError(
                f"in [output]: scale = {output.scale:g}: with defer = true, must be at least "
                f"{cls.FINEST_STEP * source.scale:.3g}, 2^-32 of the step of what is normalized"
            )


_ABSENT = {
    "bank_order": "given",
    "storage": "rom",
    "banks": 1,
    "parameter_repeat": 1,
    "gamma_rounding": "once",
    "gamma_bits": None,
    "beta_bits": None,
    "gamma_max": None,
    "beta_max": None,
    "parameter_format": None,
}
"""Keys that nothing may be said of, and what they are then."""


def _table(number: NumberFormat) -> str:
    keys = {key: of for key, of in number.to_dict().items() if key != "format" and not (key == "zero_point" and not of)}
    said = "".join(f", {key} = {of!r}" for key, of in keys.items())
    return f'{{ format = "{number.name}"{said} }}'
