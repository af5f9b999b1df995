"""How a real gamma or beta becomes the integer that the unit stores."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError

from .arrays import finite_reals
from .values import counted

__all__ = ["BETA_FRAC_BITS", "GAMMA_FRAC_BITS", "Quantizer", "widest"]

GAMMA_FRAC_BITS = range(-16, 31)
BETA_FRAC_BITS = range(1, 31)  # at least 1, so that half an output LSB can be stored


@dataclass(frozen=True)
class Quantizer:
    """Stores ``((value + offset) * unit / scale + zero_point) * 2**frac_bits``, rounded half to even.

    ``in_output_steps``: whether ``scale`` and ``zero_point`` are those of the output, for messages.
    """

    key: str
    bits: int
    frac_bits: int
    offset: float
    scale: float
    zero_point: int
    unit: float = 1.0
    in_output_steps: bool = True

    def __call__(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        real = finite_reals(values, self.key)
        limit = 1 << (self.bits - 1)
        with np.errstate(over="ignore", invalid="ignore"):
            quotient = (real + self.offset) * self.unit / self.scale
            steps = (quotient + self.zero_point) * 2.0**self.frac_bits
            # float64 is off by a few units in its last place; only where that could move a value
            # across a tie, or the sum has cancelled, are exact fractions needed.
            size = (
                (np.abs(real) + abs(self.offset)) * self.unit / self.scale + abs(self.zero_point)
            ) * 2.0**self.frac_bits
            doubtful = np.abs(np.abs(steps - np.rint(steps)) - 0.5) <= size * 2.0**-49
        fits = np.isfinite(steps) & (np.abs(steps) <= 2 * limit)
        stored = np.where(fits, np.rint(np.where(fits, steps, 0)), 2 * limit).astype(np.int64)
        for index in np.argwhere(doubtful & fits):
            stored[tuple(index)] = self.exact(float(real[tuple(index)]))
        outside = (stored < -limit) | (stored >= limit)
        if outside.any():
            raise self.refusal(float(real[outside][0]))
        return stored

    def real(self, stored: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """What is stored as these integers, without the offset."""
        steps = stored / 2.0**self.frac_bits - self.zero_point
        return steps * self.scale / self.unit - self.offset

    def exact(self, value: float) -> int:
        real = (Fraction(value) + Fraction(self.offset)) * Fraction(self.unit) / Fraction(self.scale) + self.zero_point
        return round(real * Fraction(2) ** self.frac_bits)

    def holds(self, *values: float) -> bool:
        limit = 1 << (self.bits - 1)
        return all(-limit <= self.exact(value) < limit for value in values)

    def refusal(self, value: float) -> ConfigError:
        low, high = self._limits()
        what = (
            f"{self.key}: {value:g}" if not self.offset else f"{self.key} + gamma_offset: {value:g} + {self.offset:g}"
        )
        return self._does_not_fit(what, f"must be from {low:g} to {high:g}")

    def refusal_to_load(self, largest: float) -> ConfigError:
        """As `refusal`, of values of either sign up to ``largest``, with the offset, that may be loaded."""
        low, high = self._limits()
        most = min(-low, high)
        allowed = f"must be at most {most:g}" if most > 0 else "more bits are needed"
        return self._does_not_fit(f"{self.key}_max = {largest:g}", allowed)

    def _does_not_fit(self, what: str, allowed: str) -> ConfigError:
        steps = "" if self.unit == 1 else f", input scale {self.unit:g}"
        if self.in_output_steps:
            steps += f", output scale {self.scale:g}, zero point {self.zero_point}"
        return ConfigError(
            f"{what} does not fit {self.key}_bits = {self.bits} with {counted(self.frac_bits, 'fraction bit')}"
            f"{steps}: {allowed}"
        )

    def _limits(self) -> tuple[float, float]:
        """The lowest and the highest value, with the offset, that fit; no farther out where six digits are shown."""
        limit = 1 << (self.bits - 1)
        step = Fraction(self.scale) / Fraction(2) ** self.frac_bits
        ends = (stored * step - self.zero_point * Fraction(self.scale) for stored in (-limit, limit - 1))
        low, high = (float(end / Fraction(self.unit)) for end in ends)
        shown = Context(6, ROUND_CEILING).create_decimal(low), Context(6, ROUND_FLOOR).create_decimal(high)
        return float(shown[0]), float(shown[1])


def widest(quantizer: Quantizer, choices: range, values: Iterable[float], largest: float | None) -> Quantizer:
    """Return the quantizer with the most fraction bits that holds some values and all that may be loaded.

    ``largest`` is the largest magnitude, with the offset, of what may be loaded; None where nothing is.

    Raises
    ------
    ConfigError
        If there is none, by the name of the key that asks for too much.
    """
    loaded = [] if largest is None else [side * largest - quantizer.offset for side in (-1, 1)]
    for frac_bits in reversed(choices):
        candidate = Quantizer(**{**vars(quantizer), "frac_bits": frac_bits})
        if candidate.holds(*values, *loaded):
            return candidate
    least = Quantizer(**{**vars(quantizer), "frac_bits": choices[0]})
    for value in values:
        if not least.holds(value):
            raise least.refusal(value)
    assert largest is not None
    raise least.refusal_to_load(largest)
