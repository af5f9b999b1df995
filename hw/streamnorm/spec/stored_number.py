"""A stored gamma or beta as it travels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from .float_quantizer import FloatQuantizer
from .formats import FloatFormat, NumberFormat
from .quantizer import Quantizer

if TYPE_CHECKING:
    from .config import NormConfig

__all__ = ["StoredNumber"]


@dataclass(frozen=True)
class StoredNumber(NumberFormat):
    """The integers of :class:`StoredParameters`, or the codes of :class:`StoredFloats`, of gamma or of beta.

    Attributes
    ----------
    key : "gamma" or "beta"
    bits, signed : of the code
    quantizer : what makes codes of real numbers; one that does not fit is refused
    """

    names: ClassVar[str] = ""
    keys: ClassVar[tuple[str, ...]] = ()

    key: str
    bits: int
    signed: bool
    quantizer: Quantizer | FloatQuantizer
    scale: float = 1.0
    zero_point: int = 0

    @staticmethod
    def of(config: NormConfig, key: str) -> StoredNumber:
        """That of a configuration's gamma or beta.

        Raises
        ------
        ConfigError
            If all that may come does not fit the width.
        """
        bits = getattr(config, f"{key}_bits")
        if isinstance(config.parameter_format, FloatFormat):
            return StoredNumber(key, bits, False, FloatQuantizer.of(config, key))
        gamma, beta = config.given_parameters.quantizers(config.gamma_bits, config.beta_bits)
        return StoredNumber(key, bits, True, gamma if key == "gamma" else beta)

    @classmethod
    def has(cls, name: str) -> bool:
        return False

    @property
    def name(self) -> str:
        return f"stored {self.key} of {self.bits} bits"

    @property
    def min(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        return (1 << (self.bits - self.signed)) - 1

    def quantize(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """What is stored of real ``values``; gamma with ``gamma_offset``.

        Raises
        ------
        ConfigError
            If a value is no number, not finite or does not fit.
        """
        return self.quantizer(values)

    def saturates(self, values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """None: what does not fit is refused."""
        return np.zeros(self.quantize(values).shape, np.bool_)

    def dequantize(self, integers: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The real numbers that are stored as these, gamma without ``gamma_offset``."""
        return self.quantizer.real(np.asarray(integers))
