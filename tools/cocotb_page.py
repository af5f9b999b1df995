"""The parts of docs/cocotb.md that are files of examples/cocotb/, which tests run as they are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/cocotb.md"

_LANGUAGES = {"test_norm.py": "python", "run.py": "python", "Makefile": "make", "unit.toml": "toml"}


def parts() -> dict[str, str]:
    """Return the generated parts of the page: each file as a block of code."""
    return {
        name: f"```{language}\n{(ROOT / 'examples/cocotb' / name).read_text('utf-8')}```\n"
        for name, language in _LANGUAGES.items()
    }
