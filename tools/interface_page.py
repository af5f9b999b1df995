"""The parts of docs/interface.md that are made from the configuration keys themselves."""

from dataclasses import MISSING
from pathlib import Path

from markdown import table
from streamnorm.spec.config import key_fields
from streamnorm.spec.norms import NORMS
from streamnorm.spec.targets import TARGET_NAMES

PAGE = Path(__file__).resolve().parent.parent / "docs/interface.md"


def parts() -> dict[str, str]:
    """Return the generated parts of the page."""
    return {"keys": key_table(), "norms": norm_table(), "targets": target_list()}


def key_table() -> str:
    """Return a Markdown table of every top-level key: what is allowed, its default, what it means."""
    rows = []
    for key in key_fields():
        about = key.metadata
        default = about["default"] or ("required" if key.default is MISSING else _toml(key.default))
        rows.append((f"`{key.name}`", about["allowed"], default, about["meaning"]))
    return table(("key", "allowed", "default", "meaning"), rows)


def norm_table() -> str:
    """Return every norm: what it computes before gamma and beta, and where that comes from."""
    return table(("`norm`", "z", "source"), ((f"`{n.name}`", f"`{n.formula}`", n.source) for n in NORMS.values()))


def target_list() -> str:
    """Return every target as Markdown code, in one line."""
    return ", ".join(f"`{name}`" for name in TARGET_NAMES) + "\n"


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
