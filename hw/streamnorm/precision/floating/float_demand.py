"""What a configuration asks of the widths of a unit for floating point, and the errors that it accepts."""

from dataclasses import dataclass
from math import ceil, log2, sqrt

from streamnorm.precision.demand import EXPECTED_MARGIN, PROMISED_ERROR, TIGHT_ERROR, Gain, error_limit, gains, is_tight
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.stored_floats import StoredFloats

__all__ = ["FloatDemand", "ZErrors"]

FLOAT_ERROR = 0.45
"""Largest error before the final rounding that the search accepts, in units in the last place."""

TIGHT_PRECISION = 11
"""Outputs of at most this precision, fp16's, are always held to 99.9 % of correctly rounded results."""

_MEAN_Z = 0.8
"""Mean magnitude of a normal deviate."""


@dataclass(frozen=True)
class ZErrors:
    """How far a normalized value is off: at most and in the mean, relative to itself and besides.

    What is besides is measured in 1; with a constant deviation, in the largest z of the row.
    """

    relative: float
    absolute: float
    mean_relative: float
    mean_absolute: float


@dataclass(frozen=True, kw_only=True)
class FloatDemand:
    """What is demanded, whatever the output's format.

    Attributes
    ----------
    precision : bits of a result that count, about
    limit : the largest error before the final rounding, in units in the last place
    tight : the expected error is limited, too
    product : how much larger z times gamma may be than what a unit is of: it may be twice what is left beside beta
    """

    product: int = 1
    precision: int
    limit: float
    tight: bool

    @staticmethod
    def of(config: NormConfig) -> "FloatDemand":
        """The demand of a configuration.

        Raises
        ------
        ConfigError
            If gamma or beta cannot be held in the configured width.
        """
        return _OfFloats.asked(config) if isinstance(config.output, FloatFormat) else _OfIntegers.asked(config)

    def bound(self, errors: ZErrors) -> float:
        """The largest error of a result before it is rounded, in units in the last place."""
        raise NotImplementedError

    def expected(self, errors: ZErrors) -> float:
        """The mean error, about."""
        raise NotImplementedError

    def is_kept(self, errors: ZErrors) -> bool:
        """Whether errors keep the promise."""
        return self.bound(errors) <= self.limit and (not self.tight or self.expected(errors) <= TIGHT_ERROR)


@dataclass(frozen=True, kw_only=True)
class _OfFloats(FloatDemand):
    """A unit in the last place is at least ``2**-precision`` of the result, and of gamma; with a constant deviation, of
    gamma times the largest z of the row, which errors of z are measured in then."""

    @staticmethod
    def asked(config: NormConfig) -> "_OfFloats":
        stored = StoredFloats.of(config)
        assert isinstance(config.output, FloatFormat)
        precision = config.output.precision
        return _OfFloats(
            precision=precision,
            limit=error_limit(stored, FLOAT_ERROR),
            tight=config.accuracy == "tight" or precision <= TIGHT_PRECISION,
            product=2 if stored.has_beta else 1,
        )

    def bound(self, errors: ZErrors) -> float:
        return (self.product * errors.relative + errors.absolute) * 2.0**self.precision

    def expected(self, errors: ZErrors) -> float:
        # A result's last place is finer the smaller it is. Of a normal deviate as many are in the last octave above
        # 2**-j as are left above 0: each octave counts as much as the others, down to where z is lost in its error.
        octaves = max(1.0, -log2(max(errors.mean_absolute, 1e-30)) - self.precision)
        share = errors.mean_relative + errors.mean_absolute * (0.5 + 0.8 * 0.69 * octaves)
        return EXPECTED_MARGIN * share * 2.0**self.precision


@dataclass(frozen=True, kw_only=True)
class _OfIntegers(FloatDemand):
    """A unit in the last place is an output step. ``reach``: the largest z times gamma whose result is in the range."""

    gain: float
    reach: float
    row_gain: Gain
    prefix_gain: Gain

    @staticmethod
    def asked(config: NormConfig) -> "_OfIntegers":
        output, parameters = config.output, StoredParameters.of(config)
        row_gain, prefix_gain = gains(config)
        z_max = sqrt(config.formula.square_limit(config.max_length) or 1)
        reach = min(max(-output.min, output.max) + 1 + parameters.beta_max_abs, parameters.gamma_max_abs * z_max)
        return _OfIntegers(
            precision=max(2, ceil(log2(max(reach, 1.0))) + 1),
            limit=error_limit(parameters),
            tight=is_tight(config),
            gain=parameters.gamma_max_abs,
            reach=reach,
            row_gain=row_gain,
            prefix_gain=prefix_gain,
        )

    def bound(self, errors: ZErrors) -> float:
        return self.reach * errors.relative + self.gain * errors.absolute

    def expected(self, errors: ZErrors) -> float:
        of_z = _MEAN_Z * errors.mean_relative + errors.mean_absolute
        longest = EXPECTED_MARGIN * self.row_gain.mean * of_z
        return max(longest, EXPECTED_MARGIN * self.prefix_gain.mean * of_z * TIGHT_ERROR / PROMISED_ERROR)
