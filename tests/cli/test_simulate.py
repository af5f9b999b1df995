"""``streamnorm simulate``: its report, its files, and each of its errors."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import streamnorm_sim.check.simulate as simulation
from streamnorm import IntFormat, NormConfig
from streamnorm_cli import command_line as cli
from streamnorm_sim.check.compare import Comparison
from streamnorm_sim.engines import DEFAULT_ENGINE, ENGINES
from streamnorm_sim.reference.golden import GoldenModel

REPORT_KEYS = {
    "rows", "mismatches", "max_ulp", "mean_ulp", "measured", "planned", "cycles", "cycles_per_second"
}  # fmt: skip


def simulate(*arguments: object) -> int:
    return cli.main(["simulate", *(str(argument) for argument in arguments)])


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    return lines[0].removeprefix("streamnorm: error: ")


def test_the_engines_are_those_of_the_simulation():
    assert tuple(ENGINES) == cli.simulate.ENGINES
    assert cli.simulate.ENGINES[0] == DEFAULT_ENGINE


def test_the_report_is_for_people(config_file, capsys):
    assert simulate(config_file, "--rows", 5) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    for words in ("mismatches", "max error", "measured", "planned", "first beat in to first beat out"):
        assert words in captured.out


def test_json_is_the_report_and_nothing_else(config_file, capsys):
    assert simulate(config_file, "--rows", 5, "--stall", "source:0.5,sink:0.3", "--seed", 7, "--json") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    report = json.loads(captured.out)
    assert report.keys() >= REPORT_KEYS
    assert (report["rows"], report["mismatches"], report["seed"]) == (5, 0, 7)
    assert report["measured"] == report["planned"]
    assert report["max_ulp"] <= 1


def test_the_report_names_another_architecture(config_file, capsys):
    assert simulate(config_file, "--rows", 5, "--architecture", "three-scan", "--engine", "pysim") == 0
    assert "streamnorm, three-scan on pysim, seed 0" in capsys.readouterr().out
    config_file.write_text(config_file.read_text().replace("layernorm", "rmsnorm"))
    assert simulate(config_file, "--rows", 5, "--architecture", "two-pass", "--engine", "pysim") == 0
    assert "streamnorm, two-pass = one-pass on pysim, seed 0" in capsys.readouterr().out


def test_quiet_prints_nothing(config_file, capsys):
    assert simulate(config_file, "--rows", 5, "-q") == 0
    assert capsys.readouterr() == ("", "")


def test_floats_are_quantized_and_rows_written(config_file, tmp_path, capsys):
    rows = np.random.default_rng(1).normal(0, 3, (4, 16))
    np.save(tmp_path / "x.npy", rows)
    files = ["--input", tmp_path / "x.npy", "--output", tmp_path / "y.out", "--waves", tmp_path / "w.vcd"]
    assert simulate(config_file, "--engine", "pysim", *files, "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 4
    config = NormConfig.from_toml(config_file)
    expected = GoldenModel(config).normalize(IntFormat(8, scale=0.1).quantize(rows))
    np.testing.assert_array_equal(np.load(tmp_path / "y.out"), expected)
    assert "$enddefinitions" in (tmp_path / "w.vcd").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "vcs"], "argument --engine: invalid choice: 'vcs'"),
        (["--architecture", "six-scan"], "architecture = 'six-scan': must be one of one-pass, two-pass, three-scan"),
        (["--rows", "0"], "argument --rows: '0' is not a whole number from 1 to 1000000000"),
        (["--seed", "-1"], "argument --seed: '-1' is not a whole number from 0 to 9223372036854775807"),
        (["--rows", "3", "--input", "x.npy"], "not allowed with argument"),
    ],
)
def test_usage_error(arguments, message, config_file, capsys):
    assert simulate(config_file, *arguments) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("stall", ["often", "1.5", "burst:8", "source:0.5,source:0.5", "middle:0.5"])
def test_a_stall_that_is_none(stall, config_file, capsys):
    assert simulate(config_file, "--stall", stall) == 2
    assert error_line(capsys).startswith("stall ")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 17), np.int64), "rows have 17 elements: must have at most max_length = 16"),
        (np.zeros(16, np.int64), "rows are an array of int64 of shape (16,): must be "),
        (np.zeros((0, 16), np.int64), "there are no rows"),
        (np.full((1, 16), 128), "row 0 element 0 is 128: must be from -128 to 127 (int8)"),
        (np.array([["a"]]), "rows are an array of <U1 of shape (1, 1): must be "),
        (np.full((1, 16), np.nan), ""),
    ],
)
def test_rows_that_do_not_fit(array, message, config_file, tmp_path, capsys):
    path = tmp_path / "x.npy"
    np.save(path, array)
    assert simulate(config_file, "--input", path) == 2
    assert error_line(capsys).startswith(f"{path}: {message}")


def test_an_input_that_is_no_array(config_file, tmp_path, capsys):
    assert simulate(config_file, "--input", tmp_path / "x.npy") == 2
    assert error_line(capsys) == f"{tmp_path / 'x.npy'}: no such file"
    assert simulate(config_file, "--input", config_file) == 2
    assert error_line(capsys) == f"{config_file}: is not a .npy file of numbers"


@pytest.mark.parametrize("option", ["--output", "--waves"])
def test_a_file_that_cannot_be_written_is_refused_before_the_run(option, config_file, tmp_path, capsys):
    assert simulate(config_file, option, tmp_path) == 2
    assert error_line(capsys) == f"{tmp_path}: cannot be written: is a directory"
    path = tmp_path / "missing" / "file"
    assert simulate(config_file, option, path) == 2
    assert error_line(capsys) == f"{path}: cannot be written: there is no directory {path.parent}"


@pytest.mark.parametrize("mode", [[], ["--json"]])
def test_a_mismatch_fails_after_the_report(mode, config_file, monkeypatch, capsys):
    first = "row 3 lane 1: got 4, want 5 in beat 0 (seed 0)"
    monkeypatch.setattr(simulation, "compare", lambda trace, **_: Comparison(12, first))
    assert simulate(config_file, "--rows", 5, *mode) == 4
    captured = capsys.readouterr()
    assert "12" in captured.out
    assert captured.err == f"streamnorm: error: 12 elements differ from the golden model: {first}\n"


def test_cycles_that_are_not_planned_fail(config_file, monkeypatch, capsys):
    measured = simulation.Measured(L1=1, L2=2, L3=3, SS=9.5)
    monkeypatch.setattr(simulation, "measure_cycles", lambda config, **options: measured)
    assert simulate(config_file, "--rows", 5, "-q") == 4
    assert "; SS is 9.5 cycles; the plan says 8" in error_line(capsys)


def test_a_missing_package_names_the_extra(config_file, monkeypatch, capsys):
    def run(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'cocotb'", name="cocotb")

    monkeypatch.setattr(simulation, "run", run)
    assert simulate(config_file) == 3
    assert error_line(capsys) == ("cocotb is not installed: pip install 'streamnorm[sim]'")


def test_a_missing_module_of_ours_is_a_bug(config_file, monkeypatch, capsys):
    def run(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'streamnorm.lost'", name="streamnorm.lost")

    monkeypatch.setattr(simulation, "run", run)
    assert simulate(config_file) == 1
    assert error_line(capsys).startswith("this is a bug in streamnorm: ModuleNotFoundError")


def test_a_terminal_sees_progress(config_file, monkeypatch, capsys):
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True)
    monkeypatch.setattr(cli.simulate, "progress_console", lambda: terminal)
    assert simulate(config_file, "--rows", 5, "--json") == 0
    assert "measuring cycles" in screen.getvalue()
    json.loads(capsys.readouterr().out)


def test_output_keeps_its_name(config_file, tmp_path):
    assert simulate(config_file, "--rows", 2, "-q", "--output", tmp_path / "y.npy") == 0
    assert np.load(tmp_path / "y.npy").dtype == np.int8
    assert {path.name for path in Path(tmp_path).iterdir()} == {"unit.toml", "y.npy"}


def test_streams_beside_come_from_files_and_go_to_files(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    unit = 'norm = "layernorm"\nlanes = 2\nmax_length = 8\nepsilon = 1e-5\ninput = { format = "int8", scale = 0.05 }\n'
    (tmp_path / "unit.toml").write_text(
        f'{unit}output = {{ format = "int8", scale = "row" }}\nstorage = "stream"\n'
        '[residual]\nformat = "int8"\nscale = 0.05\nemit_sum = true\n'
    )
    rng = np.random.default_rng(1)
    for name in ("x", "residual", "gamma", "beta"):
        np.save(f"{name}.npy", rng.normal(0, 1, (5, 8)))
    given = [word for name in ("residual", "gamma", "beta") for word in (f"--{name}", f"{name}.npy")]
    files = ["--output", "y.npy", "--sum", "sum.npy", "--scale", "scale.npy"]
    assert cli.main(["simulate", "unit.toml", "--input", "x.npy", *given, *files]) == 0, capsys.readouterr().err
    x, f, total = (np.load(f"{name}.npy") for name in ("x", "residual", "sum"))
    assert np.abs(total * 0.05 - (x + f))[np.abs(x + f) < 6].max() < 0.08
    scales = np.load("scale.npy").astype(np.uint32).view(np.float32)
    assert scales.shape == (5, 1)
    assert np.abs(np.load("y.npy")).max(axis=1).tolist() == [127] * 5
    capsys.readouterr()
    for words, message in (
        (["--input", "x.npy", *given[:4]], "--input: the unit takes beta, too; --beta names the file of its rows"),
        (given[:2], "--residual: goes with --input; random rows come with all that they need"),
    ):
        assert cli.main(["simulate", "unit.toml", *words]) == 2
        assert message in capsys.readouterr().err


def test_a_number_for_each_row_comes_from_a_file(tmp_path, monkeypatch, capsys):
    """At 0 the row is that of bank 0, at 1 that of bank 1, and half way between them at 1/2."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "unit.toml").write_text(
        'norm = "layernorm"\nlanes = 2\nmax_length = 8\nepsilon = 1e-5\nbanks = 2\nbank_order = "interpolated"\n'
        'gamma = "gamma.npy"\ninput = { format = "int8", scale = 0.05 }\noutput = { format = "int16", scale = 1e-3 }\n'
    )
    rng = np.random.default_rng(1)
    np.save("gamma.npy", np.array([[1.0] * 8, [3.0] * 8]))
    np.save("x.npy", rng.normal(0, 1, (1, 8)).repeat(3, axis=0))
    np.save("t.npy", np.array([0.0, 0.5, 1.0]))
    files = ["--input", "x.npy", "--blend", "t.npy", "--output", "y.npy"]
    assert cli.main(["simulate", "unit.toml", *files]) == 0, capsys.readouterr().err
    first, half, second = np.load("y.npy").astype(int)
    assert np.abs(first).max() > 1000
    assert np.abs(2 * first - half).max() <= 2
    assert np.abs(3 * first - second).max() <= 2
    np.save("t.npy", np.ones(2))
    assert cli.main(["simulate", "unit.toml", *files]) == 2
    assert "blend: shape (2, 1): must be (3, 1), one element of each row" in capsys.readouterr().err


def test_a_scale_of_each_row_comes_from_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    unit = 'norm = "rmsnorm"\nlanes = 2\nmax_length = 8\nepsilon = 1e-5\ninput = { format = "int8", scale = "row" }\n'
    (tmp_path / "unit.toml").write_text(f'{unit}output = {{ format = "int8", scale = 0.05 }}\n')
    x = np.random.default_rng(1).normal(0, 1, (5, 8)) * [[1e-5], [1e-3], [1.0], [1e6], [1.0]]
    scales = np.abs(x).max(axis=1) / 127
    scales[4] = np.nan
    np.save("x.npy", x)
    np.save("s.npy", scales)
    given = ["--input", "x.npy", "--input-scale", "s.npy", "--output", "y.npy"]
    assert cli.main(["simulate", "unit.toml", *given]) == 0, capsys.readouterr().err
    x[4] = 0
    z = x / np.sqrt((x * x).mean(axis=1, keepdims=True) + 1e-5)
    assert np.abs(np.load("y.npy") * 0.05 - z).max() < 0.05
    capsys.readouterr()
    for words, message in (
        (given[:2], "--input: the unit takes input_scale, too; --input-scale names the file of its rows"),
        (given[2:4], "--input-scale: goes with --input; random rows come with all that they need"),
        (["--input", "x.npy", "--input-scale", "x.npy"], "input_scale: shape (5, 8): must be (5, 1)"),
    ):
        assert cli.main(["simulate", "unit.toml", *words]) == 2
        assert message in capsys.readouterr().err


def test_further_results_go_to_files_by_their_names(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "unit.toml").write_text(
        'norm = "layernorm"\nlanes = 2\nmax_length = 8\nepsilon = 1e-5\ninput = { format = "int8", scale = 0.05 }\n'
        'output = { format = "int8", scale = 0.04 }\n[[results]]\noutput = { format = "int16", scale = 0.001 }\n'
        "gamma = 2.0\n"
    )
    rows = np.random.default_rng(1).normal(0, 1, (5, 8))
    np.save("x.npy", rows)
    words = ["simulate", "unit.toml", "--input", "x.npy"]
    assert cli.main([*words, "--output", "y.npy", "--result", "second=z.npy", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["failures"] == []
    assert 0.4 < told["beside"]["second"]["max_ulp"] < 1
    y, z = np.load("y.npy") * 0.04, np.load("z.npy") * 0.001
    assert np.abs(z - 2 * y).max() < 0.05
    for option, message in (
        (["third=z.npy"], "--result 'third': the unit has no further result of that name; it has second"),
        (["z.npy"], "argument --result: 'z.npy' must be NAME=FILE, such as second=y.npy"),
        (["second=z.npy", "--result", "second=w.npy"], "--result second: is there twice"),
        (["second=x.npy"], "--result second: "),
    ):
        assert cli.main([*words, "--result", *option]) == 2
        assert message in capsys.readouterr().err
