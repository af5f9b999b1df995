"""Gamma and beta between two banks: each row comes with a number from 0 to 1 that says where."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError
from streamnorm.spec.algorithms import OWN_ALGORITHM
from streamnorm.spec.arrays import finite_reals
from streamnorm.spec.formats import NumberFormat

from .side_stream import SideStream
from .streamed_parameters import require_no_memory

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

__all__ = ["BlendFormat", "InterpolatedBanks"]

_FRAC_BITS = 15
_ONE = 1 << _FRAC_BITS


@dataclass(frozen=True)
class BlendFormat(NumberFormat):
    """A number from 0 to 1, both included, in steps of ``2**-15``: an unsigned integer of 16 bits."""

    names: ClassVar[str] = ""
    keys: ClassVar[tuple[str, ...]] = ()

    bits: int = _FRAC_BITS + 1
    signed: bool = False
    scale: float = 1 / _ONE
    zero_point: int = 0

    @classmethod
    def has(cls, name: str) -> bool:
        return False

    @property
    def name(self) -> str:
        return f"0 to 1 in steps of 2^-{_FRAC_BITS}"

    @property
    def min(self) -> int:
        return 0

    @property
    def max(self) -> int:
        return _ONE

    def quantize(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Codes of the nearest numbers (ties to even).

        Raises
        ------
        ConfigError
            If a value is no number from 0 to 1.
        """
        real = finite_reals(values, "blend")
        outside = real[(real < 0) | (real > 1)]
        if outside.size:
            raise ConfigError(f"blend: {outside[0]:g}: must be from 0 to 1")
        return np.rint(real * _ONE).astype(np.int64)

    def saturates(self, values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """None: what is outside is refused."""
        return np.zeros(self.quantize(values).shape, np.bool_)

    def dequantize(self, integers: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return np.asarray(integers) * self.scale


class InterpolatedBanks:
    """What ``bank_order = "interpolated"`` brings: a row with the number t has

        gamma = t gamma_1 + (1 - t) gamma_0        beta = t beta_1 + (1 - t) beta_0

    of the two banks. The source: TD-LayerNorm, whose scale and shift are interpolated by a sigmoid of the diffusion's
    time step, Liu and others 2024.

    In integers, with those that are stored of both banks and the code of t, element by element,

        gamma = gamma_0 + ((gamma_1 - gamma_0) code + 2**14 >> 15)

    in the format in which gamma is stored: half a step of it off at most, and exactly gamma_0 and gamma_1 at the ends.
    A code above 1 is taken as 1, and its row is flagged as malformed.
    """

    frac_bits = _FRAC_BITS
    """Of t."""

    STORAGE_ERROR_MAX = 0.1
    """Most that a result may be off because gamma and beta of the banks are stored in their default widths, in output
    LSB, and as much again because what is between them is rounded: with the final rounding, and the 0.3 that the
    datapath may take, that is one."""

    inputs = (SideStream("blend", BlendFormat(), "where between bank 0 and bank 1 the row's gamma is", per_row=True),)
    """The stream of the numbers t."""

    @staticmethod
    def between(first: npt.NDArray[Any], second: npt.NDArray[Any], codes: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """The integers of rows with these codes, none above 1: of ``first`` and ``second``, (values,), and ``codes``,
        (rows, 1), (rows, values)."""
        return first + (((second - first) * codes.astype(np.int64) + (_ONE >> 1)) >> _FRAC_BITS)

    @staticmethod
    def limits(config: NormConfig) -> tuple[float, float]:
        """Largest magnitudes of gamma, with its offset, and of beta, in either bank; 1 in place of 0, and that of gamma
        never below that of a gamma that is absent, as no stream's is."""
        gamma = np.asarray(1.0 if config.gamma is None else config.gamma) + config.gamma_offset
        beta = np.asarray(0.0 if config.beta is None else config.beta)
        most = max(float(np.abs(gamma).max()), abs(1.0 + config.gamma_offset))
        return most or 1.0, float(np.abs(beta).max()) or 1.0

    @classmethod
    def core_of(cls, config: NormConfig) -> NormConfig:
        """The configuration of the unit that normalizes: gamma and beta come with the rows, from the banks.

        Raises
        ------
        ConfigError
            If what is in the banks does not fit its bits.
        """
        gamma_max, beta_max = cls.limits(config)
        keys: dict[str, Any] = {
            "storage": "stream",
            "banks": 1,
            "bank_order": "given",
            "parameter_repeat": 1,
            "gamma": None,
            "beta": None,
            "gamma_max": gamma_max,
            "beta_max": beta_max,
            "gamma_bits": config.gamma_bits,
            "beta_bits": config.beta_bits,
        }
        core = config.banked.replace(**keys)
        try:
            core.given_parameters.quantizers(core.gamma_bits, core.beta_bits)
        except ConfigError as error:
            # By the value in a bank that asks for too much, if it is one.
            banks = replace(config.banked.given_parameters, gamma_max=None, beta_max=None)
            banks.quantizers(config.gamma_bits, config.beta_bits)
            raise ConfigError(
                'bank_order = "interpolated": gamma_bits and beta_bits must hold the largest magnitude in the banks, 1 '
                f"where there is none, with either sign: {error}"
            ) from error
        return core

    @staticmethod
    def require_goes_with(config: NormConfig) -> None:
        """ConfigError if there is no such unit of the configuration."""
        what = 'bank_order = "interpolated"'
        if config.banks != 2:
            raise ConfigError(f"banks = {config.banks}: must be 2 with {what}: each row's gamma is between two")
        if config.storage != "rom":
            why = "nothing is stored" if config.parameters_are_streamed else "there is no unit that loads them"
            raise ConfigError(f'storage = "{config.storage}": does not go with {what}: {why}; allowed: rom')
        if config.output.is_float:
            raise ConfigError(
                f"output = {config.output.name}: does not go with {what}: gamma and beta are stored as floating-point "
                "numbers then, and only integers are interpolated"
            )
        if config.input_scale is not None:
            raise ConfigError(
                f'in [input]: scale = "row": does not go with {what}: there is no unit yet that takes two numbers with '
                "each row"
            )
        if config.algorithm != OWN_ALGORITHM:
            raise ConfigError(
                f"algorithm = {config.algorithm!r}: does not go with {what}: its gamma and beta are constants; "
                f"allowed: {OWN_ALGORITHM}"
            )
        if not config.formula.has_statistic:
            raise ConfigError(
                f"norm = {config.norm!r}: does not go with {what}: without a statistic its elements wait for nothing, "
                "and not for the gamma that is made for their row"
            )
        require_no_memory(config, what)
        if config.accuracy == "tight":
            raise ConfigError(
                f'accuracy = "tight": does not go with {what}: how many results are rounded correctly is not promised '
                "where gamma and beta are rounded once more, between the banks"
            )
