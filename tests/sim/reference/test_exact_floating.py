"""The exact result of floating point against 800-digit decimal arithmetic, and its special values cell by cell."""

from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from math import copysign, inf, isinf, isnan, nan

import numpy as np
import pytest

from decimals import normalized
from family import MEMBERS, PART, keys_of
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat, parse_format
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.stored_floats import StoredFloats
from streamnorm_sim.reference.exact import exact_result, exact_rows

DIGITS = Context(prec=800, Emin=-(10**6), Emax=10**6)
CERTAIN = Context(prec=750)
"""Without the digits that a root is off by."""

NOTHING = Decimal(10) ** -400
"""What is smaller is 0, and its digits are what division and root have left."""

FLOATS = ("bf16", "fp16", "fp32", "fp8_e5m2", "fp8_e4m3fn", "float(6, 9)", "float(2, 1)")


def rounded(y, precision, least):
    """Number of steps and their exponent: half to even in the binade of y, which is not 0."""
    place = int(abs(y).logb() * Decimal("3.32193")) + 5
    while abs(y) < Decimal(2) ** place:
        place -= 1
    place = max(place - (precision - 1), least)
    doubled = 2 * y / Decimal(2) ** place
    nearest = doubled.to_integral_value(ROUND_HALF_EVEN)
    if abs(doubled - nearest) < NOTHING:
        doubled = nearest
    return int((doubled / 2).to_integral_value(ROUND_HALF_EVEN)), place


def least_place(number_format):
    return round(np.log2(number_format.scale))


def to_float(y, output):
    """Code of a decimal number, and whether it overflows."""
    steps, place = rounded(y, output.precision, least_place(output))
    value = np.ldexp(float(steps), place)
    code = int(output.quantize(copysign(value, y)))
    return code, bool(abs(value) > output.largest)


def to_integer(y, output):
    doubled = (2 * y).to_integral_value(ROUND_HALF_EVEN)
    if abs(2 * y - doubled) < NOTHING:
        y = doubled / 2
    nearest = int(y.to_integral_value(ROUND_HALF_EVEN))
    return min(max(nearest, output.min), output.max), not output.min <= nearest <= output.max


def normalized_row(config, row, as_given):
    """Of each element: a float that is not finite, or a decimal number and the sign that it has as 0."""
    source = config.input
    x = source.dequantize(row).tolist() if source.is_float else [float(value - source.zero_point) for value in row]
    signs = [copysign(1.0, value * (config.alpha or 1.0)) for value in x]
    part = x[: config.statistic_length] if config.formula.has_statistic else []
    some_infinite, centred = any(map(isinf, part)), config.formula.centred
    if any(map(isnan, part)) or (some_infinite and centred):
        return [nan] * len(x)
    steps = [int(value / source.scale) if np.isfinite(value) else 0 for value in x] if source.is_float else row
    if config.norm == "dyt":  # beyond, tanh differs from 1 by less than the decimals show
        far = int(2000 / source.scale / abs(config.alpha))
        steps = [min(max(value, -far), far) for value in steps]
    with localcontext(DIGITS):
        z = [CERTAIN.plus(value) for value in normalized(config, steps)]
        if config.norm == "dyt":
            z = [value * (1 - NOTHING / 10**300) if abs(value) == 1 else value for value in z]
        if config.norm == "affine":
            unit = 1.0 if as_given else config.gamma_unit  # what gamma is stored times
            z = [value * Decimal(source.scale / unit) for value in z]
    found = []
    for value, element, sign in zip(z, x, signs, strict=True):
        if isnan(element) or (isinf(element) and some_infinite):
            found.append(nan)
        elif isinf(element):
            found.append((Decimal(sign), sign) if config.norm == "dyt" else inf * sign)
        elif some_infinite or abs(value) < NOTHING:
            found.append((Decimal(0), 1.0 if centred else sign))
        else:
            found.append((value, copysign(1.0, value)))
    return found


def parameters(config, row_index, as_given):
    """Lists of gamma and beta of bank 0 as decimals with signs, and whether beta is added."""
    n, repeat = config.max_length, config.parameter_repeat
    if config.output.is_float:
        stored = StoredFloats.of(config)
        gamma, beta, has_beta = stored.gamma[row_index], stored.beta[row_index], stored.has_beta
        gamma, beta = stored.format.dequantize(gamma), stored.format.dequantize(beta)
        pairs = [(Decimal(g), copysign(1.0, g)) for g in gamma.tolist()], [(Decimal(b), copysign(1.0, b)) for b in beta]
    else:
        stored, has_beta = StoredParameters.of(config), True
        gamma = [Decimal(g) / Decimal(2) ** stored.gamma_frac_bits for g in stored.gamma[row_index].tolist()]
        beta = [Decimal(b) / Decimal(2) ** stored.beta_frac_bits for b in stored.beta[row_index].tolist()]
        pairs = tuple([(value, copysign(1.0, value)) for value in values] for values in (gamma, beta))
    if as_given:
        config_beta = 0.0 if config.beta is None else config.beta
        shape, has_beta = (config.banks, config.bank_values), bool(np.any(config_beta)) or not config.output.is_float
        gamma = np.broadcast_to(1.0 if config.gamma is None else config.gamma, shape)[row_index].tolist()
        beta = np.broadcast_to(config_beta, shape)[row_index].tolist()
        gamma = [Decimal(value) + Decimal(config.gamma_offset) for value in gamma]
        if not config.output.is_float:
            scale = Decimal(config.output.scale)
            gamma = [value / (scale if config.gamma_rounding == "once" else 1) for value in gamma]
            beta = [Decimal(value) / scale + config.output.zero_point for value in beta]
        pairs = tuple([(Decimal(v), copysign(1.0, v)) for v in values] for values in (gamma, beta))
    gamma, beta = ([values[i // repeat] for i in range(n)] for values in pairs)
    return gamma, beta, has_beta


def rounded_z(config, z):
    """What gamma multiplies: z, rounded where it is."""
    output = config.output
    if config.gamma_rounding != "output" or not z:
        return z
    if output.is_float:
        code, beyond = to_float(z, output)
        value = output.dequantize(code).item()
        return Decimal(copysign(output.largest, value) if beyond else value)
    shift = output.zero_point
    return Decimal(to_integer(z / Decimal(output.scale) + shift, output)[0] - shift)


def expected(config, row, bank=0, *, as_given=False):
    """For each element: code, exact result (None where it is special), unit, overflow."""
    output = config.output
    floating = output.is_float
    gammas, betas, has_beta = parameters(config, bank, as_given)
    results = []
    zs = normalized_row(config, row, as_given)
    ordinary = Decimal(config.formula.centred)  # what gamma times is the unit, as a z
    if config.norm == "frozen":
        ordinary = max((abs(rounded_z(config, z[0])) for z in zs if isinstance(z, tuple)), default=Decimal(0))
    for z, (g, g_sign), (b, b_sign) in zip(zs, gammas, betas, strict=False):
        if isinstance(z, float):
            y = z * float(g) if isnan(z) or g == 0 else inf * copysign(1.0, z) * g_sign
            if not floating:
                code = output.zero_point if isnan(y) else (output.max if y > 0 else output.min)
            elif isnan(y) or not output.finite:
                code = int(output.quantize(y)) if not isnan(y) else output.code_of_nan
            else:
                code = output.code_of_overflow | (int(y < 0) << (output.bits - 1))
            results.append((code, y, None, False))
            continue
        z, z_sign = z
        z = rounded_z(config, z)
        product_sign = z_sign * g_sign
        y = z * g + b if has_beta else z * g
        if abs(y) < NOTHING * (abs(b) + 1) * (abs(g) + 1):
            y = Decimal(0)
        unit = Decimal(1)
        if floating:
            beside = [abs(y), abs(g) * ordinary] + ([abs(b)] if has_beta else [])
            unit = Decimal(2) ** least_place(output)
            if max(beside):
                unit = Decimal(2) ** rounded(max(beside), output.precision, least_place(output))[1]
        if y == 0 and floating:
            both = not has_beta or (b == 0 and product_sign == b_sign)
            sign = product_sign if both else 1.0
            results.append((int(sign < 0) << (output.bits - 1), y, unit, False))
        else:
            code, beyond = to_float(y, output) if floating else to_integer(y, output)
            results.append((code, y, unit, beyond))
    return results


def assert_exact(config, x, lengths=None, banks=None, *, as_given=False):
    found = exact_result(config, x, lengths, banks, as_given=as_given)
    lengths = [len(row) for row in x] if lengths is None else lengths
    banks = [0] * len(x) if banks is None else banks
    with localcontext(DIGITS):
        for index, (row, n, bank) in enumerate(zip(x, lengths, banks, strict=True)):
            wanted = expected(config, np.asarray(row)[:n].tolist(), bank, as_given=as_given)
            where = f"row {np.asarray(row)[:n].tolist()} of {config}, {config.to_dict()}"
            got = found.rounded[index, :n].tolist()
            assert got == [code for code, *_ in wanted], where
            assert found.overflows[index, :n].tolist() == [beyond for *_, beyond in wanted], where
            for scaled, unit, (_, y, wanted_unit, _) in zip(
                found.scaled[index], found.unit[index], wanted, strict=False
            ):
                if isinstance(y, float):
                    if config.output.is_float:
                        assert scaled == y or (isnan(scaled) and isnan(y)), where
                    continue
                assert Decimal(float(unit)) == wanted_unit, where
                assert abs(Decimal(float(scaled)) - y) <= wanted_unit / 2**22 + abs(y) / 2**52, where
            assert not found.rounded[index, n:].any()
            assert not found.scaled[index, n:].any()


def some_rows(source, rng, count, n, *, specials):
    """Rows of all sizes: near each other, far apart, subnormal, constant, and with NaN and infinities in them."""
    rows = []
    for index in range(count):
        if not source.is_float:
            rows.append(rng.integers(source.min, source.max, n, endpoint=True))
            continue
        kind = index % 6
        size = 2.0 ** rng.integers(least_place(source) // 2, -least_place(source) // 2)
        numbers = rng.normal(rng.choice([0, 3]), 1, n) * size
        row = source.quantize(np.clip(numbers, -source.largest, source.largest))
        if kind == 1:
            row = rng.integers(0, source.code_of_largest, n, endpoint=True) | rng.integers(0, 2, n) << (source.bits - 1)
        elif kind == 2:
            row = rng.integers(0, 6, n) | rng.integers(0, 2, n) << (source.bits - 1)
        elif kind == 3:
            row = np.full(n, rng.choice(row))
        elif kind == 4:
            row = source.quantize(rng.integers(-3, 4, n) * 0.5)
        if specials and rng.random() < 0.4:
            row = row.copy()
            values = [source.code_of_nan, source.code_of_infinity, source.code_of_infinity | (1 << (source.bits - 1))]
            row[rng.integers(n)] = rng.choice(values)
        rows.append(row)
    return np.array(rows)


def some_config(member, source, output, rng, n, **changes):
    size = rng.choice([1.0, 1.0, 2.0**-20, 100.0])
    is_float = parse_format(output).is_float if isinstance(output, str) else False
    gamma = rng.normal(1, 0.5, n) * (size if is_float else 1.0)
    gamma[rng.integers(n)] = rng.choice([0.0, -1.0, 0.5])
    beta = rng.normal(0, 1, n) * size if is_float else rng.normal(0, 1, n)
    beta[rng.integers(n)] = 0.0
    keys = keys_of(
        member, longest=n, epsilon=float(rng.choice([1e-5, 1.0, 1e-30 if member != PART else 1e-3])), reach=4.0
    )
    if "alpha" in keys:
        keys["alpha"] = float(rng.choice([-0.7, 0.5, 3.0]))
    beta = None if rng.random() < 0.3 else beta
    keys |= {"lanes": 1, "max_length": n, "input": source, "output": output, "gamma": gamma, "beta": beta}
    return NormConfig(**(keys | changes))


@pytest.mark.parametrize("member", MEMBERS)
def test_float_to_float_against_decimals(member):
    rng = np.random.default_rng([1, MEMBERS.index(member)])
    for index in range(12):
        source, output = rng.choice(FLOATS, 2)
        n = int(rng.choice([1, 2, 5, 6]))
        config = some_config(member, str(source), str(output), rng, n)
        x = some_rows(config.input, rng, 6, n, specials=True)
        assert_exact(config, x, rng.integers(1, n, len(x), endpoint=True), as_given=bool(index % 3 == 0))


@pytest.mark.parametrize("member", MEMBERS)
def test_integers_on_one_side_against_decimals(member):
    rng = np.random.default_rng([2, MEMBERS.index(member)])
    for index in range(8):
        name, integers = str(rng.choice(FLOATS[:6])), IntFormat(8, scale=0.05, zero_point=3)
        source, output = (name, integers) if index % 2 else (integers, name)
        n = int(rng.choice([1, 2, 5, 6]))
        config = some_config(member, source, output, rng, n)
        x = some_rows(config.input, rng, 6, n, specials=True)
        assert_exact(config, x, as_given=bool(index % 3 == 0))


@pytest.mark.parametrize("member", [member for member in MEMBERS if member not in ("affine", "dyt")])
def test_two_roundings_against_decimals(member):
    rng = np.random.default_rng([3, MEMBERS.index(member)])
    for index in range(8):
        source = str(rng.choice(FLOATS))
        output = str(rng.choice(FLOATS)) if index % 2 else IntFormat(8, scale=0.05, zero_point=3)
        n = int(rng.choice([1, 2, 5, 6]))
        config = some_config(member, source, output, rng, n, gamma_rounding="output")
        x = some_rows(config.input, rng, 6, n, specials=True)
        assert_exact(config, x, as_given=bool(index % 3 == 0))


def bf16(*values):
    return parse_format("bf16").quantize(np.array(values)).tolist()


def unit(**changes):
    keys = {"norm": "layernorm", "lanes": 1, "max_length": 4, "input": "bf16", "output": "bf16", "epsilon": 1e-5}
    return NormConfig(**(keys | changes))


MINUS_ZERO, NAN = 0x8000, 0x7FC0


@pytest.mark.parametrize(
    ("keys", "x", "y"),
    [
        # a NaN, and in a centred norm an infinity, spoil the row
        ({}, [1, nan, 2, 3], [nan] * 4),
        ({}, [1, inf, 2, 3], [nan] * 4),
        ({"norm": "rmsnorm"}, [1, nan, 2, 3], [nan] * 4),
        # an infinite mean square leaves zeros with the sign of x
        ({"norm": "rmsnorm"}, [1, inf, -2, -0.0], [0.0, nan, -0.0, -0.0]),
        ({"norm": "rmsnorm", "gamma": -1.0}, [1, -inf, -2, 0.0], [-0.0, nan, 0.0, -0.0]),
        ({"norm": "rmsnorm", "beta": 0.5}, [1, inf, -2, 3], [0.5, nan, 0.5, 0.5]),
        ({"norm": "rmsnorm", "beta": 0.0, "storage": "ram"}, [1, inf, -2, -3], [0.0, nan, 0.0, 0.0]),
        # behind the part that is measured, each stands for itself
        ({"norm": "rmsnorm", "statistic_length": 2}, [1, 1, nan, -inf], [1, 1, nan, -inf]),
        ({"norm": "rmsnorm", "statistic_length": 2, "gamma": -1.0, "beta": 3.0}, [1, 1, inf, -inf], [2, 2, -inf, inf]),
        ({"norm": "rmsnorm", "statistic_length": 2, "gamma": [1, 1, 0, 0]}, [1, 1, inf, -inf], [1, 1, nan, nan]),
        ({"norm": "rmsnorm", "statistic_length": 2}, [1, nan, 1, inf], [nan] * 4),
        ({"norm": "rmsnorm", "statistic_length": 2}, [1, inf, -1, -inf], [0.0, nan, -0.0, nan]),
        # nothing is measured
        ({"norm": "affine", "gamma": -2.0, "epsilon": None}, [nan, inf, -inf, 3], [nan, -inf, inf, -6]),
        # zeros of centred norms are +0, of others they have a sign
        ({"gamma": -1.0}, [0.0, -0.0, 0.0, -0.0], [-0.0] * 4),
        ({"epsilon": 0.0}, [7, 7, 7, 7], [0.0] * 4),
        ({"norm": "l2norm", "epsilon": 0.0}, [0.0, -0.0, 0.0, -0.0], [0.0, -0.0, 0.0, -0.0]),
        ({"norm": "rmsnorm", "gamma": [1, 0, -1, 0]}, [1, 1, 1, -1], [1, 0.0, -1, -0.0]),
        # a sum that cancels is +0, and so is one of opposite zeros
        ({"norm": "rmsnorm", "gamma": -1.0, "beta": 1.0}, [1, 1, 1, 1], [0.0] * 4),
        ({"norm": "rmsnorm", "beta": [0, 1, 0, 1]}, [-0.0, -0.0, 0.0, 0.0], [0.0, 1, 0.0, 1]),
    ],
)
def test_special_values_cell_by_cell(keys, x, y):
    config = unit(**({"input": "bf16"} | keys))
    if "statistic_length" in keys:
        config = config.replace(epsilon=1e-30)
    elif config.norm == "rmsnorm":
        config = config.replace(epsilon=0.0)
    found = exact_result(config, [bf16(*x)])
    assert found.rounded.tolist() == [bf16(*y)]
    assert not found.overflows.any()
    np.testing.assert_array_equal(found.scaled, [y])


@pytest.mark.parametrize("overflow", ["infinity", "nan", "saturate"])
def test_overflow_and_infinite_results_are_told_apart(overflow):
    output = parse_format("fp16", overflow=overflow)
    config = unit(norm="affine", epsilon=None, output=output, gamma=[60000.0, 2.0, -2.0, 1.0])
    found = exact_result(config, [bf16(2, inf, inf, -1e30)])
    sign, beyond = 0x8000, output.code_of_overflow
    assert found.rounded.tolist() == [[beyond, 0x7C00, 0x7C00 | sign, beyond | sign]]
    assert found.overflows.tolist() == [[True, False, False, True]]
    assert found.scaled[0, 0] == 120000.0
    finite = config.replace(output="fp8_e4m3fn")
    assert exact_rows(finite, [bf16(2, inf, -inf, 448)]).tolist() == [[0x7E, 0x7E, 0x7E, 0x7E]]


def test_integers_have_the_zero_point_for_nan_and_saturate_infinities():
    config = unit(norm="affine", epsilon=None, output=IntFormat(8, zero_point=5), gamma=[1.0, -1.0, 1.0, 0.0])
    found = exact_result(config, [bf16(nan, inf, inf, -inf), bf16(-300, 300, 2.5, 9)])
    assert found.rounded.tolist() == [[5, -128, 127, 5], [-128, -128, 8, 5]]
    assert found.overflows.tolist() == [[False] * 4, [True, True, False, False]]


@pytest.mark.parametrize(
    ("x", "gamma", "y"),
    [
        # 8 bits times 8 bits: halfway between two, to even
        (1 + 2.0**-7, 1 + 2.0**-1, 1.5 + 3 * 2.0**-8 + 2.0**-8),
        (1.0, 2.0**-134, 0.0),  # half the smallest number
        (1.0, 3 * 2.0**-134, 2.0**-132),
        (-1.0, 2.0**-134, -0.0),
        (-1.0, 2.0**-135, -0.0),
        (1.0, 1.0 + 2.0**-8, 1.0),
        (1.0, 1.0 + 3 * 2.0**-8, 1.0 + 2.0**-6),
        (2.0, 2.0**126 * (2 - 2.0**-7), 2.0**127 * (2 - 2.0**-7)),
        (2.0, 2.0**126 * (2 - 2.0**-8), inf),  # a tie beyond the largest
        (2.0, 2.0**126 * (2 - 2.0**-8 - 2.0**-20), 2.0**127 * (2 - 2.0**-7)),
    ],
)
def test_ties_subnormals_and_the_largest_number(x, gamma, y):
    config = unit(norm="affine", epsilon=None, max_length=1, gamma=gamma)
    assert exact_rows(config, [bf16(x)], as_given=True).tolist() == [bf16(y)]
    assert exact_rows(config, [bf16(x)]).tolist() == [bf16(y)]


@pytest.mark.parametrize(("gamma", "y"), [(1 + 2.0**-8, 1.0), (1 + 3 * 2.0**-8, 1 + 2.0**-6)])
def test_a_hair_beside_a_tie(gamma, y):
    """With epsilon the truth is 1e-40 less than a tie; without, the row has a rational root."""
    config = unit(epsilon=0.0, gamma=gamma)
    assert exact_rows(config, [bf16(1, -1)]).tolist() == [bf16(y, -y)]
    near = config.replace(epsilon=1e-40)
    less = (gamma - 2.0**-8) if gamma != 1 + 2.0**-8 else 1.0
    assert exact_rows(near, [bf16(1, -1)]).tolist() == [bf16(less, -less)]
    assert exact_result(near, [bf16(1, -1)]).unit.tolist() == [[2.0**-7] * 2]


def test_nearly_all_cancels():
    """z·γ + β is 1e-12 of its terms."""
    config = unit(norm="rmsnorm", output="fp32", epsilon=1e-12, gamma=1.0, beta=-1.0)
    found = exact_result(config, [bf16(1, 1, 1, 1)])
    assert abs(found.scaled + 5e-13).max() < 1e-24
    assert found.rounded.tolist() == [parse_format("fp32").quantize([-5e-13] * 4).tolist()]
    assert found.unit.tolist() == [[2.0**-23] * 4]  # that of beta


def test_banks_and_values_that_elements_share():
    rng = np.random.default_rng(9)
    gamma, beta = rng.normal(1, 0.2, (2, 3)), rng.normal(0, 1, (2, 3))
    config = unit(max_length=6, banks=2, parameter_repeat=2, gamma=gamma, beta=beta, gamma_offset=0.25)
    written = config.replace(parameter_repeat=1, gamma=gamma.repeat(2, 1), beta=beta.repeat(2, 1))
    x, banks = some_rows(config.input, rng, 12, 6, specials=True), np.arange(12) % 2
    for as_given in (False, True):
        assert_exact(config, x, banks=banks, as_given=as_given)
        both = [exact_result(one, x, banks=banks, as_given=as_given) for one in (config, written)]
        for name in ("rounded", "scaled", "unit", "overflows"):
            np.testing.assert_array_equal(*(getattr(one, name) for one in both))


def test_a_normalized_value_saturates_before_gamma():
    config = unit(output="float(2, 1)", gamma=0.25, gamma_rounding="output", max_length=16, epsilon=0.0)
    found = exact_result(config, [bf16(*[0] * 15, 1)])  # z is √15, and 3 the largest number
    assert found.normalized_saturates.tolist() == [[False] * 15 + [True]]
    assert config.output.dequantize(found.normalized[0, -1]) == 3.0
    assert found.scaled[0, -1] == 0.75
    assert not found.overflows.any()


def test_parts_of_a_batch_give_what_the_batch_gives(monkeypatch):
    config = unit(max_length=6, beta=0.1)
    x = some_rows(config.input, np.random.default_rng(4), 20, 6, specials=True)
    together = exact_rows(config, x)
    monkeypatch.setattr("streamnorm_sim.reference.exact._CHUNK_ELEMENTS", 7)
    np.testing.assert_array_equal(exact_rows(config, x), together)
