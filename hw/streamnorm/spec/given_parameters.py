"""Gamma and beta as they are given, and what storing them in a limited width costs."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError

from .formats import NumberFormat
from .norms import Norm, StaticNorm
from .quantizer import BETA_FRAC_BITS, GAMMA_FRAC_BITS, Quantizer, widest

__all__ = ["BETA_BITS", "GAMMA_BITS", "STORAGE_ERROR_MAX", "GivenParameters"]

STORAGE_ERROR_MAX = 0.4
"""Most that a result may be off because gamma and beta are stored in their default widths, in output LSB.

With the final rounding, 0.1 is left for the datapath; whatever is not used here is free for it."""

GAMMA_BITS, BETA_BITS = range(4, 33), range(4, 37)
"""Widths that a stored gamma and a stored beta may have."""

_LEAST_BITS = 16
_EXTRA_BITS = {"gamma": 2, "beta": 4}

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class GivenParameters:
    """Gamma and beta of a configuration before they are stored, and the results they act on.

    Attributes
    ----------
    gamma, beta : float64 that broadcast to (banks, bank_values)
        As given, without offset.
    gamma_offset : float
        Added to every gamma.
    gamma_max, beta_max : float or None
        Largest magnitudes that may be loaded at run time (of gamma with its offset); None where nothing is loaded.
    output : the format of the results
    gamma_scale : float
        What gamma is divided by before it is stored: the output scale; 1 where the normalized value is in output steps
        already, since it has been rounded to the output format.
    z_limit : float
        Largest magnitude of a normalized value, rounded where it is, in real units, whatever epsilon is.
    z_max : float
        The same where epsilon is counted too.
    z_unit : float
        What a z of 1 is worth, in real units; the limits of z are in it.
    storage_error_max : float
        What the default widths keep `storage_error` to, if the widest do.
    """

    gamma: _Floats
    beta: _Floats
    gamma_offset: float
    gamma_max: float | None
    beta_max: float | None
    output: NumberFormat
    gamma_scale: float
    z_limit: float
    z_max: float
    z_unit: float = 1.0
    storage_error_max: float = STORAGE_ERROR_MAX

    @staticmethod
    def limits_of_z(norm: Norm, source: NumberFormat, longest: int, least_deviation: float) -> tuple[float, float]:
        """``z_limit`` and ``z_max`` of rows of up to ``longest`` elements of the format ``source``.

        ``least_deviation``: what a row is divided by at least because of epsilon, in real units. The two are the same
        where nothing else limits z.
        """
        if isinstance(norm, StaticNorm):
            return norm.largest(source), norm.largest(source)
        square = norm.square_limit(longest)
        if square is not None and not least_deviation:
            return float(np.sqrt(square)), float(np.sqrt(square))
        # No element is farther from the mean than this.
        farthest = max(map(abs, norm.differences(*source.ends, source.zero_point)))
        by_epsilon = farthest * source.scale / least_deviation * (1 + 1e-9)
        limit = by_epsilon if square is None else float(np.sqrt(square))
        return limit, min(limit, by_epsilon)

    def quantizers(self, gamma_bits: int, beta_bits: int) -> tuple[Quantizer, Quantizer]:
        """Those with the most fraction bits that hold everything that can ever be stored.

        Raises
        ------
        ConfigError
            If a value does not fit.
        """
        gammas = [float(self.gamma.min()), float(self.gamma.max())]
        betas = [float(self.beta.min()), float(self.beta.max())]
        scale, zero_point = self.output.scale, self.output.zero_point
        divided = self.gamma_scale == scale
        gamma = Quantizer(
            "gamma", gamma_bits, 0, self.gamma_offset, self.gamma_scale, 0, self.z_unit, in_output_steps=divided
        )
        gamma = widest(gamma, GAMMA_FRAC_BITS, gammas, self.gamma_max)
        # A beta that is no constant is stored with half an output LSB added, in one bit more, which has to hold that.
        constant = self.beta_max is None and bool((self.beta == self.beta.flat[0]).all())
        most = BETA_FRAC_BITS.stop if constant else min(BETA_FRAC_BITS.stop, beta_bits + 1)
        beta_frac_bits = range(BETA_FRAC_BITS.start, most)
        beta = widest(Quantizer("beta", beta_bits, 0, 0.0, scale, zero_point), beta_frac_bits, betas, self.beta_max)
        return gamma, beta

    def storage_error(self, gamma_bits: int | None, beta_bits: int) -> float:
        """Largest difference that storing in these widths makes to any result, output LSB; infinite if it does not fit.

        None is a gamma that is not rounded. A result that saturates, with gamma and beta as given or as stored, counts
        as the end of the range. Where they are loaded at run time, everything that may be loaded is meant.
        """
        try:
            gamma, beta = self.quantizers(GAMMA_BITS[-1] if gamma_bits is None else gamma_bits, beta_bits)
        except ConfigError:
            return float("inf")
        gamma_frac_bits = None if gamma_bits is None else gamma.frac_bits
        if self.gamma_max is not None:
            # A gamma near 0 takes the largest z, and saturates nothing.
            gamma_error = 0.0 if gamma_frac_bits is None else self._factor_max * 0.5 / 2.0**gamma_frac_bits
            return gamma_error + 0.5 / 2.0**beta.frac_bits
        return self._difference(gamma_frac_bits, beta.frac_bits)

    def _difference(self, gamma_frac_bits: int | None, beta_frac_bits: int) -> float:
        """``storage_error`` where nothing is loaded.

        A result is a straight line over z, cut off at the ends of the output range, and so is the one with the stored
        values: they differ most where one of them bends, or at the largest z.
        """
        scale, gamma_scale, unit, z_max = self.output.scale, self.gamma_scale, self.z_unit, self._factor_max
        gamma = (self.gamma + self.gamma_offset) * unit / gamma_scale
        beta = self.beta / scale + self.output.zero_point
        stored_gamma = gamma if gamma_frac_bits is None else _rounded(gamma, gamma_frac_bits)
        stored_beta = _rounded(beta, beta_frac_bits)
        # What float64 itself may be off by, here and in the quotients above.
        doubt = (np.abs(self.gamma) + abs(self.gamma_offset)) * unit / gamma_scale * 2.0**-50
        beta_doubt = (np.abs(beta) + abs(self.output.zero_point)) * 2.0**-50
        lines = (gamma, beta), (stored_gamma, stored_beta)
        ends = self.output.min, self.output.max
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            bends = [np.clip((end - b) / g, -z_max, z_max) for g, b in lines for end in ends]
        largest = 0.0
        for z in (np.float64(z_max), np.float64(-z_max), *bends):
            z = np.nan_to_num(z)
            given, stored = (z * g + b for g, b in lines)
            slack = np.abs(z) * doubt + beta_doubt
            # What is farther out than that saturates, by however much float64 is off.
            least, most = np.minimum(given, stored), np.maximum(given, stored)
            beyond = (least > ends[1] + slack) | (most < ends[0] - slack)
            error = np.abs(np.clip(given, *ends) - np.clip(stored, *ends)) + slack
            largest = max(largest, float(np.where(beyond, 0.0, error).max()))
        return largest

    @property
    def _factor_max(self) -> float:
        """Largest magnitude of what a stored gamma is multiplied by."""
        return self.z_max / (self.output.scale / self.gamma_scale)

    @cached_property
    def default_bits(self) -> tuple[int, int]:
        """Widths of gamma and beta: those that go with the output, or as few more as ``storage_error_max`` needs.

        The widest where none suffice.
        """
        most = self.storage_error_max
        least_gamma, least_beta = (max(_LEAST_BITS, self.output.bits + extra) for extra in _EXTRA_BITS.values())
        if self.storage_error(least_gamma, least_beta) <= most:
            return least_gamma, least_beta
        # Beta first: it goes into no multiplier.
        beta_bits = _fewest(range(least_beta, BETA_BITS.stop), lambda bits: self.storage_error(None, bits) <= most / 2)
        gamma_bits = _fewest(
            range(least_gamma, GAMMA_BITS.stop), lambda bits: self.storage_error(bits, beta_bits) <= most
        )
        if self.storage_error(gamma_bits, beta_bits) > most:  # then beta takes what it can
            beta_bits = _fewest(
                range(beta_bits, BETA_BITS.stop), lambda bits: self.storage_error(gamma_bits, bits) <= most
            )
        return gamma_bits, beta_bits

    def largest_result(self, z: float) -> float:
        """Largest ``|z gamma + beta|``, in real units, for a z in its own."""
        z = z * self.z_unit
        if self.gamma_max is not None and self.beta_max is not None:
            return z * self.gamma_max + self.beta_max
        with np.errstate(over="ignore"):
            return float((np.abs(self.gamma + self.gamma_offset) * z + np.abs(self.beta)).max())


def _fewest(widths: range, suffices: Callable[[int], bool]) -> int:
    """The first of the widths that suffices; the last if none does."""
    return widths[min(bisect_left(widths, True, key=suffices), len(widths) - 1)]


def _rounded(values: _Floats, frac_bits: int) -> _Floats:
    return np.rint(values * 2.0**frac_bits) / 2.0**frac_bits
