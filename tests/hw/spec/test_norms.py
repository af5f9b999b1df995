"""Every norm of the registry: its description against rows, worked out from its definition in integers."""

from fractions import Fraction
from itertools import product
from math import sqrt

import pytest

from streamnorm.spec.norms import NORMS, Norm
from streamnorm_sim.reference.exact import FORMULAS

LOW, HIGH, ZERO_POINT = -3, 2, 1


@pytest.fixture(params=NORMS.values(), ids=NORMS)
def norm(request) -> Norm:
    return request.param


def rows(n: int) -> list[tuple[int, ...]]:
    return list(product(range(LOW, HIGH + 1), repeat=n))


def differences(norm: Norm, row: tuple[int, ...]) -> list[int]:
    pivot = row[0] if norm.centred else ZERO_POINT
    return [x - pivot for x in row]


def variance(norm: Norm, d: list[int]) -> int:
    """V without epsilon."""
    return len(d) * sum(x * x for x in d) - norm.centred * sum(d) ** 2


def test_it_is_told_apart_and_described(norm):
    assert NORMS[norm.name] is norm
    assert [norm.title for norm in NORMS.values()].count(norm.title) == 1
    for text in (norm.title, norm.about, norm.formula, norm.source):
        assert text
        assert text == text.strip()


def test_it_has_an_exact_reference(norm):
    assert norm.name in FORMULAS


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_limits_hold_for_every_row_and_are_reached(norm, n):
    low, high = norm.differences(LOW, HIGH, ZERO_POINT)
    largest = max(-low, high)
    all_d = [differences(norm, row) for row in rows(n)]
    assert min(min(d) for d in all_d) >= low
    assert max(max(d) for d in all_d) <= high
    assert max(sum(x != 0 for x in d) for d in all_d) == norm.nonzero_differences(n)
    least, most = norm.variance_limits(n, largest)
    found = [variance(norm, d) for d in all_d]
    assert max(found) <= most
    assert min((v for v in found if v), default=0) >= least
    assert (least == 0) == (not any(found))


@pytest.mark.parametrize("n", [2, 3, 4])
def test_what_the_error_budget_relies_on_holds_for_every_row(norm, n):
    for row in rows(n):
        d = differences(norm, row)
        v = variance(norm, d)
        if not v:
            assert all(n * x == norm.centred * sum(d) for x in d), "z is 0 where V is"
            continue
        squares = [Fraction((n * x - norm.centred * sum(d)) ** 2, v) for x in d]
        assert max(squares) <= norm.square_limit(n)
        reach = max(abs(x) for x in d) * n / sqrt(v)
        assert reach <= norm.reach * sqrt(n) + 1e-9
        assert Fraction(n * n, v) <= norm.epsilon_weight(n)
        assert Fraction(n, v) <= norm.length_weight


def test_v_does_not_depend_on_the_pivot_of_a_centred_norm(norm):
    if not norm.centred:
        return
    for row in rows(3):
        found = {variance(norm, [x - pivot for x in row]) for pivot in row}
        assert len(found) == 1
