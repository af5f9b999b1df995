"""How far results are from the truth: errors in output LSB (ulp), and cosines."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamnorm.spec.arrays import INTEGERS, ArrayOrFile, finite_reals, given_array, require_array, require_within
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.paths import named_file
from streamnorm_sim.reference.exact import ExactResult, exact_result
from streamnorm_sim.reference.exact_fusions import exact_steps, exact_sums
from streamnorm_sim.reference.models import golden_model
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
        The errors themselves, result minus truth, row by row; without those that floating-point output leaves out.

    With a scale for each row, it is the LSB: a step of the scale that the golden model gives the row; what is correctly
    rounded is the exact result in such steps.

    Of floating-point output the ulp is :attr:`.ExactResult.unit`. NaN and infinities are without error where they are
    the exact result's code, else infinitely far off. Results beyond the largest number, as they should be, are left out
    of the errors; one that should not counts as the first number that the format does not hold.
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
        **beside: ArrayOrFile,
    ) -> "Accuracy":
        """Measure results ``y``, integers or codes (rows, n) or a .npy file of them, for the rows ``x``.

        The truth is the exact result of the stored γ and β, or of those ``as_given``, before rounding (where there are
        two, before the last one), limited to the output range: what saturates is not wrong. ``x``, ``lengths``,
        ``banks`` and ``beside`` are those of `RowBatch.of`.

        Raises
        ------
        ConfigError
            As `RowBatch.of`, or if ``y`` has another shape than ``x``.
        """
        batch = RowBatch.of(config, x, lengths, banks, **beside)
        results, path = given_array(y, "y")
        shape = batch.x.shape
        with named_file(path):
            require_array("y is", results, INTEGERS, results.shape == shape, f"integers of shape {shape}")
        exact = exact_result(config, batch.x, batch.lengths, batch.banks, as_given=as_given, **batch.beside)
        valid = batch.valid
        saturated = int((exact.overflows | exact.normalized_saturates)[valid].sum())
        if isinstance(config.output, FloatFormat):
            return cls._of_floats(config.output, results[valid], exact, valid, saturated)
        low, high, scaled, rounded = config.output.min, config.output.max, exact.scaled, exact.rounded
        if config.row_scale is not None:
            scaled = exact_steps(config, scaled, golden_model(config).beside(batch)["scale"].x)
            saturated = int(config.output.saturates(scaled[valid]).sum())
            rounded = np.clip(np.rint(scaled), low, high)
        scaled = scaled[valid]
        right = int((results == rounded)[valid].sum())
        return cls._over(results[valid] - np.clip(scaled, low, high), right, saturated, scaled.size)

    @classmethod
    def of_sums(cls, config: NormConfig, sums: NDArray[np.integer], batch: RowBatch) -> "Accuracy":
        """Measure sums that came out beside the results, integers (rows, n), for rows with a residual."""
        assert config.residual is not None
        number, valid = config.residual.sum_number, batch.valid
        assert number is not None
        rounded, scaled = exact_sums(config, batch)
        if isinstance(number, FloatFormat):
            exact = _in_last_places(number, rounded, scaled)
            return cls._of_floats(number, sums[valid], exact, valid, int(exact.overflows[valid].sum()))
        rounded, scaled = rounded[valid], scaled[valid]
        right = int((sums[valid] == rounded).sum())
        saturated = int(((scaled < number.min - 0.5) | (scaled > number.max + 0.5)).sum())
        errors = np.asarray(sums[valid] - np.clip(scaled, number.min, number.max), np.float64)
        return cls._over(errors, right, saturated, scaled.size)

    @classmethod
    def _of_floats(
        cls,
        output: FloatFormat,
        codes: NDArray[np.integer],
        exact: ExactResult,
        valid: NDArray[np.bool_],
        saturated: int,
    ) -> "Accuracy":
        require_within("y", codes, output.min, output.max, f" ({output.name})")
        wanted, truth, unit = exact.rounded[valid], exact.scaled[valid], exact.unit[valid]
        magnitudes, wanted_magnitudes = (code & ((1 << (output.bits - 1)) - 1) for code in (codes, wanted))
        equal = (codes == wanted) | ((magnitudes == 0) & (wanted_magnitudes == 0))
        beyond = (magnitudes == output.code_of_overflow) & (output.overflow != "saturate")
        first_beyond = (output.mantissa_max + 1) * 2.0**output.binade_max * output.scale
        signs = np.where(output.parts(codes).negative, -1.0, 1.0)
        got = np.where(beyond, signs * first_beyond, output.dequantize(codes))
        numbers = np.isfinite(got) & np.isfinite(truth)
        errors = np.full(codes.shape, np.inf)
        errors[numbers] = (got[numbers] - truth[numbers]) / unit[numbers]
        errors[equal & ~np.isfinite(truth)] = 0.0
        counted = ~(exact.overflows[valid] & equal)
        return cls._over(errors[counted], int(equal.sum()), saturated, codes.size)

    @classmethod
    def join(cls, parts: Sequence["Accuracy"]) -> "Accuracy":
        """Return what `of` says of all rows of the parts."""
        right = sum(round(part.correctly_rounded * part.elements) for part in parts)
        saturated = sum(part.saturated for part in parts)
        elements = sum(part.elements for part in parts)
        return cls._over(np.concatenate([part.errors for part in parts]), right, saturated, elements)

    @classmethod
    def _over(cls, errors: NDArray[np.float64], right: int, saturated: int, elements: int) -> "Accuracy":
        magnitudes = np.abs(errors)
        return cls(
            elements=elements,
            max_ulp=float(magnitudes.max(initial=0.0)),
            mean_ulp=float(magnitudes.mean()) if errors.size else 0.0,
            correctly_rounded=right / elements if elements else 1.0,
            saturated=saturated,
            errors=errors,
        )


def _in_last_places(number: FloatFormat, rounded: NDArray[np.int64], scaled: NDArray[np.float64]) -> ExactResult:
    """Codes and the real numbers that they are rounded from, measured in the last place of these."""
    finite = np.isfinite(scaled)
    places = np.frexp(np.where(finite, scaled, 0.0))[1] - number.precision
    return ExactResult(
        rounded=rounded,
        scaled=scaled,
        unit=np.maximum(np.ldexp(1.0, places), number.scale),
        overflows=finite & number.saturates(scaled),
        normalized=None,
        normalized_saturates=np.zeros(rounded.shape, np.bool_),
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
