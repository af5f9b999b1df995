"""NormConfig from keywords: every refusal by its exact message, defaults, digests, copies."""

import copy
import dataclasses
import hashlib
import json
import math
import pickle
import re
from typing import Any

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan, plan_rows
from streamnorm.spec.config import NormConfig, key_fields
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.formats.number_format import SCALE_MAX, SCALE_MIN
from streamnorm.spec.norms import NORMS
from streamnorm.spec.targets import TARGET_NAMES

KEYWORDS: dict[str, Any] = {
    "norm": "layernorm",
    "lanes": 2,
    "max_length": 6,
    "input": IntFormat(8, scale=0.05),
    "output": IntFormat(8, scale=0.05),
    "epsilon": 1e-5,
}
GAMMA = np.linspace(0.5, 1.5, 6)
NAMES = ", ".join(NORMS)


def make(**changes: Any) -> NormConfig:
    return NormConfig(**{**KEYWORDS, **changes})


def refusal(**changes: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        make(**changes)
    return str(caught.value)


IDENTIFIER = "must be a Verilog identifier: a letter or _, then letters, digits and _, at most 64 in all"
KEYWORD = "is a keyword of Verilog or SystemVerilog; choose another name"
FORMATS = (
    "must be one of int4 to int24 or uint4 to uint24, or bf16, fp16, fp32, fp8_e5m2, fp8_e4m3fn, float(2, 1) to "
    "float(8, 23)"
)
CELL = "is the name of a cell of a device family; choose another name"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("name", 3, "name = 3: must be a string"),
        ("name", "", f"name = '': {IDENTIFIER}"),
        ("name", "8bit", f"name = '8bit': {IDENTIFIER}"),
        ("name", "bert-int8", f"name = 'bert-int8': {IDENTIFIER}"),
        ("name", "a b", f"name = 'a b': {IDENTIFIER}"),
        ("name", "größe", f"name = 'größe': {IDENTIFIER}"),
        ("name", "name\n", f"name = 'name\\n': {IDENTIFIER}"),
        ("name", "n" * 65, f"name = '{'n' * 65}': {IDENTIFIER}"),
        ("name", "module", f"name = 'module': {KEYWORD}"),
        ("name", "logic", f"name = 'logic': {KEYWORD}"),
        ("name", "Signal", "name = 'Signal': is a keyword of VHDL; choose another name"),
        ("name", "n" * 5000, f"name = '{'n' * 80}…': {IDENTIFIER}"),
        ("norm", "n" * 5000, f"norm = '{'n' * 80}…': must be one of {NAMES}"),
        ("name", "DP16KD", f"name = 'DP16KD': {CELL}"),
        ("name", "SB_MAC16", f"name = 'SB_MAC16': {CELL}"),
        (
            "name",
            "streamnorm_ecp5_block_ram",
            "name = 'streamnorm_ecp5_block_ram': begins with streamnorm_ecp5_, which is kept for the modules "
            "around multipliers and memories",
        ),
        ("norm", "spectral", f"norm = 'spectral': must be one of {NAMES}"),
        ("norm", "rms_norm", f"norm = 'rms_norm': must be one of {NAMES}; did you mean rmsnorm or crmsnorm?"),
        ("norm", True, f"norm = True: must be one of {NAMES}"),
        ("storage", "flash", "storage = 'flash': must be one of rom, ram, stream"),
        ("accuracy", "exact", "accuracy = 'exact': must be one of faithful, tight, as-is"),
        ("lanes", 0, "lanes = 0: must be an integer from 1 to 64"),
        ("lanes", 65, "lanes = 65: must be an integer from 1 to 64"),
        ("lanes", 8.0, "lanes = 8.0: must be an integer from 1 to 64"),
        ("lanes", True, "lanes = True: must be an integer from 1 to 64"),
        ("lanes", "8", "lanes = '8': must be an integer from 1 to 64"),
        ("max_length", 0, "max_length = 0: must be an integer from 1 to 16384"),
        ("max_length", 16385, "max_length = 16385: must be an integer from 1 to 16384"),
        ("min_length", 0, "min_length = 0: must be an integer from 1 to 6 (max_length)"),
        ("min_length", 7, "min_length = 7: must be an integer from 1 to 6 (max_length)"),
        ("banks", 0, "banks = 0: must be an integer from 1 to 4096"),
        ("bank_order", "random", "bank_order = 'random': must be one of given, cyclic, interpolated"),
        ("parameter_repeat", 0, "parameter_repeat = 0: must be an integer from 1 to 16384"),
        ("parameter_repeat", 2.5, "parameter_repeat = 2.5: must be an integer from 1 to 16384"),
        ("banks", 4097, "banks = 4097: must be an integer from 1 to 4096"),
        ("input", "int3", f"in [input]: format = 'int3': {FORMATS}"),
        (
            "input",
            {"format": "int8", "zero": 3},
            "unknown key 'zero' in [input]; the keys are format, scale, zero_point, overflow",
        ),
        ("input", {"scale": 3}, 'missing key in [input]: format, for example format = "int8"'),
        (
            "output",
            None,
            'output = None: must be a format, such as IntFormat("int8", scale=0.05), "int8" or '
            '{"format": "int8", "scale": 0.05}',
        ),
        ("epsilon", -1e-9, "epsilon = -1e-09: must be a finite number of at least 0"),
        ("epsilon", math.nan, "epsilon = nan: must be a finite number of at least 0"),
        ("epsilon", math.inf, "epsilon = inf: must be a finite number of at least 0"),
        ("epsilon", False, "epsilon = False: must be a finite number of at least 0"),
        ("epsilon", "1e-5", "epsilon = '1e-5': must be a finite number of at least 0"),
        ("epsilon", None, "missing key: epsilon"),
        ("margin", -0.01, "margin = -0.01: must be a finite number from 0 to 2"),
        ("margin", 2.5, "margin = 2.5: must be a finite number from 0 to 2"),
        ("gamma_offset", math.nan, "gamma_offset = nan: must be a finite number"),
        ("gamma_bits", 3, "gamma_bits = 3: must be an integer from 4 to 32"),
        ("gamma_bits", 33, "gamma_bits = 33: must be an integer from 4 to 32"),
        ("beta_bits", 37, "beta_bits = 37: must be an integer from 4 to 36"),
        ("beta_bits", 16.0, "beta_bits = 16.0: must be an integer from 4 to 36"),
        ("clock_mhz", 0.5, "clock_mhz = 0.5: must be a finite number from 1 to 1000"),
        ("clock_mhz", 1001, "clock_mhz = 1001: must be a finite number from 1 to 1000"),
        ("clock_mhz", "fast", "clock_mhz = 'fast': must be a finite number from 1 to 1000"),
        ("gamma", math.nan, "gamma = nan: must be a finite number"),
        ("beta", -math.inf, "beta = -inf: must be a finite number"),
        ("gamma", True, "gamma = True: must be a number, an array or the name of a .npy file"),
        ("gamma", 1j, "gamma: has elements of type complex128; floating-point or integer numbers are needed"),
    ],
)
def test_values_that_are_refused(key: str, value: object, message: str) -> None:
    assert refusal(**{key: value}) == message


def test_unknown_target_names_the_nearest() -> None:
    message = refusal(target="ecp5-85k")
    assert message.startswith("target = 'ecp5-85k': must be one of generic, ")
    assert all(name in message for name in TARGET_NAMES)
    assert "; did you mean ecp5-85k-" in message


@pytest.mark.parametrize("target", TARGET_NAMES)
def test_every_target_is_taken(target: str) -> None:
    assert make(target=target).target == target


SHAPES = "must be (6,) or (1, 6), that is (max_length,) or (banks, max_length)"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ones(5), f"gamma: has shape (5,); {SHAPES}"),
        (np.ones(()), f"gamma: has shape (); {SHAPES}"),
        (np.ones((6, 1)), f"gamma: has shape (6, 1); {SHAPES}"),
        (np.ones((2, 6)), f"gamma: has shape (2, 6); {SHAPES}"),
        (np.ones((1, 1, 6)), f"gamma: has shape (1, 1, 6); {SHAPES}"),
        ([], f"gamma: has shape (0,); {SHAPES}"),
        (np.ones(6, bool), "gamma: has elements of type bool; floating-point or integer numbers are needed"),
        (["1"] * 6, "gamma: has elements of type <U1; floating-point or integer numbers are needed"),
        ([None] * 6, "gamma: has elements of type object; floating-point or integer numbers are needed"),
        ([[1, 2], [3]], "gamma: the rows of the array must all have the same length"),
        ([1, 2, 3, math.nan, 5, 6], "gamma: element [3] is nan; every value must be finite"),
        ([[1, 2, 3, 4, -math.inf, 6]], "gamma: element [0, 4] is -inf; every value must be finite"),
    ],
)
def test_arrays_that_are_refused(value: object, message: str) -> None:
    assert refusal(gamma=value) == message
    assert refusal(beta=value) == message.replace("gamma", "beta", 1)


@pytest.mark.parametrize("key", ["input", "output"])
@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_scales_beyond_any_use_are_refused(key: str, scale: float) -> None:
    allowed = "must be a finite number from 1e-18 to 1e+18"
    assert refusal(**{key: {"format": "int8", "scale": scale}}) == f"in [{key}]: scale = {scale!r}: {allowed}"


@pytest.mark.parametrize(("scale", "epsilon"), [(SCALE_MIN, 1e-5), (SCALE_MAX, 1e-5), (SCALE_MAX, 1e70)])
def test_the_outermost_scales_have_a_plan_that_can_be_shown(scale: float, epsilon: float) -> None:
    plan = Plan.of(make(input=IntFormat(8, scale=scale), epsilon=epsilon))
    assert plan_rows(plan)
    assert json.dumps(plan.to_dict(), allow_nan=False)


@pytest.mark.parametrize(("scale", "epsilon"), [(SCALE_MIN, 1e308), (1e-18, 1e36), (0.1, 1e70)])
def test_a_variance_wider_than_any_use_is_refused(scale: float, epsilon: float) -> None:
    config = make(input=IntFormat(8, scale=scale), epsilon=epsilon)
    with pytest.raises(ConfigError) as caught:
        Plan.of(config)
    assert re.fullmatch(
        rf"in \[input\]: scale = {scale:g}, and epsilon = {re.escape(f'{epsilon:g}')}: the variance with epsilon, in "
        r"squared input steps, would take \d+ bits; at most 200 are allowed. "
        "Allowed: a larger input scale or a smaller epsilon",
        str(caught.value),
    )


def test_an_output_scale_that_leaves_nothing_but_zeros_is_refused() -> None:
    """Of 6 elements, one can be √5 deviations away."""
    said = "every result would be 0, since z gamma + beta is at most 2.74; must be less than 5.47"
    assert refusal(gamma=[0, 0, 0, 1, 0, 0], beta=0.5, output=IntFormat(8, scale=5.5)) == (
        f"in [output]: scale = 5.5: {said}"
    )
    assert make(gamma=[0, 0, 0, 1, 0, 0], beta=0.5, output=IntFormat(8, scale=5.4))
    assert make(gamma=0.0, beta=0.0, output=IntFormat(8, scale=5.5))  # 0 on purpose
    loaded = refusal(storage="ram", gamma=0.1, gamma_max=0.1, beta_max=0.1, output=IntFormat(8))
    assert "z gamma_max + beta_max is at most 0.324" in loaded


def test_elements_that_share_a_gamma_have_one_value() -> None:
    shared = make(parameter_repeat=4, gamma=[0.5, 1.5], beta=0.25)
    assert (shared.bank_values, shared.load_lanes) == (2, 1)
    assert make().bank_values == 6
    assert make().load_lanes == 2
    assert refusal(parameter_repeat=4, gamma=GAMMA) == (
        "gamma: has shape (6,); must be (2,) or (1, 2), that is (max_length / parameter_repeat,) or "
        "(banks, max_length / parameter_repeat), rounded up"
    )
    assert refusal(parameter_repeat=3, gamma=GAMMA) == (
        "gamma: has shape (6,); must be (2,) or (1, 2), that is (max_length / parameter_repeat,) or "
        "(banks, max_length / parameter_repeat)"
    )
    # As models have them, channel after channel.
    banked = make(parameter_repeat=3, banks=3, gamma=GAMMA, beta=[1, 2])
    assert banked.gamma.tolist() == GAMMA.reshape(3, 2).tolist()
    assert banked == make(parameter_repeat=3, banks=3, gamma=GAMMA.reshape(3, 2), beta=[1, 2])
    assert make(parameter_repeat=6, banks=6, gamma=GAMMA).gamma.shape == (6, 1)
    # Without repeats that would be a guess.
    assert refusal(banks=2, gamma=np.ones(12)).startswith("gamma: has shape (12,); must be (6,) or (2, 6)")
    # From max_length on, one number serves the row.
    assert make(parameter_repeat=6).bank_values == make(parameter_repeat=16384).bank_values == 1
    assert make(parameter_repeat=100, gamma=[1.5]).bank_values == 1


def test_banks_hold_no_more_values_than_there_may_be() -> None:
    assert make(banks=4096, storage="ram", max_length=64).banks == 4096
    assert refusal(banks=4096, storage="ram", max_length=65) == (
        "banks = 4096: with 65 values of gamma each they hold 266240; must be at most 262144 in all, which is 4032 "
        "banks; or parameter_repeat larger"
    )
    assert refusal(banks=17, storage="ram", max_length=16384).endswith("which is 16 banks; or parameter_repeat larger")
    assert make(banks=4096, storage="ram", max_length=16384, parameter_repeat=256).bank_values == 64


def test_who_names_a_rows_bank() -> None:
    assert make(banks=3, storage="ram").rows_name_banks
    assert not make(banks=3, storage="ram", bank_order="cyclic").rows_name_banks
    assert not make().rows_name_banks


def test_banks_and_arrays_must_agree() -> None:
    assert refusal(banks=3, gamma=np.ones((2, 6))) == (
        "gamma: has shape (2, 6); must be (6,) or (3, 6), that is (max_length,) or (banks, max_length)"
    )
    message = (
        'banks = 3: with storage = "rom", gamma or beta must be an array of shape (3, 6); '
        "every bank would hold the same values"
    )
    assert refusal(banks=3) == message
    assert refusal(banks=3, gamma=np.ones(6), beta=0.5) == message
    # One array for each bank is enough, and run-time loading needs none.
    assert make(banks=3, gamma=np.ones(6), beta=np.ones((3, 6))).banks == 3
    assert make(banks=3, storage="ram").banks == 3


@pytest.mark.parametrize("key", ["gamma_max", "beta_max"])
def test_limits_of_loaded_values(key: str) -> None:
    assert refusal(**{key: 2.0}) == (
        f'{key} = 2.0: only goes with storage = "ram" or "stream"; with "rom" the stored values themselves are the '
        "limit"
    )
    for bad in (0, -1.0, math.nan, math.inf, True, "4"):
        assert refusal(storage="ram", **{key: bad}) == f"{key} = {bad!r}: must be a finite number greater than 0"
    parameter = key.removesuffix("_max")
    assert refusal(storage="ram", **{key: 1.25, parameter: GAMMA}) == (
        f"{key} = 1.25: must be at least 1.5, the largest value already given"
    )


def test_limits_default_to_the_values_given() -> None:
    assert (make().gamma_max, make().beta_max) == (None, None)
    bare = make(storage="ram")
    assert (bare.gamma_max, bare.beta_max) == (4.0, 4.0)
    given = make(storage="ram", gamma=GAMMA, beta=-GAMMA, gamma_offset=1.0)
    assert (given.gamma_max, given.beta_max) == (2.5, 1.5)
    numbers = make(storage="ram", gamma=9.0, beta=0.5)
    assert (numbers.gamma_max, numbers.beta_max) == (9.0, 4.0)
    assert make(storage="ram", beta=np.zeros(6)).beta_max == 4.0


def test_widths_default_to_the_output_format_and_follow_it() -> None:
    config = make()
    assert (config.gamma_bits, config.beta_bits) == (16, 16)
    wide = config.replace(output=IntFormat(20))
    assert (wide.gamma_bits, wide.beta_bits) == (22, 24)
    fixed = make(gamma_bits=12).replace(output=IntFormat(20))
    assert (fixed.gamma_bits, fixed.beta_bits) == (12, 24)


def test_replace_checks_what_it_makes() -> None:
    config = make(gamma=GAMMA)
    assert config.replace(lanes=3).max_beats == 2
    assert config.replace() == config
    with pytest.raises(ConfigError, match=r"^gamma: has shape \(6,\); must be \(7,\) or \(1, 7\)"):
        config.replace(max_length=7)
    assert config.replace(storage="ram").replace(storage="rom", gamma=None).gamma_max is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lane": 3}, "unknown key 'lane'; did you mean lanes?"),
        ({"bogus": 1}, "unknown key 'bogus'; the keys are name, norm, "),
        ({"source": None}, "unknown key 'source'; "),
        ({"input": {1: 2}}, "unknown key 1 in [input]; the keys are format, scale, zero_point, overflow"),
        ({"storage": "ram", "gamma": 1e308, "gamma_offset": 1e308}, "gamma_offset = 1e+308: gamma + gamma_offset must"),
        ({"gamma": [-1e308] * 6, "gamma_offset": -1e308}, "gamma_offset = -1e+308: gamma + gamma_offset must be"),
        ({"lanes": 10**5000}, "lanes = <int>: must be an integer from 1 to 64"),
    ],
)
@pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning")
def test_replace_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make().replace(**changes)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("key", ["epsilon", "gamma", "beta", "gamma_offset"])
def test_both_zeros_are_one_configuration(key: str) -> None:
    assert make(**{key: -0.0}).digest() == make(**{key: 0.0}).digest()
    if key in ("gamma", "beta"):
        assert make(**{key: [-0.0] * 6}).digest() == make(**{key: [0.0] * 6}).digest()


@pytest.mark.parametrize("key", ["gamma", "beta"])
@pytest.mark.parametrize("zeros", [(-0.0, 0.0), ([-0.0] * 6, [0.0] * 6)], ids=["number", "array"])
def test_zeros_of_floats_have_a_sign(key: str, zeros: Any) -> None:
    negative, positive = (make(output="bf16", input="bf16", **{key: zero}) for zero in zeros)
    assert negative != positive
    assert (np.signbit(getattr(negative, key)) & ~np.signbit(getattr(positive, key))).all()
    assert negative.replace(name="another").replace(name=negative.name) == negative
    assert str(negative.to_dict()) != str(positive.to_dict())


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda config: pickle.loads(pickle.dumps(config))])
def test_a_copy_cannot_be_changed_either(copied: Any) -> None:
    config = make(gamma=GAMMA, beta=GAMMA)
    config.digest()
    other = copied(config)
    assert other == config
    for values in (other.gamma, other.beta):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 100.0


def test_max_beats_counts_a_partly_filled_last_beat() -> None:
    assert [make(lanes=lanes).max_beats for lanes in (1, 2, 4, 5, 6, 64)] == [6, 3, 2, 2, 1, 1]


def test_the_configuration_cannot_be_changed() -> None:
    values = GAMMA.copy()
    config = make(gamma=values)
    digest = config.digest()
    values[0] = 100.0
    assert isinstance(config.gamma, np.ndarray)
    assert config.gamma[0] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        config.gamma[0] = 100.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.lanes = 4  # pyright: ignore[reportAttributeAccessIssue]
    assert config.digest() == digest


DIGEST = "dc4acf51401f4c48f2f6af97f4f9646d31485dcb62bdb8e869a015ad8ddab143"


def test_digest_is_over_every_key_and_the_contents_of_arrays() -> None:
    config = make(gamma=GAMMA, storage="ram")
    changes: dict[str, Any] = {
        "name": "other",
        "norm": "rmsnorm",
        "lanes": 3,
        "max_length": 6,
        "min_length": 2,
        "input": IntFormat(8, scale=0.25),
        "output": IntFormat(8, scale=0.05, zero_point=1),
        "epsilon": 0.0,
        "epsilon_placement": "floor",
        "statistic_length": 3,
        "curvature": 0.2,
        "deviation": 1.5,
        "alpha": 0.5,
        "gamma": np.nextafter(GAMMA, 2),
        "beta": 0.5,
        "gamma_offset": 1.0,
        "gamma_rounding": "output",
        "gamma_bits": 17,
        "beta_bits": 17,
        "gamma_max": 8.0,
        "beta_max": 8.0,
        "parameter_format": "bf16",
        "storage": "rom",
        "banks": 2,
        "bank_order": "cyclic",
        "parameter_repeat": 1,
        "accuracy": "tight",
        "rsqrt": "cordic",
        "architecture": "two-pass",
        "algorithm": "q-layernorm-dyadic",
        "residual": {"format": "int8", "scale": 0.5},
        "results": [{"output": {"format": "int16", "scale": 0.001}}],
        "defer": True,
        "target": "ecp5-85k-6",
        "clock_mhz": 99.0,
        "margin": 0.1,
    }
    assert list(changes) == [f.name for f in key_fields()]
    others = {"norm": {"beta": None}, "statistic_length": {"norm": "rmsnorm"}}
    others["curvature"] = {"norm": "adanorm"}
    others["deviation"] = {"norm": "frozen", "epsilon": None}
    others["alpha"] = {"norm": "dyt", "epsilon": None}
    others["algorithm"] = others["results"] = {"storage": "rom"}
    others["algorithm"] = {"storage": "rom"}
    others["defer"] = {"norm": "rmsnorm", "gamma": None, "storage": "rom"}
    others["parameter_format"] = {"output": "bf16"}
    assert config.replace(output="bf16") != config.replace(output="bf16", parameter_format="bf16")
    digests = {key: config.replace(**{key: value, **others.get(key, {})}).digest() for key, value in changes.items()}
    assert digests.pop("max_length") == digests.pop("parameter_repeat") == config.digest()
    assert make(gamma=0.5, storage="ram", parameter_repeat=2) != make(gamma=0.5, storage="ram")
    assert len({config.digest(), *digests.values()}) == len(digests) + 1
    assert config != config.replace(lanes=3)
    assert config == make(gamma=GAMMA.astype(">f8"), storage="ram")
    assert hash(config) == hash(make(gamma=GAMMA.tolist(), storage="ram"))
    assert config != "a configuration"


def test_what_is_left_to_its_default_is_not_in_the_digest() -> None:
    """So a key that comes later changes no digest of what does without it."""
    config = make(storage="ram")
    for key in key_fields():
        value = getattr(config, key.name)
        said = config.replace(**{key.name: value}).digest()
        assert said == config.digest(), key.name
    plain = IntFormat(8, scale=0.5)
    assert make(input=plain) == make(input=IntFormat.parse("int8", scale=0.5, zero_point=0))
    keys = json.dumps({"epsilon": 1e-5, "input": {"format": "int8", "scale": 0.5}, "lanes": 2, "max_length": 5,
                       "norm": "rmsnorm", "output": {"format": "int8"}}, sort_keys=True)  # fmt: skip
    bare = NormConfig(norm="rmsnorm", lanes=2, max_length=5, epsilon=1e-5, input=plain, output=IntFormat(8))
    assert bare.digest() == hashlib.sha256(keys.encode()).hexdigest()


def test_digest_is_the_same_on_every_machine_and_in_every_version() -> None:
    # A change of this value changes the header of every generated file: it belongs in the change log.
    assert make(gamma=GAMMA).digest() == DIGEST


def test_repr_stays_short_with_long_arrays() -> None:
    text = repr(make(max_length=4096, gamma=np.ones(4096)))
    assert text.startswith("<NormConfig streamnorm: layernorm, int8 to int8, rows of up to 4096, 2 lanes, ")
    assert len(text) <= 100


@pytest.mark.parametrize(
    "given",
    [IntFormat("uint8", scale=0.05, zero_point=3), {"format": "uint8", "scale": 0.05, "zero_point": 3}],
    ids=["by its name", "a table"],
)
def test_a_format_may_be_given_as_in_a_file(given: Any) -> None:
    assert make(input=given) == make(input=IntFormat(8, signed=False, scale=0.05, zero_point=3))
    assert make(output="int8") == make(output=IntFormat(8))


def test_a_name_and_a_sign_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^signed = False: int8 is signed$"):
        IntFormat("int8", signed=False)
