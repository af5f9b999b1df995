"""Gamma and beta as the integers that the unit stores."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .config import NormConfig, checked_config
from .quantizer import BETA_FRAC_BITS, GAMMA_FRAC_BITS, Quantizer
from .values import counted

__all__ = ["StoredParameters"]


@dataclass(frozen=True, eq=False, repr=False)
class StoredParameters:
    """Gamma and beta as stored integers.

    The output is ``z * gamma / 2**gamma_frac_bits + beta / 2**beta_frac_bits`` for a normalized value z. Both
    are in output steps: gamma is divided by the output scale, and beta holds the output zero point. With
    ``gamma_rounding = "output"``, z is an integer of output steps, and gamma is stored as it is, not divided.

    Attributes
    ----------
    gamma, beta : ndarray of int64, shape (banks, bank_values), read-only
        What is stored, or with run-time loading what is stored before the first load; element i of a row takes value
        ``i // parameter_repeat`` of its bank.
    gamma_bits, beta_bits, gamma_frac_bits, beta_frac_bits : int
        Width (two's complement) and binary point of a stored value.
    gamma_is_constant, beta_is_constant : bool
        One value serves every element of every bank for good. It has no more fraction bits than it needs.
    gamma_max_abs, beta_max_abs : float
        Largest magnitude that can ever be stored, in output steps; a gamma that is not divided as it is.
    storage_error : float
        Largest difference that it makes to any result that these are stored and not gamma and beta as given, in output
        LSB; with run-time loading, over everything that may be loaded.
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
    storage_error: float
    _gamma_quantizer: Quantizer
    _beta_quantizer: Quantizer

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
    shape = (config.banks, config.bank_values)
    given = config.given_parameters
    gamma, beta = np.broadcast_to(given.gamma, shape), np.broadcast_to(given.beta, shape)
    gamma_quantizer, beta_quantizer = given.quantizers(config.gamma_bits, config.beta_bits)
    stored_gamma, stored_beta = gamma_quantizer(gamma), beta_quantizer(beta)
    # Between two banks there are others, in the same format as theirs.
    known = config.parameters_are_known and not config.banks_are_interpolated
    gamma_is_constant = known and bool((stored_gamma == stored_gamma[0, 0]).all())
    beta_is_constant = known and bool((stored_beta == stored_beta[0, 0]).all())
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
        gamma_max_abs=_max_abs(stored_gamma, gamma_quantizer, known),
        beta_max_abs=_max_abs(stored_beta, beta_quantizer, known),
        storage_error=given.storage_error(config.gamma_bits, config.beta_bits),
        _gamma_quantizer=gamma_quantizer,
        _beta_quantizer=beta_quantizer,
    )


def _without_trailing_zeros(
    stored: npt.NDArray[np.int64], quantizer: Quantizer, least: int
) -> tuple[npt.NDArray[np.int64], Quantizer]:
    """Return the same constant with the fewest fraction bits that hold it: narrower hardware, same result."""
    value, frac_bits = int(stored.flat[0]), quantizer.frac_bits
    while frac_bits > least and value % 2 == 0:
        value, frac_bits = value // 2, frac_bits - 1
    return np.full_like(stored, value), Quantizer(**{**vars(quantizer), "frac_bits": frac_bits})


def _max_abs(stored: npt.NDArray[np.int64], quantizer: Quantizer, known: bool) -> float:
    largest = int(np.abs(stored).max()) if known else 1 << (quantizer.bits - 1)
    return largest / 2.0**quantizer.frac_bits
