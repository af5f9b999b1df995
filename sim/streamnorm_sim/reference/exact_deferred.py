"""Scales of rows that are normalized later, exact: what elements that leave, less their zero point, are worth."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import DeferredScale
from streamnorm_sim.streams.rows import RowBatch

from .exact import exact_terms, row_denominator
from .exact_fusions import exactly_normalized_rows

__all__ = ["exact_scales", "relative_errors"]

_BITS = 200


def exact_scales(config: NormConfig, batch: RowBatch) -> list[Fraction]:
    """``W / √V`` of each row as in :mod:`.exact`, times the scale of what leaves over that of what is normalized; less
    than ``2^-200`` of itself too small; 0 where V is 0."""
    core = config.core
    steps = Fraction(core.output.scale) / Fraction(core.input.scale)
    terms = exact_terms(core, exactly_normalized_rows(config, batch))
    scales = []
    for squared, weight in zip(terms.squared, terms.weight, strict=True):
        root = row_denominator(core, squared, weight, 1, Fraction(core.input.scale))
        bits = _BITS + max(root.exponent, 0)
        scales.append(Fraction(weight * root.reciprocal(bits), 1 << bits) * steps)
    return scales


def relative_errors(config: NormConfig, words: NDArray[np.integer], batch: RowBatch) -> NDArray[np.float64]:
    """How far scales that came out, (rows, 1), are off, relative to the exact ones; 0 of rows of zeros, or, where the
    mean is subtracted, of one element again and again, which are zeros whatever they are multiplied by."""
    elements = exactly_normalized_rows(config, batch).x
    zero = elements[:, :1] if config.core.formula.centred else config.core.input.zero_point
    counts = (np.where(batch.valid, elements, zero) != zero).any(axis=1)
    values = DeferredScale.number(config).dequantize(words[:, 0]).tolist()
    errors = [
        float(Fraction(value) / exact - 1) if counted else 0.0
        for value, exact, counted in zip(values, exact_scales(config, batch), counts, strict=True)
    ]
    return np.array(errors)
