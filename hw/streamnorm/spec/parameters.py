"""Gamma and beta as the integers that the unit stores."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError

from .arrays import finite_reals
from .config import NormConfig, checked_config
from .values import counted

GAMMA_FRAC_BITS = range(-16, 31)
BETA_FRAC_BITS = range(1, 31)  # at least 1, so that half an output LSB can be stored


@dataclass(frozen=True)
class _Quantizer:
    """Stores ``((value + offset) / scale + zero_point) * 2**frac_bits``, rounded half to even."""

    key: str
    bits: int
    frac_bits: int
    offset: float
    scale: float
    zero_point: int

    def __call__(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        real = finite_reals(values, self.key)
        limit = 1 << (self.bits - 1)
        with np.errstate(over="ignore", invalid="ignore"):
            quotient = (real + self.offset) / self.scale
            steps = (quotient + self.zero_point) * 2.0**self.frac_bits
            # float64 is off by a few units in its last place; only where that could move a value
            # across a tie, or the sum has cancelled, are exact fractions needed.
            size = ((np.abs(real) + abs(self.offset)) / self.scale + abs(self.zero_point)) * 2.0**self.frac_bits
            doubtful = np.abs(np.abs(steps - np.rint(steps)) - 0.5) <= size * 2.0**-49
        fits = np.isfinite(steps) & (np.abs(steps) <= 2 * limit)
        stored = np.where(fits, np.rint(np.where(fits, steps, 0)), 2 * limit).astype(np.int64)
        for index in np.argwhere(doubtful & fits):
            stored[tuple(index)] = self.exact(float(real[tuple(index)]))
        outside = (stored < -limit) | (stored >= limit)
        if outside.any():
            raise self.refusal(float(real[outside][0]))
        return stored

    def exact(self, value: float) -> int:
        real = (Fraction(value) + Fraction(self.offset)) / Fraction(self.scale) + self.zero_point
        return round(real * Fraction(2) ** self.frac_bits)

    def holds(self, *values: float) -> bool:
        limit = 1 << (self.bits - 1)
        return all(-limit <= self.exact(value) < limit for value in values)

    def refusal(self, value: float) -> ConfigError:
        what = (
            f"{self.key}: {value:g}" if not self.offset else f"{self.key} + gamma_offset: {value:g} + {self.offset:g}"
        )
        return ConfigError(
            f"{what} does not fit {self.key}_bits = {self.bits} with "
            f"{self.frac_bits} fraction bits, output scale {self.scale:g}, zero point {self.zero_point}"
        )


def _widest(quantizer: _Quantizer, choices: range, *extremes: float) -> _Quantizer:
    """Return the quantizer with the most fraction bits that holds the extreme values."""
    for frac_bits in reversed(choices):
        candidate = _Quantizer(**{**vars(quantizer), "frac_bits": frac_bits})
        if candidate.holds(*extremes):
            return candidate
    least = _Quantizer(**{**vars(quantizer), "frac_bits": choices[0]})
    raise least.refusal(next(value for value in extremes if not least.holds(value)))


@dataclass(frozen=True, eq=False, repr=False)
class StoredParameters:
    """Gamma and beta as stored integers.

    The output is ``z * gamma / 2**gamma_frac_bits + beta / 2**beta_frac_bits`` for a normalized value z. Both
    are in output steps: gamma is divided by the output scale, and beta holds the output zero point.

    Attributes
    ----------
    gamma, beta : ndarray of int64, shape (banks, max_length), read-only
        What is stored, or with run-time loading what is stored before the first load.
    gamma_bits, beta_bits, gamma_frac_bits, beta_frac_bits : int
        Width (two's complement) and binary point of a stored value.
    gamma_is_constant, beta_is_constant : bool
        One value serves every element of every bank for good. It has no more fraction bits than it needs.
    gamma_max_abs, beta_max_abs : float
        Largest magnitude that can ever be stored, in output steps.
    """

    gamma: npt.NDArray[np.int64]
    beta: npt.NDArray[np.int64]
    gamma_bits: int
    beta_bits: int
    gamma_frac_bits: int
    beta_frac_bits: int
    gamma_is_constant: bool
    beta_is_constant: bool
    gamma_max_abs: float
    beta_max_abs: float
    _gamma_quantizer: _Quantizer
    _beta_quantizer: _Quantizer

    def __repr__(self) -> str:
        banks, length = self.gamma.shape
        formats = f"gamma {self.gamma_bits}.{self.gamma_frac_bits}, beta {self.beta_bits}.{self.beta_frac_bits} bits"
        return f"<StoredParameters of {counted(banks, 'bank')} of {length}: {formats}>"

    @staticmethod
    def of(config: NormConfig) -> "StoredParameters":
        """Return the stored parameters of ``config``; the same object for equal configurations.

        Raises
        ------
        ConfigError
            If gamma or beta cannot be held in the configured width; see `NormConfig.named_in_errors`. Or it is given
            something else than a NormConfig.
        """
        with checked_config(config).named_in_errors():
            return _stored_parameters(config)

    def quantize_gamma(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the integers to load for real gamma ``values`` (``gamma_offset`` is added here).

        Raises
        ------
        ConfigError
            If a value is no number, not finite or does not fit.
        """
        return self._gamma_quantizer(values)

    def quantize_beta(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the integers to load for real beta ``values``.

        Raises
        ------
        ConfigError
            If a value is no number, not finite or does not fit.
        """
        return self._beta_quantizer(values)


@lru_cache(maxsize=64)
def _stored_parameters(config: NormConfig) -> StoredParameters:
    shape = (config.banks, config.max_length)
    gamma = np.broadcast_to(np.asarray(1.0 if config.gamma is None else config.gamma), shape)
    beta = np.broadcast_to(np.asarray(0.0 if config.beta is None else config.beta), shape)
    gamma_extremes = [float(gamma.min()), float(gamma.max())]
    beta_extremes = [float(beta.min()), float(beta.max())]
    if config.gamma_max is not None and config.beta_max is not None:
        # Loaded at run time, within these limits.
        gamma_extremes += [side * config.gamma_max - config.gamma_offset for side in (-1, 1)]
        beta_extremes += [-config.beta_max, config.beta_max]
    scale = config.output.scale
    gamma_quantizer = _widest(
        _Quantizer("gamma", config.gamma_bits, 0, config.gamma_offset, scale, 0), GAMMA_FRAC_BITS, *gamma_extremes
    )
    beta_quantizer = _widest(
        _Quantizer("beta", config.beta_bits, 0, 0.0, scale, config.output.zero_point), BETA_FRAC_BITS, *beta_extremes
    )
    stored_gamma, stored_beta = gamma_quantizer(gamma), beta_quantizer(beta)
    rom = config.storage == "rom"
    gamma_is_constant = rom and bool((stored_gamma == stored_gamma[0, 0]).all())
    beta_is_constant = rom and bool((stored_beta == stored_beta[0, 0]).all())
    if gamma_is_constant:
        stored_gamma, gamma_quantizer = _without_trailing_zeros(stored_gamma, gamma_quantizer, GAMMA_FRAC_BITS[0])
    if beta_is_constant:
        stored_beta, beta_quantizer = _without_trailing_zeros(stored_beta, beta_quantizer, BETA_FRAC_BITS[0])
    stored_gamma.flags.writeable = stored_beta.flags.writeable = False
    return StoredParameters(
        gamma=stored_gamma,
        beta=stored_beta,
        gamma_bits=config.gamma_bits,
        beta_bits=config.beta_bits,
        gamma_frac_bits=gamma_quantizer.frac_bits,
        beta_frac_bits=beta_quantizer.frac_bits,
        gamma_is_constant=gamma_is_constant,
        beta_is_constant=beta_is_constant,
        gamma_max_abs=_max_abs(stored_gamma, gamma_quantizer, rom),
        beta_max_abs=_max_abs(stored_beta, beta_quantizer, rom),
        _gamma_quantizer=gamma_quantizer,
        _beta_quantizer=beta_quantizer,
    )


def _without_trailing_zeros(
    stored: npt.NDArray[np.int64], quantizer: _Quantizer, least: int
) -> tuple[npt.NDArray[np.int64], _Quantizer]:
    """Return the same constant with the fewest fraction bits that hold it: narrower hardware, same result."""
    value, frac_bits = int(stored.flat[0]), quantizer.frac_bits
    while frac_bits > least and value % 2 == 0:
        value, frac_bits = value // 2, frac_bits - 1
    return np.full_like(stored, value), _Quantizer(**{**vars(quantizer), "frac_bits": frac_bits})


def _max_abs(stored: npt.NDArray[np.int64], quantizer: _Quantizer, rom: bool) -> float:
    largest = int(np.abs(stored).max()) if rom else 1 << (quantizer.bits - 1)
    return largest / 2.0**quantizer.frac_bits
