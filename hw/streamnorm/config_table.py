"""The parts of ``docs/interface.md`` that are made from the configuration keys themselves.

``python -m streamnorm.config_table docs/interface.md`` brings them up to date.
"""

import sys
from collections.abc import Iterable
from dataclasses import MISSING
from pathlib import Path

from .config import key_fields
from .marked_page import with_parts
from .target import TARGET_NAMES

__all__ = ["key_table", "refreshed", "target_list"]


def key_table() -> str:
    """Return a Markdown table of every top-level key: what is allowed, its default, what it means."""
    rows = []
    for key in key_fields():
        about = key.metadata
        default = about["default"] or ("required" if key.default is MISSING else _toml(key.default))
        rows.append((f"`{key.name}`", about["allowed"], default, about["meaning"]))
    return _markdown(("key", "allowed", "default", "meaning"), rows)


def target_list() -> str:
    """Return every target as Markdown code, in one line."""
    return ", ".join(f"`{name}`" for name in TARGET_NAMES) + "\n"


def refreshed(text: str) -> str:
    """Return a Markdown page with what is between its ``<!-- generated: … -->`` marks made anew."""
    return with_parts(text, {"keys": key_table(), "targets": target_list()})


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(refreshed(page.read_text("utf-8")), "utf-8")
