"""What all tests share: how hypothesis draws, and where things are."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# Tools that came with the environment are found without activating it.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

# The same draws every time: what passed for the author passes for the reader. `explore` looks for new ones.
settings.register_profile("repeatable", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("explore", deadline=None, print_blob=True, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def examples(root: Path) -> Path:
    """The folder of example configurations."""
    return root / "examples"


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """A small configuration that is right, for tests of commands."""
    path = tmp_path / "unit.toml"
    path.write_text(
        'norm = "layernorm"\nlanes = 2\nmax_length = 16\nepsilon = 1e-5\n'
        '[input]\nformat = "int8"\nscale = 0.1\n[output]\nformat = "int8"\nscale = 0.05\n'
    )
    return path
