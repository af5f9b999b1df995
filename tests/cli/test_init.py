"""`streamnorm init`: what it writes suits every other command, and overwrites nothing."""

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from streamnorm import NormConfig, Plan
from streamnorm.spec.config import key_fields
from streamnorm.spec.norms import NORMS
from streamnorm_cli import command_line as cli
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.check.row_files import read_rows
from streamnorm_sim.reference.exact import exact_rows
from streamnorm_sim.reference.golden import GoldenModel

FORMATS = ("int4", "uint8", "int8", "int16", "uint24")
FLOATS = ("bf16", "fp16", "fp8_e4m3fn", "float(5, 6)")
FILES = ["unit.toml", "gamma.npy", "beta.npy", "rows.npy"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_tells_what_it_wrote_and_what_comes_next(here, capsys):
    assert cli.main(["init"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[: len(FILES)] == [f"layernorm_int8/{name}" for name in FILES]
    assert lines[len(FILES) : len(FILES) + 3] == ["", "next:", "  cd layernorm_int8"]
    commands = [line.strip() for line in lines[len(FILES) + 3 :]]
    assert {line.split()[1] for line in commands} == {"plan", "simulate", "generate", "cycles"}
    for line in commands:
        cli.parser().parse_args(line.split()[1:])
    assert sorted(path.name for path in (here / "layernorm_int8").iterdir()) == sorted(FILES)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("number_format", FORMATS)
def test_any_norm_and_format(norm, number_format, here, capsys):
    assert cli.main(["init", norm, number_format, "-o", "mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"directory": "mine", "files": FILES}
    config = NormConfig.from_toml("mine/unit.toml")
    assert (config.name, config.norm) == (f"{norm}_{number_format}", norm)
    assert config.input.name == config.output.name == number_format
    assert Plan.of(config).error_bound <= 1
    # Sensible: rows use the range and are not cut off, results neither.
    real, rows = np.load("mine/rows.npy"), read_rows(config, "mine/rows.npy")
    assert abs(real).max() < 8
    assert np.abs(config.input.dequantize(rows) - real).max() <= config.input.scale / 2
    y = GoldenModel(config).normalize(rows)
    exact = exact_rows(config, rows)
    assert np.abs(y - exact).max() <= 1
    assert np.mean((y == config.output.min) | (y == config.output.max)) < 0.01
    assert np.unique(y).size >= min(10, 1 << config.output.bits)


@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm", "l2norm", "adanorm", "instancenorm"])
@pytest.mark.parametrize("number_format", FLOATS)
def test_floating_point(norm, number_format, here):
    assert cli.main(["init", norm, number_format, "-q"]) == 0
    [folder] = here.iterdir()
    assert folder.name.isidentifier()
    config = NormConfig.from_toml(folder / "unit.toml")
    assert (config.name, config.norm) == (folder.name, norm)
    assert config.input.name == config.output.name == number_format
    # As models have them: no wider than the results need.
    assert config.parameter_format.precision <= max(config.output.precision, 8)
    assert Plan.of(config).error_bound <= 1
    real, rows = np.load(folder / "rows.npy"), read_rows(config, folder / "rows.npy")
    assert np.isfinite(config.input.dequantize(rows)).all()
    np.testing.assert_allclose(config.input.dequantize(rows), real, rtol=2.0**-config.input.precision, atol=2.0**-9)
    accuracy = Accuracy.of(config, GoldenModel(config).normalize(rows), rows)
    assert accuracy.max_ulp <= 1
    assert accuracy.saturated == 0


def test_the_same_every_time(here):
    assert cli.main(["init", "-q", "-o", "a"]) == cli.main(["init", "-q", "-o", "b"]) == 0
    for name in FILES:
        assert (here / "a" / name).read_bytes() == (here / "b" / name).read_bytes()


@pytest.mark.parametrize("number_format", ["int8", "bf16"])
def test_every_key_is_explained(number_format, here):
    assert cli.main(["init", "layernorm", number_format, "-q", "-o", "mine"]) == 0
    text = (here / "mine/unit.toml").read_text()
    lines = text.splitlines()
    assert max(map(len, lines)) <= 120
    for index, line in enumerate(lines):
        if " = " in line and not line.startswith("# "):
            assert lines[index - 1].startswith("# "), line
    for key in key_fields():
        assert re.search(rf"^(# )?(\[{key.name}\]|{key.name} = |{key.name}: )", text, re.MULTILINE), key.name
    # Keys that are commented out are as they are without: nothing changes with them.
    spoken = re.sub(r"^# (\w+ = [^;]+)$", r"\1", text, flags=re.MULTILINE)
    assert len(tomllib.loads(spoken)) > len(tomllib.loads(text))
    (here / "mine/all.toml").write_text(spoken)
    first, second = (NormConfig.from_toml(here / f"mine/{name}.toml") for name in ("unit", "all"))
    assert first == second


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_overwritten(name, here, capsys):
    (here / "mine").mkdir()
    (here / "mine" / name).write_text("mine")
    assert cli.main(["init", "-o", "mine"]) == 2
    message = f"streamnorm: error: mine/{name}: is there already; choose another folder with -o\n"
    assert capsys.readouterr() == ("", message)
    assert [path.name for path in (here / "mine").iterdir()] == [name]
    assert (here / "mine" / name).read_text() == "mine"


def test_nothing_is_left_where_there_is_no_room(here, monkeypatch, capsys):
    def full(path, content):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert cli.main(["init", "-o", "a/b"]) == 2
    message = "streamnorm: error: a/b/unit.toml: cannot be written: No space left on device\n"
    assert (capsys.readouterr(), list(here.iterdir())) == (("", message), [])
    assert cli.main(["init", "-q", "-o", "a/b"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["batchnorm"], f"norm = 'batchnorm': must be one of {', '.join(NORMS)}"),
        (["int16"], "int16 is a format, and comes second: streamnorm init layernorm int16\n"),
        (["int16", "rmsnorm"], "int16 is a format, and comes second: streamnorm init rmsnorm int16\n"),
        (["layernorm", "float16"], "format = 'float16': must be one of int4 to int24 or uint4 to uint24"),
        (["layernorm", "../int8"], "format = '../int8': must be one of int4 to int24 or uint4 to uint24"),
        (["-o", "link"], "link: is a link to "),
        (["-o", "file"], "file: is a file; a directory is needed"),
    ],
)
def test_what_cannot_be(arguments, message, here, capsys):
    (here / "file").write_text("")
    (here / "link").symlink_to("nothing")
    assert cli.main(["init", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"streamnorm: error: {message}")
    assert sorted(path.name for path in here.iterdir()) == ["file", "link"]
