"""The table of built boards in docs/boards.md: python tools/board_figures.py [EXAMPLE …] (half an hour for all).

Builds each example on its board as ``streamnorm build`` does by default, and fits the unit alone. Each row is written
as soon as it is measured; examples that are not named keep theirs. A test builds the boards again and compares its
row's figures of the board.
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
    "ulx3s_llama_bf16": "ulx3s-85f",
    "orangecrab_llama_bf16": "orangecrab-85f",
    "up5k_bf16_rms": "icebreaker",
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


def row_of(page: str, example: str) -> list[str] | None:
    """The cells of an example's row; None where it was not measured yet."""
    lines = re.findall(rf"^\| {example} \|.*$", page, re.MULTILINE)
    return [cell.strip() for cell in lines[0].strip("|").split("|")] if lines else None


def recorded_tools(page: str) -> dict[str, str]:
    """The tools that the table was made with, and their versions."""
    [made] = re.findall(r"^Made with (.*?)\.$", page, re.MULTILINE | re.DOTALL)
    return dict(tool.split(" ", 1) for tool in " ".join(made.split()).split(", "))


def main(examples: list[str]) -> int:
    """Measure the examples, and write their rows."""
    for example in examples:
        if example not in BUILT:
            sys.exit(f"board_figures: {example!r} is none of {', '.join(BUILT)}")
    for example in examples or BUILT:
        print(f"{example} on {BUILT[example]}", file=sys.stderr, flush=True)
        row, tools = _measured(example, BUILT[example])
        page = PAGE.read_text("utf-8")
        found = [row if name == example else row_of(page, name) for name in BUILT]
        rows = [cells for cells in found if cells is not None]
        versions = ", ".join(f"{name} {version}" for name, version in sorted((recorded_tools(page) | tools).items()))
        PAGE.write_text(with_parts(page, {"built": f"{table(_HEAD, rows)}\nMade with {versions}.\n"}), "utf-8")
    return 0


def _measured(example: str, board: str) -> tuple[list[str], dict[str, str]]:
    """The row of an example, and the versions of the tools."""
    path = ROOT / f"examples/{example}.toml"
    config = NormConfig.from_toml(path)
    with tempfile.TemporaryDirectory() as directory:
        report = _said("build", str(path), "--board", board, "-o", directory)
    alone = _said("fit", str(path))
    formats = f"{config.input.name} → {config.output.name}"
    rows = f"{config.norm}, {formats}, n ≤ {config.max_length}, {config.lanes} lane{'s' * (config.lanes > 1)}"
    reached = ", ".join(f"{mhz:.1f} ({seed})" for seed, mhz in alone["fmax_mhz"]["seeds"].items())
    return [example, f"{board}, {BOARDS[board].part}", rows, *built_cells(report), reached], report["tools"]


def _said(*arguments: str) -> dict[str, Any]:
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        code = streamnorm([*arguments, "--json"])
    if code != 0:
        sys.exit(code)
    return json.loads(text.getvalue())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
