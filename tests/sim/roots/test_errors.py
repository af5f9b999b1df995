"""Errors of roots over their mantissas, against sums done one by one in decimals."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

from streamnorm.spec.roots import ROOTS
from streamnorm_sim.roots import MANTISSAS_MIN, measure_errors
from streamnorm_sim.roots.errors import BINS

RHO_BITS = 12


def exact_errors(root, rho, mantissa, odd):
    """Those at both ends of one mantissa, with 40 digits."""
    ends = (Decimal((1 << root.mantissa_bits) + end) / (1 << root.mantissa_bits) for end in (mantissa, mantissa + 1))
    return [Decimal(rho) / (1 << root.rho_bits) * (x * (1 + odd)).sqrt() - 1 for x in ends]


@pytest.mark.parametrize("method", ["quadratic", "vfrsqrt7", "iterl2norm", "binary-search"])
def test_every_mantissa_is_measured_at_both_its_ends(method):
    root = ROOTS[method].smallest(RHO_BITS)
    errors = measure_errors(root)
    assert errors.is_every
    assert errors.mantissas == 2 << root.mantissa_bits
    each = 1 << root.mantissa_bits
    low, high = np.full(2 * BINS, np.inf), np.full(2 * BINS, -np.inf)
    with localcontext(prec=40):
        for odd in (0, 1):
            given = np.arange(each).astype(object if root.widest > 63 else np.int64)
            for mantissa, rho in enumerate(root.evaluate(given, np.full(each, odd)).tolist()):
                at_low, at_high = map(float, exact_errors(root, rho, mantissa, odd))
                piece = odd * BINS + mantissa * BINS // each
                low[piece], high[piece] = min(low[piece], at_low), max(high[piece], at_high)
    np.testing.assert_allclose(errors.low, low, rtol=0, atol=2**-50)
    np.testing.assert_allclose(errors.high, high, rtol=0, atol=2**-50)
    assert errors.largest == pytest.approx(max(-low.min(), high.max()), abs=2**-50)


@pytest.mark.parametrize("method", ROOTS)
@pytest.mark.parametrize("rho_bits", [12, 26, 40])
def test_no_error_is_larger_than_proven(method, rho_bits):
    root = ROOTS[method].smallest(rho_bits)
    errors = measure_errors(root, 1 << 14)
    assert (errors.low <= errors.high).all()
    assert root.relative_error / 8 < errors.largest <= root.relative_error


def test_where_there_are_more_mantissas_they_are_spread_evenly():
    root = ROOTS["table"].smallest(26)
    seen = []

    class Seen:
        rho_bits, mantissa_bits, widest = root.rho_bits, root.mantissa_bits, root.widest

        def evaluate(self, mantissa, odd):
            seen.append((int(odd[0]), mantissa))
            return root.evaluate(mantissa, odd)

    shares = []
    errors = measure_errors(Seen(), MANTISSAS_MIN, shares.append)
    assert not errors.is_every
    assert errors.mantissas == MANTISSAS_MIN
    assert [odd for odd, _ in seen] == [0, 1]
    for _, mantissa in seen:
        assert (mantissa[0], mantissa[-1]) == (0, (1 << root.mantissa_bits) - 1)
        steps = np.diff(mantissa)
        assert steps.max() - steps.min() <= 1
    assert shares[-1] == 1
    assert np.isfinite(errors.low).all()


def test_pieces_are_those_of_the_picture():
    errors = measure_errors(ROOTS["table"].smallest(RHO_BITS))
    assert len(errors.edges) == len(errors.low) + 1
    assert list(errors.edges[[0, BINS, -1]]) == [1, 2, 4]
    np.testing.assert_array_equal(errors.magnitude, np.maximum(abs(errors.low), abs(errors.high)))


def test_an_error_beyond_the_bound_is_seen():
    """One mantissa of thousands that is wrong by three units."""
    root = ROOTS["non-restoring"].smallest(RHO_BITS)

    class Wrong:
        rho_bits, mantissa_bits, widest = root.rho_bits, root.mantissa_bits, root.widest

        def evaluate(self, mantissa, odd):
            return root.evaluate(mantissa, odd) + 3 * ((mantissa == 1000) & (odd == 1))

    right, wrong = measure_errors(root), measure_errors(Wrong())
    assert right.largest <= root.relative_error < wrong.largest
    (piece,) = np.flatnonzero(right.high != wrong.high)
    assert wrong.edges[piece] <= 2 * (1 + 1000 / 2**root.mantissa_bits) < wrong.edges[piece + 1]
