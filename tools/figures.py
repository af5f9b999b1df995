"""The project's figures: measured into docs/figures.json, and from there into docs/figures.md and README.md.

    python tools/figures.py measure                          everything; placement takes most of an hour on two cores
    python tools/figures.py measure --only fit-bert_int8     one part anew, the others kept
    python tools/figures.py render                           write the pages
    python tools/figures.py render --check                   exit code 4 if a page is not what render would write

`make figures` does the first and the third. figures_parts.py says what is measured, figures_promises.py what the
figures have to reach; figures_page.py and figures_readme.py write the pages. peers.json in sim/streamnorm_sim/data is
kept by hand.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from figures_page import figures_page
from figures_parts import PARTS
from figures_readme import readme_with
from streamnorm.errors import CheckFailed, ConfigError, StreamnormError
from streamnorm_cli.commands.fit import seed_list

ROOT = Path(__file__).resolve().parent.parent
DOCS = Path("docs")
PEERS = Path("sim/streamnorm_sim/data/peers.json")
PAGE = DOCS / "figures.md"
README = Path("README.md")


def measure(store: Path, names: Sequence[str], seeds: Sequence[int]) -> None:
    """Measure parts and store each as soon as it is there."""
    for index, name in enumerate(names, start=1):
        start = time.monotonic()

        def tell(text: str, head: str = f"[{index}/{len(names)}] {name}", start: float = start) -> None:
            print(f"{head}: {text} ({time.monotonic() - start:.0f} s)", file=sys.stderr, flush=True)

        tell("begins")
        result = PARTS[name](seeds, tell)
        figures = {**(_read(store) if store.exists() else {}), name: result}
        text = json.dumps({part: figures[part] for part in PARTS if part in figures}, indent=1)
        written = store.with_suffix(".new")
        written.write_text(text + "\n", "utf-8")
        written.replace(store)


def render(store: Path) -> dict[Path, str]:
    """Return the text of every page.

    Raises
    ------
    ConfigError
        If a part has not been measured.
    """
    figures = _read(store)
    missing = [part for part in PARTS if part not in figures]
    if missing:
        raise ConfigError(f"{store}: not measured yet: {', '.join(missing)}; run tools/figures.py measure")
    peers = _read(PEERS)
    readme = README.read_text("utf-8")
    return {PAGE: figures_page(figures, peers), README: readme_with(readme, figures, peers)}


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: is not there; run tools/figures.py measure") from error


def _write(pages: dict[Path, str]) -> None:
    for path, text in pages.items():
        path.write_text(text, "utf-8")
        print(path)


def _check(pages: dict[Path, str]) -> None:
    stale = [str(path) for path, text in pages.items() if not path.exists() or path.read_text("utf-8") != text]
    if stale:
        raise CheckFailed(f"{' and '.join(stale)}: not up to date; run tools/figures.py render")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/figures.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--store",
        type=Path,
        default=DOCS / "figures.json",
        metavar="FILE",
        help="where the figures are kept (default: %(default)s)",
    )
    measuring = commands.add_parser("measure", parents=[common], help="measure and store")
    measuring.add_argument(
        "--only",
        action="append",
        choices=list(PARTS),
        metavar="PART",
        help=f"only this part, may be repeated: {', '.join(PARTS)}",
    )
    measuring.add_argument(
        "--seeds", type=seed_list, default=tuple(range(1, 9)), metavar="LIST", help="placements (default: 1-8)"
    )
    rendering = commands.add_parser("render", parents=[common], help="write the pages")
    rendering.add_argument("--check", action="store_true", help="write nothing; exit code 4 if a page differs")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    args = _parser().parse_args(argv)
    store = args.store.absolute()
    os.chdir(ROOT)
    if store.is_relative_to(ROOT):
        store = store.relative_to(ROOT)  # what messages say, whoever runs this and where
    try:
        if args.command == "measure":
            measure(store, args.only or list(PARTS), args.seeds)
        elif args.check:
            _check(render(store))
        else:
            _write(render(store))
    except StreamnormError as error:
        print(f"tools/figures.py: error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("tools/figures.py: error: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
