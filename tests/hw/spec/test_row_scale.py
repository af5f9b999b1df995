"""The keys of results with a scale for each row, and the constants that follow from them."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat, RowScaledFormat, parse_format
from streamnorm.spec.formats import row_scaled as of_format
from streamnorm.spec.fusions import row_scale
from streamnorm.spec.fusions.row_scale import STEP_LSB, RowScale

BASE: dict[str, Any] = {
    "norm": "layernorm", "lanes": 2, "max_length": 32, "epsilon": 1e-5, "input": {"format": "int16", "scale": 0.001},
}  # fmt: skip


def config(output: dict[str, Any], **keys: Any) -> NormConfig:
    return NormConfig(**{**BASE, **keys}, output={"format": "int8", "scale": "row", **output})


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({"format": "uint8"}, "format = 'uint8': must be one of int4 to int16 with scale = \"row\""),
        ({"format": "int17"}, "format = 'int17': must be one of int4 to int16 with scale = \"row\""),
        ({"format": "bf16"}, "format = 'bf16': must be one of int4 to int16 with scale = \"row\""),
        (
            {"zero_point": 0},
            'zero_point: does not go with scale = "row": a format with a scale for each row is symmetric',
        ),
        ({"scale_kind": "float16"}, "scale_kind = 'float16': must be one of float32, power-of-two"),
        ({"scale_max": 0}, "scale_max = 0: must be a finite number greater than 0"),
        ({"scale_max": "big"}, "scale_max = 'big': must be a finite number greater than 0"),
        ({"scale": 0.1, "scale_max": 1.0}, 'in [output]: scale_max: only goes with scale = "row"'),
        ({"scale": 0.1, "scale_kind": "float32"}, 'in [output]: scale_kind: only goes with scale = "row"'),
        ({"scale": "rows", "scale_kind": "float32"}, "in [output]: scale = 'rows': must be a number, or \"row\""),
        ({"scale_most": 1.0}, "unknown key 'scale_most' in [output]; did you mean scale_max"),
        ({"scale_max": 1e-20}, "results of up to 1.27e-18 would be computed in steps of "),
        ({"scale_kind": "power-of-two", "scale_max": 1e-17}, "results of up to "),
    ],
)
def test_what_is_not_right_is_refused(output: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(output)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"gamma_rounding": "output"}, 'gamma_rounding = "output": does not go with scale = "row" in [output]'),
        ({"accuracy": "tight"}, 'accuracy = "tight": does not go with scale = "row" in [output]'),
        (
            {"algorithm": "i-bert", "epsilon": 0.0, "input": {"format": "int8", "scale": 0.05}},
            "algorithm = 'i-bert': does not go with scale = \"row\" in [output]",
        ),
        ({"input": RowScaledFormat("int8")}, "input: a scale for each row: must be a RowScaledInput"),
        (
            {"residual": {"format": "int8", "scale": "row"}},
            'in [residual]: scale = "row": only input and output may have one',
        ),
    ],
)
def test_what_does_not_go_together_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config({}, **keys)
    assert message in str(caught.value)


def test_scale_max_goes_with_integers() -> None:
    with pytest.raises(ConfigError, match="scale_max: goes with input of integers only"):
        config({"scale_max": 1.0}, input={"format": "bf16"})


def test_a_file_may_say_it(tmp_path) -> None:
    file = tmp_path / "unit.toml"
    text = 'norm = "layernorm"\nlanes = 2\nmax_length = 32\nepsilon = 1e-5\n[input]\nformat = "int16"\nscale = 0.001\n'
    file.write_text(text + '[output]\nformat = "int8"\nscale = "row"\nscale_kind = "power-of-two"\nscale_max = 0.5\n')
    read = NormConfig.from_toml(file)
    assert read == config({"scale_kind": "power-of-two", "scale_max": 0.5})
    assert read.output.to_dict() == {
        "format": "int8", "scale": "row", "scale_kind": "power-of-two", "scale_max": 0.5,
    }  # fmt: skip
    others = [
        config({}),
        config({"scale_max": 0.5}),
        config({"scale_kind": "power-of-two"}),
        config({"format": "int7"}),
    ]
    assert len({read.digest(), *(other.digest() for other in others)}) == 5


def test_the_unit_within_has_neither_residual_nor_a_scale_for_each_row() -> None:
    whole = config({}, residual={"format": "int8", "scale": 0.1, "emit_sum": True})
    assert [side.name for side in whole.side_outputs] == ["sum", "scale"]
    assert [side.per_row for side in whole.side_outputs] == [False, True]
    assert whole.core.residual is None
    assert whole.core.output == whole.normalized_output == IntFormat(20, scale=whole.core.output.scale)
    assert whole.core.core is whole.core
    assert whole.behind_front.row_scale == whole.row_scale
    assert whole.behind_front.core == whole.core
    assert (whole.gamma_bits, whole.beta_bits, whole.margin) == (
        whole.core.gamma_bits, whole.core.beta_bits, whole.core.margin,
    )  # fmt: skip


def test_both_places_know_the_same_kinds() -> None:
    assert tuple(row_scale.SCALE_KINDS) == of_format.SCALE_KINDS


def test_codes_are_symmetric() -> None:
    number = parse_format("int6", scale="row")
    assert (number.name, number.bits, number.bytes, number.min, number.max) == ("int6", 6, 1, -31, 31)
    assert number.quantize([1e300, -1e300, 0.5, 1.5]).tolist() == [31, -31, 0, 2]
    assert number.saturates([31.4, 31.6, -31.6]).tolist() == [False, True, True]


@given(
    bits=st.integers(4, 16),
    kind=st.sampled_from(of_format.SCALE_KINDS),
    largest=st.floats(1e-6, 1e6),
    limit=st.none() | st.floats(1e-3, 10.0),
    places=st.lists(st.floats(0, 1), min_size=1, max_size=20),
)
def test_factor_and_scale_follow_from_the_largest(
    bits: int, kind: str, largest: float, limit: float | None, places: list[float]
) -> None:
    number = RowScaledFormat(bits, kind, None if limit is None else limit * largest / (1 << bits))
    scale = RowScale.of(number, largest)
    reach = Fraction(largest) if limit is None else min(Fraction(largest), Fraction(number.scale_max or 0) * number.max)
    step = Fraction(scale.core.scale)
    if limit is None or kind == "float32":
        assert step * scale.core.max >= reach
        assert step * scale.core.max < 2 * reach
    found = np.array([int(place * scale.core_reach) for place in places])
    limited = scale.limited(found)
    factors, codes = scale.factors(limited), scale.codes(limited)
    assert ((codes >= scale.code_format.min) & (codes <= scale.code_format.max)).all()
    assert scale.factor_bits == int(scale.factors(np.array([scale.least]))[0]).bit_length()
    for c, m, factor, code in zip(found.tolist(), limited.tolist(), factors.tolist(), codes.tolist(), strict=True):
        value = scale.scale_of(m)
        assert value == Fraction(float(scale.values(np.array([code]))[0]))
        # One LSB of c is a sixteenth of a step or less, and the largest c fits unless the scale is limited.
        assert step * STEP_LSB <= value
        assert scale.least_scale <= value <= scale.largest_scale
        if number.scale_max is not None:
            assert value <= Fraction(number.scale_max)
        exact = c * step / value
        if c <= scale.most:
            assert exact <= number.max
            assert abs(exact - Fraction(c * factor, 1 << scale.frac_bits)) <= scale.factor_error
        else:
            assert Fraction(c * factor, 1 << scale.frac_bits) > number.max - Fraction(1, 2)
        # No smaller scale would do, but for the limits and powers of two.
        if scale.least < c <= scale.most:
            assert exact > (number.max - Fraction(1, 2) if kind == "float32" else Fraction(number.max, 2))


def test_the_plan_tells_bound_and_ends() -> None:
    plan = Plan.of(config({}))
    assert plan.promise == "faithful"
    core = Plan.of(plan.config.core)
    assert plan.error_bound == 0.5 + 2.0**-6 + core.error_bound / STEP_LSB
    assert plan.error_bound < plan.error_bound_as_given < 0.7
    told = plan.to_dict()["row_scale"]
    assert told["least"] == float(plan.config.row_scale.least_scale)
    assert told["quantized_from"]["format"] == "int20"
    assert told["largest"] / told["least"] > 100
