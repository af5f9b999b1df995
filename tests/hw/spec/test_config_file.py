"""NormConfig from TOML: every refusal by its exact message, with the file's name before it."""

import io
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig, key_fields
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.parameter_values import checked_parameter
from streamnorm.spec.parameters import StoredParameters

MINIMAL = """
norm = "layernorm"
lanes = 2
max_length = 6
epsilon = 1e-5
{keys}
[input]
format = "int8"
scale = 0.05
{input}
[output]
format = "uint12"
zero_point = 7
{output}
"""
FORMATS = (
    "must be one of int4 to int24 or uint4 to uint24, or bf16, fp16, fp32, fp8_e5m2, fp8_e4m3fn, float(2, 1) to "
    "float(8, 23)"
)
ALL_KEYS = ", ".join(f.name for f in key_fields())


def write(directory: Path, keys: str = "", *, input: str = "", output: str = "") -> Path:
    path = directory / "unit.toml"
    path.write_text(MINIMAL.format(keys=keys, input=input, output=output), encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        NormConfig.from_toml(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_what_is_refused_later_names_the_file_of_a_unit_within_others_too(tmp_path: Path) -> None:
    path = write(tmp_path, 'storage = "ram"\ngamma_max = 1e300\nresidual = { format = "int8", scale = 0.1 }')
    with pytest.raises(ConfigError) as caught:
        StoredParameters.of(NormConfig.from_toml(path).core)
    assert str(caught.value).startswith(f"{path}: gamma_max = 1e+300 does not fit")


def test_file_and_keywords_give_the_same_configuration(tmp_path: Path) -> None:
    np.save(tmp_path / "gamma.npy", np.arange(6, dtype=np.float32))
    path = write(tmp_path, 'name = "unit"\ngamma = "gamma.npy"\nbeta = 0.5\nclock_mhz = 50\ngamma_bits = 12')
    config = NormConfig.from_toml(path)
    assert config == NormConfig(
        name="unit",
        norm="layernorm",
        lanes=2,
        max_length=6,
        epsilon=1e-5,
        input=IntFormat(8, scale=0.05),
        output=IntFormat(12, signed=False, zero_point=7),
        gamma=np.arange(6.0),
        beta=0.5,
        gamma_bits=12,
        clock_mhz=50.0,
    )
    assert config == NormConfig.from_toml(str(path))
    assert config == config.replace(gamma=tmp_path / "gamma.npy") == config.replace(gamma=str(tmp_path / "gamma.npy"))


def test_array_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    np.save(tmp_path / "gamma.npy", np.ones(6))
    assert isinstance(NormConfig.from_toml(write(tmp_path, 'gamma = "gamma.npy"')).gamma, np.ndarray)
    absolute = NormConfig.from_toml(write(tmp_path, f'gamma = "{tmp_path / "gamma.npy"}"'))
    assert absolute.gamma is not None


def test_arrays_may_be_written_out(tmp_path: Path) -> None:
    config = NormConfig.from_toml(write(tmp_path, "gamma = [1, 2, 3, 4, 5, 6.5]"))
    assert isinstance(config.gamma, np.ndarray)
    assert config.gamma.tolist() == [1, 2, 3, 4, 5, 6.5]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("lane = 8", "unknown key 'lane'; did you mean lanes?"),
        ("gama = 1.0", "unknown key 'gama'; did you mean gamma or gamma_max?"),
        ("eps = 1e-5", "unknown key 'eps'; did you mean epsilon?"),
        ("xyzzy = 1", f"unknown key 'xyzzy'; the keys are {ALL_KEYS}"),
        ("_defaulted = 1", f"unknown key '_defaulted'; the keys are {ALL_KEYS}"),
        ("[outputs]", "unknown key 'outputs'; did you mean output?"),
        ('storage = "ROM"', "storage = 'ROM': must be one of rom, ram, stream"),
        ("min_length = 7", "min_length = 7: must be an integer from 1 to 6 (max_length)"),
        ("beta = true", "beta = True: must be a number, an array or the name of a .npy file"),
        ("beta = nan", "beta = nan: must be a finite number"),
        ("clock_mhz = inf", "clock_mhz = inf: must be a finite number from 1 to 1000"),
        ("gamma = 2024-01-01", "gamma: has elements of type object; floating-point or integer numbers are needed"),
        (
            "gamma = {file = 'x.npy'}",
            "gamma: has elements of type object; floating-point or integer numbers are needed",
        ),
    ],
)
def test_keys_that_are_refused(tmp_path: Path, keys: str, message: str) -> None:
    assert refusal(write(tmp_path, keys)) == message


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("zeropoint = 1", "unknown key 'zeropoint' in [{key}]; did you mean zero_point?"),
        ("bits = 8", "unknown key 'bits' in [{key}]; the keys are format, scale, zero_point, overflow"),
    ],
)
def test_keys_of_the_format_tables_that_are_refused(tmp_path: Path, table: str, message: str) -> None:
    assert refusal(write(tmp_path, input=table)) == message.format(key="input")
    assert refusal(write(tmp_path, output=table)) == message.format(key="output")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "input = 'int8'",
            """input = 'int8': must be a table, for example [input] with format = "int8", scale = 0.05""",
        ),
        ("input = {}", 'missing key in [input]: format, for example format = "int8"'),
        ("input = {scale = 1}", 'missing key in [input]: format, for example format = "int8"'),
        ("input = {format = 'fp64'}", f"in [input]: format = 'fp64': {FORMATS}"),
        ("input = {format = 8}", f"in [input]: format = 8: {FORMATS}"),
        ("input = {format = 'int8', scale = 0}", "in [input]: scale = 0: must be a finite number from 1e-18 to 1e+18"),
        (
            "input = {format = 'int8', scale = false}",
            "in [input]: scale = False: must be a finite number from 1e-18 to 1e+18",
        ),
        (
            "input = {format = 'int8', zero_point = 200}",
            "in [input]: zero_point = 200: must be an integer from -128 to 127 (int8)",
        ),
    ],
)
def test_format_tables_that_are_refused(tmp_path: Path, value: str, message: str) -> None:
    path = tmp_path / "unit.toml"
    path.write_text(
        f"norm = 'rmsnorm'\nlanes = 1\nmax_length = 4\nepsilon = 0\noutput = {{format = 'int8'}}\n{value}\n"
    )
    assert refusal(path) == message


def test_missing_keys_are_named(tmp_path: Path) -> None:
    path = tmp_path / "unit.toml"
    path.write_text("")
    assert refusal(path) == "missing keys: norm, lanes, max_length, input, output, epsilon"
    path.write_text('norm = "rmsnorm"\nlanes = 1\nmax_length = 1\ninput = {}\noutput = {}\n')
    assert refusal(path) == "missing key: epsilon"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent.toml") == "no such file"
    assert refusal(tmp_path) == "is a directory; a TOML file is needed"
    path = tmp_path / "unit.toml"
    path.write_text("lanes 8\n")
    assert refusal(path).startswith("is not TOML: Expected '=' after a key")
    path.write_bytes(b"\xff\x00")
    assert refusal(path) == "is not TOML: byte 0xff in line 1 is not UTF-8; save it as UTF-8"
    path.write_text("lanes = 8\n# für\n", encoding="latin-1")
    assert refusal(path) == "is not TOML: byte 0xfc in line 2 is not UTF-8; save it as UTF-8"
    path.write_text(f"lanes = {'9' * 5000}\n")
    assert refusal(path) == "is not TOML for this purpose: a number of thousands of digits"
    assert refusal(Path("/dev/zero")) == "is longer than 1,048,576 bytes, which no configuration needs"
    for encoding in ("utf-8-sig", "utf-16"):
        path.write_text("lanes = 8\n", encoding=encoding)
        assert refusal(path) == "begins with a byte order mark; save it as UTF-8 without one"
    path.write_text(MINIMAL.format(keys="clock_mhz = 2020-01-02", input="", output=""), encoding="utf-8")
    assert "clock_mhz = '2020-01-02': must be" in refusal(path)
    path.write_text("lanes = 8\nlanes = 9\n")
    assert refusal(path).startswith("is not TOML: Cannot overwrite a value")
    loop = tmp_path / "loop.toml"
    loop.symlink_to(loop)
    assert refusal(loop) == f"cannot be read: {os.strerror(40)}"


class Unpickled:
    """Says so if anybody unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("the array was unpickled",))


def test_array_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert refusal(write(tmp_path, 'gamma = ""')) == 'gamma = "": must be a number, an array or the name of a .npy file'
    file = tmp_path / "gamma.npy"
    path = write(tmp_path, 'gamma = "gamma.npy"')
    assert refusal(path) == f"gamma: {file}: no such file"
    file.mkdir()
    assert refusal(path) == f"gamma: {file}: is a directory; a .npy file is needed"
    file.rmdir()
    begin = f"gamma: {file}: "
    not_npy, cut, archive = "is not a .npy file of numbers", "is cut short", "is an archive, as .npz files are; a .npy "
    huge = npy(np.ones(6)).replace(b"(6,), }".ljust(28), b"(%d, 64), }" % (1 << 62))
    for contents, why in (
        (b"", "is empty; a .npy file is needed"),
        (b"1.0 2.0\n", not_npy),
        (b"\x80\x04N.", not_npy),
        (b"PK\x03\x04", archive),
        *((whole[:size], cut) for whole in (npy(np.ones(6)),) for size in (1, 5, 6, 7, 8, 9, 10, 11, 100)),
        (npy(np.ones(6))[:-1], f"{cut}: it has 175 of 176 bytes"),
        (npy(np.array([Unpickled()], dtype=object)), "holds Python objects, which are not read; numbers are needed"),
        (npy(np.ones(6)).replace(b"\x01\x00v", b"\x09\x01v"), "is a .npy file of version 9.1, of which nothing is"),
        (npy(np.ones((2, 3))).replace(b"(2, 3)", b"(-2,3)"), not_npy),
        (npy(np.ones((2, 3))).replace(b"(2, 3)", b"(2, 'a"), not_npy),
        (huge, f"{cut}: it has {len(huge)} of {len(huge) - 48 + 8 * 64 * (1 << 62)} bytes"),
    ):
        file.write_bytes(contents)
        with warnings.catch_warnings(action="error"):
            assert refusal(path).startswith(begin + why), contents
    np.savez(tmp_path / "gamma.npz", np.ones(6))
    (tmp_path / "gamma.npz").rename(file)
    assert refusal(path).startswith(begin + archive)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def test_array_files_of_the_wrong_kind(tmp_path: Path) -> None:
    file = tmp_path / "gamma.npy"
    path = write(tmp_path, 'gamma = "gamma.npy"')
    np.save(file, np.ones(7))
    assert refusal(path) == (
        f"gamma: {file}: has shape (7,); must be (6,) or (1, 6), that is (max_length,) or (banks, max_length)"
    )
    np.save(file, np.array([0, 1, np.inf, 3, 4, 5], np.float16))
    assert refusal(path) == f"gamma: {file}: element [2] is inf; every value must be finite"
    np.save(file, np.ones(6, bool))
    assert refusal(path) == (f"gamma: {file}: has elements of type bool; floating-point or integer numbers are needed")
    np.save(file, np.arange(6, dtype=np.uint8))
    assert NormConfig.from_toml(path).gamma is not None


EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.toml"))


def test_all_examples_are_there() -> None:
    assert [path.stem for path in EXAMPLES] == [
        "bert_fp16",
        "bert_int16",
        "bert_int8",
        "bert_int8_50mhz",
        "crmsnorm_int8",
        "fp32",
        "fp8_e4m3",
        "gemma_bf16_int8",
        "gemma_rms_int16",
        "hx8k_layernorm",
        "ice40_int8",
        "icebreaker_rms",
        "llama_bf16",
        "llama_rms_int16",
        "minilm_int16",
        "minilm_int16_int8",
        "orangecrab_llama_bf16",
        "orangecrab_minilm",
        "orangecrab_tinyllama",
        "prmsnorm_int8",
        "qwen3_qk_norm",
        "resnet_batchnorm_int8",
        "scalenorm_int8",
        "short_rows",
        "ulx3s_bert_base",
        "ulx3s_llama_bf16",
        "up5k_bf16_rms",
        "vit_dyt_int8",
        "vit_groupnorm_int8",
    ]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_valid_and_named_after_its_file(path: Path) -> None:
    config = NormConfig.from_toml(path)
    assert config.name == path.stem


def test_the_50_mhz_example_differs_only_in_name_and_clock() -> None:
    fast, slow = (NormConfig.from_toml(path) for path in EXAMPLES if path.stem in ("bert_int8", "bert_int8_50mhz"))
    assert fast.replace(name=slow.name, clock_mhz=50) == slow


def test_parameter_files_of_the_examples_are_what_their_script_writes() -> None:
    script = Path(__file__).parents[3] / "examples" / "data" / "make_parameters.py"
    result = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (None, "path = None: must be the name of a configuration file"),
        (3, "path = 3: must be the name of a configuration file"),
        ("\0", "'\\x00': is no name of a file"),
        ("a" * 5000, f"{'a' * 300}…: File name too long"),
        ("a" * 200, f"{'a' * 200}: no such file"),
    ],
    ids=["none", "number", "NUL", "too long", "long"],
)
def test_what_is_no_name_of_a_file(path: Any, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        NormConfig.from_toml(path)
    assert str(error.value) == message


def test_long_names_of_parameter_files_are_shortened() -> None:
    with pytest.raises(ConfigError) as error:
        checked_parameter("gamma", "g" * 5000, 4, 1)
    assert str(error.value) == f"gamma: {'g' * 300}…: File name too long"
