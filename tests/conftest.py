"""What all tests share: how they compile and draw, in which order they run, and where things are."""

import gc
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# Tools that came with the environment are found without activating it.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

# pytest-xdist tells its processes the width of a terminal, which is not that of tables in tests.
os.environ.pop("COLUMNS", None)

# Tests compile many units and run each for some thousand cycles. So g++ optimizes little, and does not inline what
# CXXRTL marks always_inline, which is most of it: a third less to compile.
os.environ.setdefault("CXXFLAGS", "-O1 -U__has_attribute")

# The same draws every time: what passed for the author passes for the reader. `explore` looks for new ones.
settings.register_profile("repeatable", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("explore", deadline=None, print_blob=True, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is marked ``early`` comes first; on the ladder, all tests of a unit follow each other.

    So no process ends alone with a placement of minutes, and what has been planned and compiled is still at hand.
    """
    rungs = [place for place, item in enumerate(items) if "ladder" in item.path.parts]
    by_unit = sorted((items[place] for place in rungs), key=_program_of) if rungs else []
    for place, item in zip(rungs, by_unit, strict=True):
        items[place] = item
    items.sort(key=lambda item: item.get_closest_marker("early") is None)


def pytest_collection_finish() -> None:
    """Python need not look for garbage among thousands of tests again and again."""
    gc.freeze()


def _program_of(item: pytest.Item) -> tuple[int, str]:
    from ladder.together import program_numbers  # not before a test of the ladder is there

    callspec = getattr(item, "callspec", None)
    params = callspec.params if callspec else {}
    unit = str(params.get("name", params.get("unit", "")))
    return program_numbers().get(unit, -1), unit


@pytest.fixture
def unoptimized(monkeypatch: pytest.MonkeyPatch) -> None:
    """For netlists: of thousands of gates in one function, g++ would make minutes of work.

    And for units that are run for a moment only, several in a program: so they share what CXXRTL is made of.
    """
    monkeypatch.setenv("CXXFLAGS", "-O0 -U__has_attribute")


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


@pytest.fixture(scope="session")
def board_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unit of virtual boards, which is compiled once for all their tests.

    Its elements do not fill their bytes and its beats are partly filled; it has two banks and a board's primitives.
    """
    gamma = [[round(-1 + 0.03 * (31 * bank + place), 2) for place in range(31)] for bank in range(2)]
    path = tmp_path_factory.mktemp("board") / "virtual_unit.toml"
    path.write_text(
        'name = "virtual_unit"\nnorm = "layernorm"\nlanes = 2\nmax_length = 31\nepsilon = 1e-5\nbanks = 2\n'
        f'target = "ecp5-25k-6"\nclock_mhz = 50.0\ngamma = {gamma}\n'
        '[input]\nformat = "int8"\nscale = 0.1\n[output]\nformat = "int10"\nscale = 0.01\n'
    )
    return path
