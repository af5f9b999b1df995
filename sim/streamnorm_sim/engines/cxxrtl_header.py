"""The header of CXXRTL, precompiled: g++ takes half a second to read it, and every design begins with it."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from streamnorm.errors import StreamnormError
from streamnorm_sim.toolchain.cache import build_once
from streamnorm_sim.toolchain.table import GXX
from streamnorm_sim.toolchain.tools import run_tool

__all__ = ["precompiled"]

_NAME = "design.h"
# A name of its own, so that a second #include of the header looks for the header, and not beside the precompiled one.
_TEXT = "#include <cxxrtl/cxxrtl.h>\n"


def precompiled(headers: Path, compiler: Sequence[str], options: Sequence[str], cache: Path | None = None) -> list[str]:
    """Return options that put the header before a text, read already; none where the compiler is not g++.

    Parameters
    ----------
    headers : Path
        The folder with ``cxxrtl/cxxrtl.h``.
    compiler, options : sequence of str
        What compiles the text. It may define macros besides that the header does not ask for; any other difference, and
        g++ takes the header itself.
    cache : Path, optional
        See `build_once`; 50 MB for each set of options.
    """
    version = GXX.version()
    if "clang" in version:
        return []

    def build(directory: Path) -> None:
        (directory / _NAME).write_text(_TEXT, encoding="utf-8")
        made = f"{_NAME}.gch"
        # If this fails, compiling the text tells why; or it does not fail, and has the header to read.
        with suppress(StreamnormError):
            run_tool([*compiler, *options, "-I", str(headers), "-x", "c++-header", _NAME, "-o", made], directory)

    texts = [path.read_text(encoding="utf-8") for path in sorted((headers / "cxxrtl").rglob("*.h"))]
    place = build_once("header", [_TEXT, str(headers), *texts, *compiler, *options, version], build, cache)
    return ["-include", str(place / _NAME)]
