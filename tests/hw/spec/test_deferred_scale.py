"""The key ``defer``, what it does not go with, and the word in which a scale travels."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan, plan_rows
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import ScaleWord
from streamnorm.verilog.emit import manifest

INT8 = {"format": "int8", "scale": 0.05}
BASE: dict[str, Any] = {
    "norm": "rmsnorm", "lanes": 2, "max_length": 32, "epsilon": 1e-5, "input": INT8, "output": INT8, "defer": True,
}  # fmt: skip
FOLD = "`streamnorm fold flashnorm` takes gamma and beta into the matrix behind the norm"


def config(**keys: Any) -> NormConfig:
    given = {**BASE, **keys}
    return NormConfig(**{key: of for key, of in given.items() if of is not None})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"defer": 1}, "defer = 1: must be true or false"),
        ({"gamma": 1.0}, f"gamma: does not go with defer = true: elements are not multiplied here; {FOLD}"),
        ({"beta": np.ones(32)}, f"beta: does not go with defer = true: elements are not multiplied here; {FOLD}"),
        ({"gamma_offset": 1.0}, f"gamma_offset = 1: does not go with defer = true; {FOLD}, with the offset added"),
        ({"storage": "ram"}, "storage = 'ram': does not go with defer = true: there is no gamma here; leave it out"),
        ({"storage": "stream"}, "storage = 'stream': does not go with defer = true: there is no gamma here"),
        ({"banks": 2}, "banks = 2: does not go with defer = true: there is no gamma here; leave it out"),
        ({"gamma_bits": 12}, "gamma_bits = 12: does not go with defer = true: there is no gamma here"),
        ({"gamma_rounding": "output"}, "gamma_rounding = 'output': does not go with defer = true: there is no gamma"),
        (
            {"norm": "groupnorm"},
            "defer = true: norm = 'groupnorm': gamma and beta are of channels, and no matrix is behind that would take "
            "them. Allowed: layernorm, rmsnorm, l2norm, crmsnorm",
        ),
        ({"norm": "instancenorm"}, "norm = 'instancenorm': gamma and beta are of channels, and no matrix is behind"),
        ({"norm": "adanorm"}, "norm = 'adanorm': what it makes of a row is no number times x - mean. Allowed:"),
        ({"norm": "l1norm"}, "norm = 'l1norm': its deviations need the mean first, and so a second pass over the row"),
        ({"norm": "frozen", "deviation": 1.0, "epsilon": None}, "its deviation is a constant, which the matrix behind"),
        (
            {"norm": "layernorm", "output": {"format": "int8", "scale": "row"}},
            'output: scale = "row": does not go with defer = true: x - mean has one for all rows',
        ),
        (
            {"norm": "layernorm", "output": "bf16"},
            "output = bf16: does not go with defer = true, which is for integers",
        ),
        (
            {"norm": "layernorm", "output": {"format": "int8", "scale": 25.0}},
            "in [output]: scale = 25: x - mean would be 0 in every row, since it is at most 12.4; must be less than",
        ),
        (
            {"norm": "layernorm", "output": {"format": "int8", "scale": 1e-11}},
            "in [output]: scale = 1e-11: with defer = true, must be at least 1.16e-11, 2^-32 of the step of what is",
        ),
        ({"norm": "layernorm", "gamma": 1.0}, "gamma: does not go with defer = true: elements are not multiplied"),
        ({"norm": "affine", "epsilon": None}, "norm = 'affine' has no scale of a row that could come later"),
        ({"input": "bf16", "output": "bf16"}, "input = bf16: does not go with defer = true, which is for integers"),
        ({"output": "bf16"}, "output = bf16: does not go with defer = true, which is for integers only"),
        (
            {"output": {"format": "int8", "scale": 0.04}},
            'output: defer = true: rows go through as they are; must be { format = "int8", scale = 0.05 }, the same as '
            "the input",
        ),
        ({"output": {"format": "int8", "scale": "row"}}, "output: defer = true: rows go through as they are; must be"),
        (
            {"residual": {"format": "int8", "scale": 0.04}},
            "output: defer = true: the sums that are normalized go on as they are; must be "
            '{ format = "int12", scale = 0.01 }',
        ),
        ({"architecture": "two-pass"}, "architecture = 'two-pass': defer = true; allowed: deferred"),
        (
            {"architecture": "deferred", "defer": False},
            "architecture = 'deferred': defer = false; allowed: one-pass, two-pass, three-scan, five-scan",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(**keys)
    assert message in str(caught.value)


def test_a_root_that_is_not_exact_enough_is_refused_or_told_of() -> None:
    rough = config(rsqrt={"method": "fast-inverse", "steps": 1})
    with pytest.raises(ConfigError, match=r"scale would be off by up to 2\^-.* of itself; accuracy = \"faithful\" is"):
        Plan.of(rough)
    plan = Plan.of(rough.replace(accuracy="as-is"))
    assert plan.promise == "as-is"
    assert plan.scale_error_bound is not None
    assert 2**-15 < plan.scale_error_bound < 2**-5
    assert Plan.of(config(accuracy="as-is")).promise == "faithful"
    assert Plan.of(config(rsqrt="auto")).scale_error_bound < 2**-15  # type: ignore[operator]


def test_a_file_may_say_it_and_a_unit_without_is_what_it_was(tmp_path) -> None:
    file = tmp_path / "unit.toml"
    text = 'norm = "rmsnorm"\nlanes = 2\nmax_length = 32\nepsilon = 1e-5\ndefer = true\n'
    file.write_text(text + "".join(f'[{key}]\nformat = "int8"\nscale = 0.05\n' for key in ("input", "output")))
    assert NormConfig.from_toml(file) == config()
    assert config(defer=False) == config(defer=None) != config()
    assert (unit := config()).core is unit.behind_front is unit
    assert config(architecture="deferred") == config()


def test_the_accuracy_decides_the_word() -> None:
    for accuracy, name, bits in (("faithful", "m16e8", 16), ("tight", "m24e8", 24)):
        unit = config(accuracy=accuracy)
        (side,) = unit.side_outputs
        assert (side.name, side.per_row, side.number.name, side.number.bits) == ("scale", True, name, bits + 8)
        bound = Plan.of(unit).scale_error_bound
        assert bound is not None
        assert 2.0**-bits < bound < 2.0 ** (1 - bits)


def test_the_plan_tells_of_the_scale() -> None:
    plan = Plan.of(config())
    told = plan.to_dict()["deferred_scale"]
    assert told["latency"] == plan.scale_latency == sum(told["stages"].values())
    assert told["relative_error_bound"] == plan.scale_error_bound
    assert plan.error_bound == plan.error_bound_as_given == plan.expected_error == 0.0
    assert plan.notices == []
    rows = {(row.section, row.name): row.value for row in plan_rows(plan)}
    assert rows["Accuracy", "scale error"].startswith("2^-15.")
    assert rows["Latency", "scale"] == rows["Scale", "all"] == f"{plan.scale_latency} cycles"
    assert ("Unit", "gamma") not in rows
    assert set(manifest(config(), {})["formats"]) == {"input", "output", "scale"}
    assert "deferred_scale" not in Plan.of(config(defer=False)).to_dict()


def test_of_a_norm_with_a_mean_the_output_may_be_any_format_of_integers() -> None:
    unit = config(norm="layernorm", output={"format": "uint10", "scale": 0.03, "zero_point": 512})
    assert unit.centred_rows is not None
    assert (unit.centred_rows.norm, unit.centred_rows.deviation, unit.centred_rows.defer) == ("frozen", 1.0, False)
    assert config().centred_rows is unit.replace(defer=False).centred_rows is None
    plan = Plan.of(unit)
    assert plan.scale_error_bound is not None
    assert plan.scale_error_bound < 2**-15
    assert 0.5 < plan.error_bound < 0.7
    assert plan.error_bound == plan.error_bound_as_given
    told = {(row.section, row.name): (row.value, row.meaning) for row in plan_rows(plan)}
    assert told["Accuracy", "error bound"][0] == f"{plan.error_bound:.4f} LSB"
    assert told["Accuracy", "promise"][1].startswith("x - mean at most 1 LSB off; scales less than 2^-15")
    assert told["Accuracy", "scale error"][1].startswith("proven for every row that has two elements that differ")
    assert plan.to_dict()["deferred_scale"]["latency"] == plan.scale_latency
    rough = unit.replace(rsqrt={"method": "fast-inverse", "steps": 1}, accuracy="as-is")
    assert Plan.of(rough).promise == "as-is"
    assert Plan.of(rough).error_bound > plan.error_bound


def test_words_are_numbers() -> None:
    for bits in (16, 24):
        number = ScaleWord(bits)
        assert ScaleWord.parse(number.name) == number
        assert (number.bytes, number.signed, number.is_float) == (bits // 8 + 1, False, True)
        assert number.dequantize([number.min, number.max]).tolist() == [2.0 ** (bits - 1), (2.0**bits - 1) / 2]
        assert number.quantize([1.0]).tolist() == [1 << (bits - 1) | (257 - bits) << bits]
        assert number.dequantize(number.quantize([0.0, 1e300])).tolist() == [
            2.0 ** (bits - 1 - 128), (2.0**bits - 1) * 2.0**127,
        ]  # fmt: skip
        assert number.saturates([0.0, 1.0, 1e300]).tolist() == [True, False, True]
        assert number.dequantize(number.quantize([2.0 - 2.0**-30])).tolist() == [2.0]
    with pytest.raises(ConfigError, match="format = 'm8e8': must be one of m16e8, m24e8"):
        ScaleWord.parse("m8e8")


@given(st.sampled_from([16, 24]), st.integers(0, (1 << 23) - 1), st.integers(-128, 127))
def test_a_word_is_what_its_number_is_quantized_to(bits: int, fraction: int, exponent: int) -> None:
    number = ScaleWord(bits)
    mantissa = number.min | fraction % number.min
    word = number.words(np.array([mantissa]), np.array([exponent]))
    value = number.dequantize(word)
    assert value.tolist() == [mantissa * 2.0**exponent]
    assert number.quantize(value).tolist() == word.tolist()
    assert [part.tolist() for part in number.parts(word)] == [[mantissa], [exponent]]
