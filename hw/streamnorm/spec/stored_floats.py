"""Gamma and beta as the floating-point codes that a unit with floating-point output stores."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError

from .config import NormConfig, checked_config
from .float_quantizer import FloatQuantizer
from .formats import FloatFormat
from .parameters import StoredParameters
from .values import counted

__all__ = ["StoredFloats", "stored_parameters"]

_Codes = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class StoredFloats:
    """Gamma and beta as stored codes of ``NormConfig.parameter_format``.

    The output is ``z * gamma + beta`` for a normalized value z in real units, whatever the input is; nothing is divided
    by a scale. What `StoredParameters` is where the output is integers. Where ``NormConfig.gamma_unit`` is not 1, gamma
    is stored times that, and z is in units of it.

    Attributes
    ----------
    format : FloatFormat
        The format of a stored value.
    gamma, beta : ndarray of int64, shape (banks, bank_values), read-only
        Codes that are stored, or with run-time loading are stored before the first load; gamma has ``gamma_offset`` in
        it. Element i of a row takes value ``i // parameter_repeat`` of its bank.
    gamma_is_constant, beta_is_constant : bool
        One code serves every element of every bank for good.
    has_beta : bool
        Whether anything is added; else ``z * gamma`` is the result, a -0 too: beta is 0 for good.
    gamma_error, beta_error : float
        Largest relative error of a stored value, 0.0 where all are exact; with run-time loading what a real that is
        loaded, and is no subnormal number, may be off by.
    """

    format: FloatFormat
    gamma: _Codes
    beta: _Codes
    gamma_is_constant: bool
    beta_is_constant: bool
    has_beta: bool
    gamma_error: float
    beta_error: float
    _gamma_quantizer: FloatQuantizer
    _beta_quantizer: FloatQuantizer
    _is_known: bool
    _precision: int

    def __repr__(self) -> str:
        banks, length = self.gamma.shape
        return f"<StoredFloats of {counted(banks, 'bank')} of {length}: {self.format.name}>"

    @property
    def storage_error(self) -> float:
        """The two together, in units in the last place of a result in ``precision`` bits, at most."""
        # The product may be twice what is left of it beside beta.
        products = 2 if self.has_beta else 1
        return (products * self.gamma_error + self.beta_error) * 2.0**self._precision

    @property
    def gamma_bits(self) -> int:
        """Width of a stored gamma."""
        return self.format.bits

    @property
    def beta_bits(self) -> int:
        """Width of a stored beta."""
        return self.format.bits

    @property
    def has_gamma(self) -> bool:
        """Whether z is multiplied by anything; else gamma is 1 for good."""
        return not (self.gamma_is_constant and self.format.dequantize(self.gamma[0, 0]) == 1)

    def zeros(self, key: str) -> int:
        """Zeros above the leading one of a mantissa of "gamma" or "beta" that is not 0, at most: of subnormal ones."""
        if not self._is_known:
            return self.format.fraction_bits
        mantissas = self.format.parts(getattr(self, key)).mantissa
        least = int(mantissas.min(initial=1 << self.format.fraction_bits, where=mantissas > 0))
        return self.format.precision - least.bit_length()

    @staticmethod
    def of(config: NormConfig) -> "StoredFloats":
        """Return the stored parameters of ``config``, whose output is floating point; the same for equal ones.

        Raises
        ------
        ConfigError
            If gamma or beta lies beyond the largest number of the format; see `NormConfig.named_in_errors`. Or the
            output is integers, or it is given something else than a NormConfig.
        """
        with checked_config(config).named_in_errors():
            return _stored_floats(config)

    def quantize_gamma(self, values: npt.ArrayLike) -> _Codes:
        """Return the codes to load for real gamma ``values`` (``gamma_offset`` is added here).

        Raises
        ------
        ConfigError
            If a value is no number, not finite or beyond the largest number of the format.
        """
        return self._gamma_quantizer(values)

    def quantize_beta(self, values: npt.ArrayLike) -> _Codes:
        """Return the codes to load for real beta ``values``.

        Raises
        ------
        ConfigError
            If a value is no number, not finite or beyond the largest number of the format.
        """
        return self._beta_quantizer(values)


def stored_parameters(config: NormConfig) -> StoredParameters | StoredFloats:
    """Gamma and beta as the unit stores them, of the kind that its results are."""
    return StoredFloats.of(config) if config.output.is_float else StoredParameters.of(config)


@lru_cache(maxsize=64)
def _stored_floats(config: NormConfig) -> StoredFloats:
    stored_as = config.parameter_format
    if not isinstance(stored_as, FloatFormat) or not isinstance(config.output, FloatFormat):
        raise ConfigError(f"output = {config.output.name}: gamma and beta are stored as integers, not as floats")
    shape = (config.banks, config.bank_values)
    gamma = np.broadcast_to(np.asarray(1.0 if config.gamma is None else config.gamma), shape)
    beta = np.broadcast_to(np.asarray(0.0 if config.beta is None else config.beta), shape)
    unit = config.gamma_unit
    gamma_quantizer, beta_quantizer = (FloatQuantizer.of(config, key) for key in ("gamma", "beta"))
    gamma_codes, beta_codes = gamma_quantizer(gamma), beta_quantizer(beta)
    gamma_codes.flags.writeable = beta_codes.flags.writeable = False
    known = config.parameters_are_known
    gamma_is_constant = known and bool((gamma_codes == gamma_codes[0, 0]).all())
    beta_is_constant = known and bool((beta_codes == beta_codes[0, 0]).all())
    loaded = 2.0**-stored_as.precision
    return StoredFloats(
        format=stored_as,
        gamma=gamma_codes,
        beta=beta_codes,
        gamma_is_constant=gamma_is_constant,
        beta_is_constant=beta_is_constant,
        has_beta=not (beta_is_constant and stored_as.dequantize(beta_codes[0, 0]) == 0),
        gamma_error=_error(gamma, config.gamma_offset, gamma_codes, stored_as, unit) if known else loaded,
        beta_error=_error(beta, 0.0, beta_codes, stored_as) if known else loaded,
        _gamma_quantizer=gamma_quantizer,
        _beta_quantizer=beta_quantizer,
        _is_known=known,
        _precision=config.output.precision,
    )


def _error(given: _Floats, offset: float, codes: _Codes, stored_as: FloatFormat, unit: float = 1.0) -> float:
    """Largest relative error, that of the sum in float64 included, rounded up; of the stored value less ``unit``."""
    total = given + offset
    # What the sum has been rounded by, exactly (Knuth's two-sum).
    part = total - given
    lost = (given - (total - part)) + (offset - part)
    off = np.abs(stored_as.dequantize(codes) / unit - total - lost)
    size = np.maximum(np.abs(total), np.finfo(np.float64).smallest_normal)
    with np.errstate(over="ignore"):
        return float((off / size).max()) * (1 + 2.0**-50) + (2.0**-52 if unit != 1 else 0.0)
