"""The table [residual]: its keys, how a sum is formed, and how it is rounded on its way out."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat, IntFormat
from streamnorm.spec.fusions import Residual
from streamnorm.spec.fusions.float_sum import FloatSum
from streamnorm.spec.fusions.sum_grid import SumGrid
from streamnorm.spec.simplest_fraction import simplest_fraction


def unit(residual: object, **keys: object) -> NormConfig:
    given_keys = {
        "norm": "layernorm",
        "lanes": 4,
        "max_length": 24,
        "epsilon": 1e-5,
        "input": {"format": "int8", "scale": 0.05},
        "output": {"format": "int8", "scale": 0.04},
        **keys,
    }
    return NormConfig(residual=residual, **given_keys)


@given(st.fractions(min_value=Fraction(1, 10**6), max_value=10**6), st.fractions(min_value=0, max_value=Fraction(1, 2)))
def test_no_fraction_of_a_smaller_denominator_is_as_near(value: Fraction, part: Fraction) -> None:
    error = value * part
    found = simplest_fraction(value, error)
    assert abs(found - value) <= error
    for denominator in range(1, min(found.denominator, 200)):
        nearest = Fraction(floor(value * denominator + Fraction(1, 2)), denominator)
        assert abs(nearest - value) > error or nearest <= 0


@pytest.mark.parametrize(
    ("alpha", "scales", "weights"),
    [
        (1.0, (0.05, 0.05), (1, 1)),
        (1.0, (0.05, 0.04), (5, 4)),
        (1.5, (0.04, 0.08), (3, 4)),
        (-2.0, (0.1, 0.1), (-2, 1)),
    ],
)
def test_scales_whose_ratio_is_a_small_fraction_are_stored_as_they_are(
    alpha: float, scales: tuple[float, float], weights: tuple[int, int]
) -> None:
    residual = Residual.of({"format": "int8", "scale": scales[1], "alpha": alpha})
    sums = residual.sums(IntFormat("int8", scale=scales[0]))
    assert (sums.weight_x, sums.weight_f) == weights
    assert sums.error < 1e-15


formats = st.builds(
    lambda bits, signed, scale, at: IntFormat(
        bits, signed, scale=scale, zero_point=round((-(1 << (bits - 1)) if signed else 0) + at * ((1 << bits) - 1))
    ),
    st.integers(4, 12),
    st.booleans(),
    st.floats(1e-3, 10.0),
    st.floats(0.0, 1.0),
)


@given(formats, formats, st.floats(0.1, 10.0), st.booleans(), st.data())
def test_a_sum_is_off_by_a_small_part_of_a_step(
    x: IntFormat, f: IntFormat, alpha: float, negative: bool, data: st.DataObject
) -> None:
    alpha = -alpha if negative else alpha
    residual = Residual(number=f, alpha=alpha)
    try:
        sums = residual.sums(x)
    except ConfigError:
        with pytest.raises(ConfigError, match="sums would have"):
            residual.sums(x)
        return
    step = Fraction(f.scale) / sums.weight_f
    for _ in range(5):
        q_x, q_f = data.draw(st.integers(x.min, x.max)), data.draw(st.integers(f.min, f.max))
        code = sums.weight_x * q_x + sums.weight_f * q_f
        assert sums.number.min <= code <= sums.number.max
        real = Fraction(alpha) * Fraction(x.scale) * (q_x - x.zero_point) + Fraction(f.scale) * (q_f - f.zero_point)
        stored = step * (code - sums.number.zero_point)
        assert abs(stored - real) <= abs(Fraction(alpha)) * Fraction(x.scale) / 4
    assert sums.number.scale == pytest.approx(float(step), rel=1e-15)


@given(formats, formats, st.floats(1e-3, 10.0))
def test_what_leaves_is_rounded_half_to_even_whatever_the_ratio(
    source: IntFormat, target: IntFormat, step: float
) -> None:
    try:
        grid = SumGrid.of(source, Fraction(step), target)
    except ConfigError:
        with pytest.raises(ConfigError, match="every sum would be 0"):
            SumGrid.of(source, Fraction(step), target)
        return
    wanted = Fraction(step) / Fraction(target.scale)
    reach = max(source.max - source.zero_point, source.zero_point - source.min)
    assert abs(grid.ratio - wanted) * reach <= Fraction(1, 256)
    rows = range(source.min, source.max + 1, max(1, (source.max - source.min) // 97))
    ties = [source.zero_point + grid.ratio.denominator // 2 * odd for odd in (-5, -3, -1, 1, 3, 5)]
    for r in (*rows, *(tie for tie in ties if source.min <= tie <= source.max)):
        exact = grid.ratio * (r - source.zero_point) + target.zero_point
        raised = (grid.factor * r + grid.offset) >> grid.drop
        is_tie = raised & ((1 << grid.frac_bits) - 1) == 0
        got = (raised >> grid.frac_bits) & (~1 if is_tie else -1)
        assert got == round(exact), (r, exact)


@given(st.integers(2, 60), st.integers(1, 400))
def test_ties_between_fractions_without_a_power_of_two_are_decided_truly(half: int, factor: int) -> None:
    ratio = Fraction(factor, 2 * half)
    assume(ratio.denominator % 2 == 0)
    source = IntFormat(12, scale=float(ratio))
    grid = SumGrid.of(source, ratio, IntFormat(8))
    assume(grid.ratio == ratio)
    for odd in range(-9, 10, 2):
        r = ratio.denominator // 2 * odd
        if not source.min <= r <= source.max:
            continue
        raised = (grid.factor * r + grid.offset) >> grid.drop
        assert raised & ((1 << grid.frac_bits) - 1) == 0, "not seen as a tie"
        assert (raised >> grid.frac_bits) & ~1 == round(ratio * r)


def test_without_a_residual_nothing_is_fused() -> None:
    config = unit(None)
    assert config.core is config
    assert config.side_inputs == config.side_outputs == ()


def test_the_core_has_the_sums_as_rows() -> None:
    config = unit({"format": "int8", "scale": 0.025, "emit_sum": True})
    assert config.core.residual is None
    assert config.core.input == IntFormat(10, scale=0.025)
    assert config.core.epsilon_in_steps == config.epsilon_in_steps
    assert (config.core.gamma_bits, config.core.margin) == (config.gamma_bits, config.margin)
    assert [side.name for side in config.side_inputs] == ["residual"]
    assert [(side.name, side.number) for side in config.side_outputs] == [("sum", IntFormat(8, scale=0.025))]
    assert config.replace(residual=None) == unit(None)
    assert (
        NormConfig(
            **{key: getattr(config, key) for key in ("norm", "lanes", "max_length", "epsilon", "input", "output")}
        )
        != config
    )


def test_a_file_says_the_same(tmp_path) -> None:
    text = """
norm = "rmsnorm"
lanes = 2
max_length = 8
epsilon = 1e-5
input = { format = "int8", scale = 0.05 }
output = { format = "int8", scale = 0.04 }

[residual]
format = "int16"
scale = 0.001
zero_point = 3
alpha = 2.5
emit_sum = true
sum = { format = "int12", scale = 0.01 }
"""
    (tmp_path / "unit.toml").write_text(text)
    config = NormConfig.from_toml(tmp_path / "unit.toml")
    assert config.residual == Residual(
        number=IntFormat(16, scale=0.001, zero_point=3), alpha=2.5, emit_sum=True, sum_number=IntFormat(12, scale=0.01)
    )
    again = config.replace(residual=config.to_dict()["residual"])
    assert again == config
    assert again.digest() == config.digest()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("int8", r"residual = 'int8': must be a table, for example \[residual\] with format = \"int8\", scale = 0.05"),
        ({"scale": 0.1}, r"missing key in \[residual\]: format"),
        ({"format": "int8", "beta": 1}, r"unknown key 'beta' in \[residual\]; the keys are format"),
        (
            {"format": "bf16"},
            r"in \[residual\]: format = 'bf16': does not go with input = int8: both must be integers, or both float",
        ),
        ({"format": "int8", "alpha": 0}, r"in \[residual\]: alpha = 0: must not be 0; only the residual would be"),
        ({"format": "int8", "alpha": "x"}, r"in \[residual\]: alpha = 'x': must be a finite number"),
        ({"format": "int8", "emit_sum": 1}, r"in \[residual\]: emit_sum = 1: must be"),
        ({"format": "int8", "sum": {"format": "int8"}}, r"in \[residual\]: sum: only goes with emit_sum = true"),
        (
            {"format": "int8", "emit_sum": True, "sum": {"format": "fp16"}},
            r"in \[residual.sum\]: format = 'fp16': must be int4 to int24 or uint4 to uint24; the residual is int8$",
        ),
        (
            {"format": "int8", "scale": 0.05, "emit_sum": True, "sum": {"format": "int8", "scale": 100.0}},
            r"in \[residual.sum\]: scale = 100: every sum would be 0, since sums are at most 12.8; must be less than",
        ),
        (
            {"format": "int24", "scale": 1e-9},
            r"residual: alpha times the input's scale is 5e\+07 times the residual's: sums would have \d+ bits; must",
        ),
    ],
)
def test_what_is_wrong_is_said(table: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        unit(table)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("int8", r"in \[residual\]: format = 'int8': does not go with input = bf16: both must be integers, or both"),
        (
            {"format": "bf16", "sum": {"format": "int8"}},
            r"in \[residual.sum\]: format = 'int8': must be bf16, fp16, .*; the residual is bf16$",
        ),
        (
            {"format": "bf16", "alpha": -2.2134},
            r"in \[residual\]: alpha = -2.2134\d*: must have at most 8 significant bits, as numbers of bf16 have, "
            r"beside floating-point rows, of which alpha x is exact; the nearest are -2.203125 and -2.21875$",
        ),
        (
            {"format": "bf16", "alpha": 2.0**-30},
            r"in \[residual\]: alpha = 9.31323e-10: its magnitude must be at least 1e-09$",
        ),
    ],
)
def test_what_is_wrong_beside_floating_point_rows_is_said(table: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        unit({"format": table} if isinstance(table, str) else table, input={"format": "bf16"})


def test_sums_of_floating_point_rows_have_the_format_of_the_residual_or_one_of_their_own() -> None:
    whole = unit({"format": "fp32", "emit_sum": True}, input="bf16")
    assert whole.core.input == FloatFormat("fp32")
    assert [(side.name, side.number) for side in whole.side_outputs] == [("sum", FloatFormat("fp32"))]
    # With or without a stream for them, rows are rounded to it.
    saturated = {"format": "fp16", "overflow": "saturate"}
    inside = unit({"format": "fp32", "sum": saturated}, input="bf16")
    assert inside.core.input == FloatFormat("fp16", overflow="saturate")
    assert inside.side_outputs == ()
    assert inside.replace(residual=inside.to_dict()["residual"]) == inside
    assert inside.replace(residual={"format": "fp32"}) != inside


@pytest.mark.parametrize(
    ("alpha", "parts"),
    [
        (1.0, (False, 1, 0)),
        (-1.0, (True, 1, 0)),
        (0.125, (False, 1, -3)),
        (6.0, (False, 3, 1)),
        (-2.21875, (True, 71, -5)),
        (255.0 * 2**20, (False, 255, 20)),
    ],
)
def test_alpha_is_a_short_odd_factor_and_a_shift(alpha: float, parts: tuple[bool, int, int]) -> None:
    bf16 = FloatFormat("bf16")
    sums = FloatSum.of(bf16, bf16, alpha, bf16)
    assert (sums.negative, sums.factor, sums.shift) == parts


@pytest.mark.parametrize(
    ("formats", "alpha", "bits"),
    [
        # Like beside like: a mantissa, and the three bits below it that decide a rounding.
        (("bf16", "bf16", "bf16"), 1.0, 11),
        (("fp32", "fp32", "fp32"), 1.0, 27),
        (("fp8_e4m3fn", "fp8_e4m3fn", "fp8_e4m3fn"), 1.0, 7),
        # A product may have a zero above its leading one.
        (("bf16", "bf16", "bf16"), 1.5, 12),
        # The wide terms are not cut by the narrow result.
        (("fp32", "fp32", "bf16"), 1.0, 25),
        # A subnormal fp16 may be far above a bf16, but no sum of theirs in fp16 is below it.
        (("fp16", "bf16", "bf16"), 1.0, 21),
        (("fp16", "bf16", "fp16"), 1.0, 14),
    ],
)
def test_the_field_is_as_wide_as_rounding_needs(formats: tuple[str, str, str], alpha: float, bits: int) -> None:
    x, f, number = (FloatFormat(name) for name in formats)
    assert FloatSum.of(x, f, alpha, number).field_bits == bits
