"""From normalized values to results and flags, whatever the norm is."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from streamnorm.precision.floating.float_ending import FloatEnding
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.formats.floating import FloatParts
from streamnorm.spec.row_flags import flag_bits
from streamnorm.spec.stored_floats import StoredFloats, stored_parameters
from streamnorm_sim.reference.half_even import half_even
from streamnorm_sim.reference.stored_rows import parameter_of_rows
from streamnorm_sim.streams.rows import RowBatch

from .elements import RowElements
from .ending import ended, rounded, rounded_first

__all__ = ["Normalized", "Results", "any_of_row"]

Integers = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]


class Normalized(NamedTuple):
    """z of rows, ``(-1)**negative * z * 2**exponent``, and where it is NaN or infinite, whatever that says."""

    z: Integers
    exponent: Integers
    negative: Flags
    gives_nan: Flags
    gives_infinity: Flags


class _Ending(Protocol):
    """What is asked of a precision here."""

    @property
    def ending(self) -> FloatEnding | None: ...
    @property
    def multiplied_bits(self) -> int: ...
    @property
    def gamma_align(self) -> int: ...
    @property
    def beta_align(self) -> int: ...
    @property
    def result_frac_bits(self) -> int: ...


class Results:
    """Gamma, beta and the rounding, as the unit of a configuration has them.

    Parameters
    ----------
    config : NormConfig, of floating-point input or output
    precision : its precision
    gamma, beta : stored integers or codes, (banks, bank_values), instead of the configuration's own; optional

    Attributes
    ----------
    widest : bits of the widest integer from z on
    """

    def __init__(self, config: NormConfig, precision: _Ending, gamma: Integers | None, beta: Integers | None) -> None:
        self._config, self._precision = config, precision
        stored = stored_parameters(config)
        self._gamma = stored.gamma if gamma is None else gamma
        self._beta = stored.beta if beta is None else beta
        if precision.ending is not None:
            self.widest = max(precision.ending.product_bits + 1, precision.ending.sum_bits + 2)
        else:
            product_bits = precision.multiplied_bits + config.gamma_bits + precision.gamma_align
            self.widest = max(product_bits + 1, config.beta_bits + precision.beta_align + 2)

    def of(
        self, batch: RowBatch, elements: RowElements, normalized: Normalized
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Results of rows (0 behind a row's end), and the flags of each."""
        stored = {"gamma": self._gamma, "beta": self._beta}
        gamma, beta = (parameter_of_rows(self._config, key, values, batch) for key, values in stored.items())
        of_output = self._floats if self._config.output.is_float else self._integers
        result, overflows, nan = of_output(elements, normalized, gamma, beta)
        valid = batch.valid
        overflow = overflows & valid & ~nan & ~normalized.gives_infinity
        has = {"nan": elements.is_nan, "infinite": elements.is_infinite, "overflow": overflow}
        return np.where(valid, result, 0), flag_bits({name: any_of_row(which) for name, which in has.items()})

    def _floats(
        self, elements: RowElements, normalized: Normalized, gamma: Integers, beta: Integers
    ) -> tuple[npt.NDArray[np.int64], Flags, Flags]:
        """Codes, where finite numbers are beyond the largest one, and where there is none."""
        output, ending = self._config.output, self._precision.ending
        assert isinstance(output, FloatFormat)
        assert ending is not None
        z, exponent, negative, nan, infinite = normalized
        gammas, betas = (StoredFloats.of(self._config).format.parts(codes) for codes in (gamma, beta))
        if ending.rounds_first:
            z, exponent, negative = rounded_first(output, z, exponent, negative)
        result, overflows = rounded(output, ended(ending, z, exponent, negative, gammas, betas))
        nan = nan | _special(gammas) | _special(betas) | (infinite & (gammas.mantissa == 0))
        signs = (elements.negative ^ gammas.negative).astype(np.int64) << (output.bits - 1)
        result = np.where(infinite, output.code_of_infinite | signs, result)
        return np.where(nan, output.code_of_nan, result), overflows, nan

    def _integers(
        self, elements: RowElements, normalized: Normalized, gamma: Integers, beta: Integers
    ) -> tuple[npt.NDArray[np.int64], Flags, Flags]:
        """As :meth:`_floats`."""
        output, p, z = self._config.output, self._precision, normalized.z
        kind, infinite = z.dtype, normalized.gives_infinity
        nan = normalized.gives_nan | (infinite & (gamma == 0))
        a = z * (gamma.astype(kind) << p.gamma_align) + (beta.astype(kind) << p.beta_align)
        nearest = half_even(a, p.result_frac_bits)
        far = np.where(elements.negative ^ (gamma < 0), output.min, output.max)
        nearest = np.where(infinite, far, nearest)
        result = np.where(nan, output.zero_point, np.clip(nearest, output.min, output.max)).astype(np.int64)
        return result, nearest != np.clip(nearest, output.min, output.max), nan


def any_of_row(of_elements: Flags) -> Flags:
    """Whether an element of the row is."""
    return np.asarray(of_elements.any(axis=1))


def _special(parts: FloatParts) -> Flags:
    return parts.is_nan | parts.is_infinite
