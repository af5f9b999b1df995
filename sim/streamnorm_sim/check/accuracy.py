"""How far results are from the truth: errors in output LSB (ulp), and cosines."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamnorm.spec.arrays import INTEGERS, ArrayOrFile, finite_reals, given_array, require_array
from streamnorm.spec.config import NormConfig
from streamnorm.spec.paths import named_file
from streamnorm_sim.reference.exact import exact_result
from streamnorm_sim.streams.rows import RowBatch


@dataclass(frozen=True)
class Accuracy:
    """Errors of a unit's results against the exact result, over all elements of a batch of rows.

    Attributes
    ----------
    elements : int
        Elements compared.
    max_ulp, mean_ulp : float
        Largest and mean magnitude of the error, output LSB; 0 where there is no element.
    correctly_rounded : float
        Share of the elements equal to the correctly rounded exact result; 1 where there is no element.
    saturated : int
        Elements whose exact result, rounded, lies beyond the output range, or whose normalized value does where that is
        rounded to the output format before gamma.
    errors : float64 (elements,)
        The errors themselves, result minus truth, row by row.
    """

    elements: int
    max_ulp: float
    mean_ulp: float
    correctly_rounded: float
    saturated: int
    errors: NDArray[np.float64]

    def __repr__(self) -> str:
        ulp = f"max {self.max_ulp:.4f} ulp, mean {self.mean_ulp:.4f}"
        return f"<Accuracy of {self.elements} elements: {ulp}, {self.correctly_rounded:.3%} correctly rounded>"

    @classmethod
    def of(
        cls,
        config: NormConfig,
        y: ArrayOrFile,
        x: ArrayOrFile,
        lengths: ArrayLike | None = None,
        banks: ArrayLike | None = None,
        *,
        as_given: bool = False,
    ) -> "Accuracy":
        """Measure results ``y``, integers (rows, n) or a .npy file of them, for the rows ``x``.

        The truth is the exact result of the stored γ and β, or of those ``as_given``, before rounding (where there are
        two, before the last one), limited to the output range: what saturates is not wrong. ``x``, ``lengths`` and
        ``banks`` are those of `RowBatch.of`.

        Raises
        ------
        ConfigError
            As `RowBatch.of`, or if ``y`` has another shape than ``x``.
        """
        batch = RowBatch.of(config, x, lengths, banks)
        results, path = given_array(y, "y")
        shape = batch.x.shape
        with named_file(path):
            require_array("y is", results, INTEGERS, results.shape == shape, f"integers of shape {shape}")
        exact = exact_result(config, batch.x, batch.lengths, batch.banks, as_given=as_given)
        valid = batch.valid
        low, high, scaled = config.output.min, config.output.max, exact.scaled[valid]
        saturated = int(((scaled < low - 0.5) | (scaled > high + 0.5) | exact.normalized_saturates[valid]).sum())
        right = int((results == exact.rounded)[valid].sum())
        return cls._over(results[valid] - np.clip(scaled, low, high), right, saturated)

    @classmethod
    def join(cls, parts: Sequence["Accuracy"]) -> "Accuracy":
        """Return what `of` says of all rows of the parts."""
        right = sum(round(part.correctly_rounded * part.elements) for part in parts)
        saturated = sum(part.saturated for part in parts)
        return cls._over(np.concatenate([part.errors for part in parts]), right, saturated)

    @classmethod
    def _over(cls, errors: NDArray[np.float64], right: int, saturated: int) -> "Accuracy":
        magnitudes = np.abs(errors)
        return cls(
            elements=errors.size,
            max_ulp=float(magnitudes.max(initial=0.0)),
            mean_ulp=float(magnitudes.mean()) if errors.size else 0.0,
            correctly_rounded=right / errors.size if errors.size else 1.0,
            saturated=saturated,
            errors=errors,
        )


def float_layernorm(
    x: ArrayLike, gamma: ArrayLike = 1.0, beta: ArrayLike = 0.0, epsilon: float = 0.0
) -> NDArray[np.float64]:
    """Return the LayerNorm of each row, ``(x - mean) / √(variance + ε)·γ + β``, computed in float64."""
    real = finite_reals(x)
    centred = real - real.mean(axis=-1, keepdims=True)
    variance = np.mean(centred * centred, axis=-1, keepdims=True)
    normalized = centred / np.sqrt(variance + epsilon)
    return normalized * finite_reals(gamma, "gamma") + finite_reals(beta, "beta")


def cosines(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Cosine of the angle between each row of ``a`` and the same row of ``b``, (rows, n) to (rows,).

    Two rows of zeros have cosine 1, a row of zeros and another have 0.
    """
    first, second = finite_reals(a), finite_reals(b)
    norms = np.linalg.norm(first, axis=-1), np.linalg.norm(second, axis=-1)
    product = norms[0] * norms[1]
    dot = np.sum(first * second, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(product > 0, dot / product, np.where(norms[0] == norms[1], 1.0, 0.0))
