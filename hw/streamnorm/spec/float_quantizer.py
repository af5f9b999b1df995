"""How a real gamma or beta becomes the floating-point code that the unit stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError

from .arrays import finite_reals
from .formats import FloatFormat

if TYPE_CHECKING:
    from .config import NormConfig

__all__ = ["FloatQuantizer"]


@dataclass(frozen=True)
class FloatQuantizer:
    """Stores ``(value + offset) * unit`` as the nearest number of ``stored_as``, ties to even."""

    key: str
    stored_as: FloatFormat
    offset: float = 0.0
    unit: float = 1.0

    @staticmethod
    def of(config: NormConfig, key: str) -> FloatQuantizer:
        """That of a configuration's "gamma" or "beta"."""
        stored_as = config.parameter_format
        assert isinstance(stored_as, FloatFormat)
        of_gamma = (config.gamma_offset, config.gamma_unit)
        return FloatQuantizer(key, stored_as, *(of_gamma if key == "gamma" else ()))

    def __call__(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        real, offset, unit, stored_as = finite_reals(values, self.key), self.offset, self.unit, self.stored_as
        with np.errstate(over="ignore"):
            total = (real + offset if offset else real) * unit  # a sum would make +0 of -0
        beyond = ~np.isfinite(total) | stored_as.saturates(total)
        if beyond.any():
            value = f"{real[beyond][0]:g}" + (f" + {offset:g}" if offset else "")
            value += f", times {unit:g} of the input scale" if unit != 1 else ""
            what = self.key if not offset else f"{self.key} + gamma_offset"
            raise ConfigError(
                f"{what}: {value} does not fit parameter_format = {stored_as.name!r}: must be from "
                f"{-stored_as.largest:g} to {stored_as.largest:g}"
            )
        return stored_as.quantize(total)

    def real(self, codes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """What is stored as these, less the offset."""
        return self.stored_as.dequantize(codes) / self.unit - self.offset
