"""The golden model of floating-point numbers against the exact result."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn import drawn_rows
from drawn_floats import MEMBERS, drawn_float_config
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.stored_floats import StoredFloats
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.reference.exact import ExactResult, exact_result
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.streams.rows import RowBatch

NAN, INFINITE, OVERFLOW = 1, 2, 4


def check(config: NormConfig, batch: RowBatch, note: object = "") -> None:
    """No farther off than planned, no more than 1 unit; what is special is equal, and the flags are right."""
    model, bound = golden_model(config), Plan.of(config).error_bound
    rows = batch.x, batch.lengths, batch.banks
    got, exact, valid = model.normalize(*rows), exact_result(config, *rows), batch.valid
    where = f"{config.to_dict()} {note}"
    assert bound <= 1, where
    accuracy = Accuracy.of(config, got, *rows)
    assert accuracy.max_ulp <= bound + 2.0**-20, f"{accuracy}, planned {bound}: {where}"
    assert (got[~valid] == 0).all()
    special = valid & ~np.isfinite(exact.scaled)
    assert np.array_equal(got[special], exact.rounded[special]), where
    if isinstance(config.output, FloatFormat) and not config.formula.centred and not StoredFloats.of(config).has_beta:
        numbers = valid & ~config.output.parts(exact.rounded).is_nan & ~exact.overflows
        assert np.array_equal(got[numbers], got[numbers] & config.output.max), where
        sign = config.output.bits - 1
        assert np.array_equal(got[numbers] >> sign, exact.rounded[numbers] >> sign), where
    check_flags(config, batch, exact, model.flags(*rows), bound, where)


def check_flags(
    config: NormConfig, batch: RowBatch, exact: ExactResult, flags: np.ndarray, bound: float, where: str
) -> None:
    """Those of what came in, and whether a result lay beyond the format: either may be, as near as the bound to it."""
    if isinstance(config.input, FloatFormat):
        parts = config.input.parts(np.where(batch.valid, batch.x, 0))
        assert np.array_equal((flags & NAN) > 0, parts.is_nan.any(axis=1)), where
        assert np.array_equal((flags & INFINITE) > 0, parts.is_infinite.any(axis=1)), where
    else:
        assert not (flags & (NAN | INFINITE)).any()
    low, high = first_beyond(config)
    number = batch.valid & np.isfinite(exact.scaled)
    if not config.output.is_float:  # there, what is special has become a number
        number &= exact.overflows | (config.output.min < exact.scaled) & (exact.scaled < config.output.max)
    slack = bound * exact.unit
    must = number & ((exact.scaled > high + slack) | (exact.scaled < low - slack))
    may = number & ((exact.scaled >= high - slack) | (exact.scaled <= low + slack))
    overflow = (flags & OVERFLOW) > 0
    assert (overflow >= must.any(axis=1)).all(), where
    assert (overflow <= may.any(axis=1)).all(), where


def first_beyond(config: NormConfig) -> tuple[float, float]:
    """Where rounding takes a result beyond the largest number."""
    output = config.output
    if isinstance(output, FloatFormat):
        limit = (output.mantissa_max + 0.5) * 2.0**output.binade_max * output.scale
        return -limit, limit
    return output.min - 0.5, output.max + 0.5


@settings(max_examples=40)
@given(seed=st.integers(0, 1_000_000), rows=st.data())
def test_any_configuration_is_faithful(seed, rows):
    """Formats, lengths, epsilon, gamma and beta drawn; corner rows, random rows and drawn rows, special values too."""
    config = drawn_float_config(seed)
    check(config, drawn_rows(config, np.random.default_rng(seed), 20), f"(seed {seed})")
    element = st.integers(config.input.min, config.input.max)
    length = rows.draw(st.integers(1, min(config.max_length, 12)))
    row = rows.draw(st.lists(element, min_size=length, max_size=length))
    check(config, RowBatch.of(config, [row]), row)
