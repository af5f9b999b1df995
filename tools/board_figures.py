"""The table of built boards in docs/boards.md: python tools/board_figures.py (some ten minutes).

Builds each example on its board as ``streamnorm build`` does by default, and fits the unit alone. A test builds the
boards again and compares its row's figures of the board.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from markdown import table, with_parts
from streamnorm.spec.config import NormConfig
from streamnorm_cli import main as streamnorm
from streamnorm_fpga.boards import BOARDS

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/boards.md"
BUILT = {
    "ulx3s_bert_base": "ulx3s-85f",
    "orangecrab_minilm": "orangecrab-25f",
    "icebreaker_rms": "icebreaker",
    "hx8k_layernorm": "hx8k-b-evn",
}
"""Examples, and the boards they are for."""

_HEAD = (
    *("example", "board", "rows", "clock, MHz", "reached, MHz (seed)"),
    *("LUTs", "flip-flops", "multipliers", "block RAMs", "unit alone, MHz (seeds)"),
)


def built_cells(report: dict[str, Any]) -> list[str]:
    """What a row tells of a build, from the JSON that the command prints."""
    used, available, clock = report["used"], report["available"], report["clock"]
    asked = "" if clock["asked_mhz"] == clock["mhz"] else f" for {clock['asked_mhz']:g}"
    return [
        f"{clock['mhz']:g}{asked}",
        f"{report['fmax_mhz']:.1f} ({report['seed']})",
        *(f"{used[kind]} of {available[kind]}" for kind in ("comb", "ff", "dsp", "bram")),
    ]


def row_of(page: str, example: str) -> list[str]:
    """The cells of an example's row."""
    [line] = re.findall(rf"^\| {example} \|.*$", page, re.MULTILINE)
    return [cell.strip() for cell in line.strip("|").split("|")]


def recorded_tools(page: str) -> dict[str, str]:
    """The tools that the table was made with, and their versions."""
    return dict(re.findall(r"([\w-]+) ([\d.]+\d)", " ".join(re.findall(r"^Made with (.*)$", page, re.MULTILINE))))


def main() -> int:
    """Measure all, and write the table."""
    built: list[list[str]] = []
    tools: dict[str, str] = {}
    for example, board in BUILT.items():
        print(f"{example} on {board}", file=sys.stderr, flush=True)
        path = ROOT / f"examples/{example}.toml"
        config = NormConfig.from_toml(path)
        with tempfile.TemporaryDirectory() as directory:
            report = _said("build", str(path), "--board", board, "-o", directory)
        alone = _said("fit", str(path))
        tools |= report["tools"]
        formats = f"{config.input.name} → {config.output.name}"
        rows = f"{config.norm}, {formats}, n ≤ {config.max_length}, {config.lanes} lane{'s' * (config.lanes > 1)}"
        reached = ", ".join(f"{mhz:.1f} ({seed})" for seed, mhz in alone["fmax_mhz"]["seeds"].items())
        built.append([example, f"{board}, {BOARDS[board].part}", rows, *built_cells(report), reached])
    versions = ", ".join(f"{name} {version}" for name, version in sorted(tools.items()))
    parts = {"built": f"{table(_HEAD, built)}\nMade with {versions}.\n"}
    PAGE.write_text(with_parts(PAGE.read_text("utf-8"), parts), "utf-8")
    return 0


def _said(*arguments: str) -> dict[str, Any]:
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        code = streamnorm([*arguments, "--json"])
    if code != 0:
        sys.exit(code)
    return json.loads(text.getvalue())


if __name__ == "__main__":
    sys.exit(main())
