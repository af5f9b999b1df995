"""Write every generated part of README.md, docs/ and packaged data, and the pictures.

    python tools/pages.py            write what has changed; half a minute
    python tools/pages.py --check    write nothing; exit code 4 if a page is not what would be written

`make docs` does the first. Each page has a module of its own, with the page's path as ``PAGE`` and a function from
nothing to the page's parts, see `markdown.with_parts`.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import architecture_page
import cocotb_page
import cycles_page
import figures_page
import float_truth_page
import float_units
import fused_units
import interface_page
import norms_page
import norms_timeline
import placed_page
import placed_units
import published_page
import readme_page
import rsqrt_page
import unit_picture
import workload_page
from figures import ROOT
from markdown import with_parts
from streamnorm.errors import CheckFailed, StreamnormError

Parts = Callable[[], Mapping[str, str]]

PAGES: Mapping[Path, Parts] = {
    placed_page.PAGE: placed_page.parts,  # first: what others tell of clocks is read from it
    architecture_page.PAGE: architecture_page.parts,
    cocotb_page.PAGE: cocotb_page.parts,
    cycles_page.PAGE: cycles_page.parts,
    cycles_page.WAVEFORM_SOURCE: cycles_page.waveform_source,
    figures_page.PAGE: figures_page.parts,
    float_truth_page.PAGE: float_truth_page.parts,
    float_units.PAGE: float_units.parts,
    fused_units.PAGE: fused_units.parts,
    interface_page.PAGE: interface_page.parts,
    norms_page.PAGE: norms_page.parts,
    norms_timeline.PAGE: norms_timeline.parts,
    placed_units.PAGE: placed_units.parts,
    published_page.PAGE: published_page.parts,
    readme_page.PAGE: readme_page.parts,
    rsqrt_page.PAGE: rsqrt_page.parts,
    **unit_picture.pages(),
    workload_page.PAGE: workload_page.parts,
}
"""Every page of which parts are generated, and what makes them; each is written before the next is made."""

PICTURES = (cycles_page.pictures, rsqrt_page.pictures)
"""What draws pictures into docs/. They are not compared: their bytes depend on versions of the drawing packages."""


def fresh(page: Path, parts: Parts) -> str:
    """Return a page with its generated parts made anew.

    Raises
    ------
    CheckFailed
        If the marks of a part are not there exactly once.
    """
    text = page.read_text("utf-8") if page.exists() else ""
    try:
        return with_parts(text, parts())
    except ValueError as error:
        raise CheckFailed(f"{page}: {error}") from error


def stale(pages: Mapping[Path, Parts]) -> dict[Path, str]:
    """Return the pages that are not up to date, each as it should be."""
    made = {page: fresh(page, parts) for page, parts in pages.items()}
    return {page: text for page, text in made.items() if not page.exists() or page.read_text("utf-8") != text}


def _write(pages: Mapping[Path, Parts]) -> None:
    for page, parts in pages.items():
        for changed, text in stale({page: parts}).items():
            changed.write_text(text, "utf-8")
            print(changed)
    with tempfile.TemporaryDirectory() as name:
        for draw in PICTURES:
            draw(Path(name))
        for picture in Path(name).iterdir():
            (ROOT / "docs" / picture.name).write_bytes(picture.read_bytes())


def main(argv: Sequence[str] | None = None, pages: Mapping[Path, Parts] = PAGES) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="tools/pages.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 4 if a page differs")
    args = parser.parse_args(argv)
    try:
        if not args.check:
            _write(pages)
        elif changed := stale(pages):
            raise CheckFailed(f"{' and '.join(map(str, changed))}: not up to date; run make docs")
    except StreamnormError as error:
        print(f"tools/pages.py: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
