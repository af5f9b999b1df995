"""From a design to a shared library: yosys writes it as C++ (CXXRTL), a driver is added, g++ compiles both."""

import importlib.resources
import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from streamnorm.errors import ToolMissing, as_named
from streamnorm.spec.values import shown
from streamnorm_sim.toolchain.cache import build_once
from streamnorm_sim.toolchain.table import GXX
from streamnorm_sim.toolchain.tools import YOSYS, run_tool

from . import cxxrtl_in_place
from .cxxrtl_header import precompiled
from .cxxrtl_in_place import in_place

__all__ = ["LIBRARY", "OPTIMIZE", "compile_design", "compiler_flags"]

LIBRARY = "unit.so"
"""Name of the library in the directory that `compile_design` returns."""

OPTIMIZE = (
    # What makes a design fast is inlining; g++ may spare itself half its time, which it spends on a function
    # as long as the whole design looking for stores and loads that it need not repeat.
    *("-O2", "-fno-tree-slp-vectorize"),
    *("--param", "sccvn-max-alias-queries-per-access=20", "--param", "dse-max-alias-queries-per-store=4"),
)
"""Optimization of a design as it was generated."""

_FLAGS = (
    *("-std=c++17", "-fPIC", "-shared", "-w"),
    "-DCXXRTL_NDEBUG",  # an idle memory port may well point past the end of its memory
)


def compiler_flags(optimize: Sequence[str] = OPTIMIZE) -> list[str]:
    """Return the options of the C++ compiler; those in $CXXFLAGS come last."""
    return [*_FLAGS, *optimize, *shlex.split(os.environ.get("CXXFLAGS", ""))]


def compile_design(
    kind: str,
    files: Mapping[str, str],
    reads: Sequence[str],
    driver: str,
    *,
    clock: str,
    compiler: Sequence[str],
    options: Sequence[str],
    macros: Sequence[str] = (),
    waves: bool = False,
    cache: Path | None = None,
) -> Path:
    """Compile designs, each with a driver of its own, unless that has been done before.

    Several that are alike take little more than half the time of one after the other: g++ reads and instantiates its
    templates once for all.

    Parameters
    ----------
    kind : str
        Begins the name of the build in the cache.
    files : mapping
        Name and text of the files that `reads` read.
    reads : sequence of str
        For each design the commands of yosys that leave it, its top known.
    driver : str
        C++ that is appended to the text of ``write_cxxrtl``. Its functions are called ``streamnorm_…``; those of the
        second design and further ones end in their number, ``_1`` and so on. ``STREAMNORM_FEEDBACK`` is defined for
        it where a design needs several passes to settle. Where it is not, and without `waves`, the design may be
        evaluated at rising edges of `clock` only, as `in_place` says.
    clock : str
        The design's only clock, an input of its top.
    compiler, options : sequence of str
        See `GXX` of `streamnorm_sim.toolchain.table`, and `compiler_flags`.
    macros : sequence of str
        Defined for the driver.
    waves : bool
        Keep every signal visible.
    cache : Path, optional
        See `build_once`.

    Returns
    -------
    Path
        The directory with `LIBRARY`.

    Raises
    ------
    ToolMissing
        If yosys is not installed, what $YOSYS names comes without the headers of CXXRTL, or what $CXX names does not
        start or is no compiler.
    StreamnormError
        If yosys or the compiler fails.
    """
    headers = _headers()

    def build(directory: Path) -> None:
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
        texts = [directory / f"unit_{number}.cc" for number in range(len(reads))]
        write = f"write_cxxrtl -g{4 if waves else 0}"
        script = "; ".join(
            f"design -reset; {read}; {write} {text.name}" for read, text in zip(reads, texts, strict=True)
        )
        yosys = as_named(YOSYS.name, YOSYS.variable)
        warnings = run_tool([*YOSYS.command(), "-q", "-p", script], directory, name=yosys)
        feedback = "feedback wires" in warnings
        whole = "#define STREAMNORM_FEEDBACK\n" if feedback else ""
        for number, path in enumerate(texts):
            text = path.read_text(encoding="utf-8")
            path.unlink()
            unit = (text if feedback or waves else in_place(text, clock)) + driver
            whole += _apart(unit, number) if number else unit
        (directory / "unit.cc").write_text(whole, encoding="utf-8")
        header = precompiled(headers, compiler, options, cache)
        defined = [f"-D{macro}" for macro in macros]
        command = [*compiler, *options, *header, *defined, "-I", str(headers), "unit.cc", "-o", LIBRARY]
        run_tool(command, directory, name=_with_flags(compiler[0]))
        if not (directory / LIBRARY).is_file():
            raise ToolMissing(f"{GXX.name}: {compiler[0]} ends well and makes no library; is it a C++ compiler?")

    own_text = "".join(Path(file).read_text(encoding="utf-8") for file in (__file__, cxxrtl_in_place.__file__))
    parts = [*files.values(), *reads, driver, own_text, YOSYS.build(), clock, str(waves), *compiler, *options, *macros]
    return build_once(kind, [*parts, GXX.version()], build, cache)


def _with_flags(compiler: str) -> str:
    """What messages call the compiler: with the options that the environment gives it."""
    flags = os.environ.get("CXXFLAGS")
    return f"{Path(compiler).name}, with CXXFLAGS = {shown(flags)}," if flags else ""


def _apart(unit: str, number: int) -> str:
    """Return the text of a unit that follows others, which have included all that it includes."""
    functions = sorted(set(re.findall(r"\bstreamnorm_\w+(?=\()", unit)))
    renamed = "".join(f"#define {name} {name}_{number}\n" for name in functions)
    restored = "".join(f"#undef {name}\n" for name in functions)
    return f"\nnamespace unit_{number} {{\n{renamed}{unit}\n{restored}}}\n"


def _headers() -> Path:
    """Return where the C++ headers of CXXRTL are that belong to yosys."""
    runtime = "include/backends/cxxrtl/runtime"
    program = YOSYS.command()[0]
    if not os.environ.get(YOSYS.variable):
        return Path(str(importlib.resources.files(YOSYS.package))) / "share" / runtime
    data = str(Path(program).parents[1] / "share" / "yosys")
    if config := shutil.which(f"{program}-config"):
        data = run_tool([config, "--datdir"], Path()).strip()
    headers = Path(data, runtime)
    if not (headers / "cxxrtl" / "cxxrtl.h").is_file():
        raise ToolMissing(
            f"yosys: $YOSYS names {program}, whose headers of CXXRTL are not in {headers}; "
            "some distributions have them in a package yosys-dev"
        )
    return headers
