"""Every norm of the registry: its description against rows, worked out from its definition in integers."""

from fractions import Fraction
from itertools import product
from math import sqrt

import pytest

from streamnorm.spec.norms import NORMS, Norm
from streamnorm.spec.norms.rmsnorm import RmsNorm
from streamnorm_sim.reference.exact import FORMULAS

LOW, HIGH, ZERO_POINT = -3, 2, 1


PART_OF_3 = RmsNorm(statistic_length=3)
ALL: dict[str, Norm] = {**NORMS, "a part": PART_OF_3}


@pytest.fixture(params=ALL.values(), ids=ALL)
def norm(request) -> Norm:
    return request.param


def rows(n: int) -> list[tuple[int, ...]]:
    return list(product(range(LOW, HIGH + 1), repeat=n))


def differences(norm: Norm, row: tuple[int, ...]) -> list[int]:
    pivot = row[0] if norm.centred else ZERO_POINT
    return [x - pivot for x in row]


def variance(norm: Norm, d: list[int]) -> int:
    """V without epsilon."""
    if norm.has_absolute_sum:
        return sum(abs(len(d) * x - sum(d)) for x in d) ** 2
    counted = d[: norm.statistic_length]
    total = norm.has_squares * sum(x * x for x in counted) + norm.has_squared_sum * sum(counted) ** 2
    if norm.has_weight_root:
        return total
    spread = norm.count(len(d)) * total - norm.has_variance * sum(counted) ** 2
    return norm.weight(len(d)) * spread if norm.has_sample_variance else spread


def numerators(norm: Norm, d: list[int]) -> list[int]:
    factor = len(d) - 1 if norm.has_sample_variance else len(d) if norm.has_absolute_sum else 1
    return [norm.weight(len(d)) * x - norm.centred * factor * sum(d) for x in d]


def test_it_is_told_apart_and_described(norm):
    assert type(NORMS[norm.name]) is type(norm)
    assert [norm.title for norm in NORMS.values()].count(norm.title) == 1
    for text in (norm.title, norm.about, norm.use, norm.formula, norm.source):
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
    counted = max(sum(x != 0 for x in d[: norm.statistic_length]) for d in all_d)
    assert norm.nonzero_differences(n) == (counted if norm.has_statistic else 0)
    least, most = norm.variance_limits(n, largest)
    found = [variance(norm, d) for d in all_d]
    assert max(found) <= most
    assert min((v for v in found if v), default=0) >= least
    assert (least == 0) == (not any(found))


@pytest.mark.parametrize("n", [2, 3, 4])
def test_what_the_error_budget_relies_on_holds_for_every_row(norm, n):
    square_limit, epsilon_weight = norm.square_limit(n), norm.epsilon_weight(n)
    if square_limit is None:
        assert (epsilon_weight, norm.length_weight) == (None, None)
        return
    weight = norm.weight(n)
    for row in rows(n):
        d = differences(norm, row)
        v = variance(norm, d)
        if not v:
            assert not any(numerators(norm, d)), "z is 0 where V is"
            continue
        squares = [Fraction(c**2, v) for c in numerators(norm, d)]
        assert max(squares) <= square_limit
        reach = max(abs(x) for x in d) * weight / sqrt(v)
        assert reach <= norm.reach * sqrt(square_limit + norm.centred) + 1e-9
        assert Fraction(weight**2, v) <= epsilon_weight
        assert Fraction(weight, v) <= norm.length_weight


def test_without_a_limit_z_may_be_anything_where_v_is_0(norm):
    if norm.square_limit(4) is None:
        all_d = [differences(norm, row) for row in rows(4)]
        assert any(not variance(norm, d) and any(numerators(norm, d)) for d in all_d)


def test_v_does_not_depend_on_the_pivot_of_a_centred_norm(norm):
    if not norm.centred:
        return
    for row in rows(3):
        found = {variance(norm, [x - pivot for x in row]) for pivot in row}
        assert len(found) == 1
