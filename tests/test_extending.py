"""docs/extending.md, walked through as its reader would, with a norm that is in no other place."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from streamnorm.spec.norms import NORMS, Norm

UNIT = """
name = "from_a_file"
norm = "sliced1024"
lanes = 2
max_length = 24
epsilon = 1e-5
gamma = 1.5
beta = -0.25
input = { format = "uint8", scale = 0.05, zero_point = 100 }
output = { format = "int16", scale = 0.001 }
"""

CHECK = """
import numpy as np
import sliced_rms
from ladder.checks import STALLS, agree, mixed_rows, traffic_of, within_bound
from streamnorm import NormConfig

config = NormConfig.from_toml("unit.toml")
print("seed 5")
batch = mixed_rows(config, np.random.default_rng(5))
agree(config, traffic_of(batch, source=STALLS[2], sink=STALLS[3], seed=5))
accuracy = within_bound(agree(config, traffic_of(batch, seed=5)))
assert accuracy.max_ulp <= 1
"""
"""Golden model, hardware and exact reference on rows of every length, corners and stalls."""

MODEL = """
import numpy as np
import sliced_rms
from streamnorm import NormConfig
from streamnorm_sim import GoldenModel
from streamnorm_sim.reference.exact import exact_rows

config = NormConfig.from_toml("unit.toml")
x = np.random.default_rng(6).integers(0, 255, (50, 24))
assert abs(GoldenModel(config).normalize(x) - exact_rows(config, x, as_given=True)).max() <= 1
"""


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs/extending.md").read_text("utf-8")


@pytest.fixture
def folder(page: str, tmp_path: Path) -> Path:
    """The reader's folder, with the files of the page in it."""
    norm, use = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert norm.startswith("# sliced_rms.py\n")
    (tmp_path / "sliced_rms.py").write_text(norm)
    (tmp_path / "use.py").write_text(use)
    (tmp_path / "unit.toml").write_text(UNIT)
    return tmp_path


def python(folder: Path, *arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """A Python of its own, so that no other test meets the norm."""
    paths = [str(folder), str(Path(__file__).parent), *sys.path]
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd or folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def succeeds(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commands(page: str) -> list[list[str]]:
    """What the page has its reader type."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [line.split() for block in blocks for line in block.splitlines()]


def test_the_norm_is_in_no_other_place(root: Path) -> None:
    assert "sliced1024" not in NORMS
    for floor in ("hw", "sim", "fpga", "cli"):
        assert not [path for path in (root / floor).rglob("*.py") if "sliced" in path.read_text("utf-8").lower()]


def test_it_is_used_as_the_page_says(folder: Path) -> None:
    succeeds(python(folder, "use.py"))
    text = (folder / "rtl/sliced_unit.v").read_text()
    assert "\nmodule sliced_unit(" in text


def test_golden_model_hardware_and_exact_reference_agree(folder: Path) -> None:
    succeeds(python(folder, "-c", CHECK))


def test_the_file_is_the_command_line(folder: Path, page: str) -> None:
    done = [command[1:] for command in commands(page) if command[:2] == ["python", "sliced_rms.py"]]
    assert {arguments[1] for arguments in done} == {"plan", "simulate"}
    for arguments in done:
        out = succeeds(python(folder, *arguments))
        assert "sliced1024" in out or arguments[1] != "plan"


def test_the_contract_tests_take_it_along(folder: Path, page: str, root: Path) -> None:
    (command,) = [command for command in commands(page) if "pytest" in command]
    assert command[:2] == ["PYTHONPATH=/path/to", "python"]
    out = succeeds(python(folder, *command[2:], "-v", "-p", "no:cacheprovider", cwd=root))
    passed = re.findall(r"::(test_\w+)\[\S*sliced1024\S*\] PASSED", out)
    assert {"test_limits_hold_for_every_row_and_are_reached", "test_it_has_an_exact_reference"} <= set(passed)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("weight_offset = SLICED", "weight_offset = SLICED - 4"),
        ("length = len(row) + SLICED", "length = len(row) + SLICED + 4"),
    ],
    ids=["in the description", "in the formula"],
)
def test_a_mistake_in_either_shows(folder: Path, right: str, wrong: str) -> None:
    succeeds(python(folder, "-c", MODEL))
    text = (folder / "sliced_rms.py").read_text()
    assert right in text
    (folder / "sliced_rms.py").write_text(text.replace(right, wrong))
    done = python(folder, "-c", MODEL)
    assert "AssertionError" in done.stderr


def test_a_second_norm_of_the_name_is_refused(folder: Path) -> None:
    again = "from sliced_rms import *; register_norm(SlicedRmsNorm(), sliced_rms)"
    done = python(folder, "-c", again)
    assert "norm 'sliced1024': there is one of that name; those there are: layernorm, " in done.stderr


def test_every_attribute_of_a_norm_is_explained(page: str) -> None:
    asked = {*Norm.__annotations__, *Norm.__abstractmethods__}
    table = page[page.index("\n## What each attribute means") : page.index("\n## Tests that it gets for nothing")]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == asked
