import json
import re
import sys
from collections import Counter
from dataclasses import replace

import pytest

from streamnorm.errors import CheckFailed
from streamnorm_fpga.devices import device_for
from streamnorm_fpga.synthesis import synthesis
from streamnorm_fpga.synthesis.mapping import map_to_part
from streamnorm_fpga.synthesis.synthesis import synthesize

ECP5 = device_for("ecp5-12k-6")


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("STREAMNORM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_same_is_synthesized_once(cache, small_verilog, monkeypatch):
    first = synthesize(small_verilog, "small", ECP5)
    monkeypatch.setattr(synthesis, "_run_yosys", lambda *_: pytest.fail("yosys runs again"))
    assert synthesize(small_verilog, "small", ECP5) == first
    assert len(list(cache.iterdir())) == 1


def test_other_text_part_or_options_are_another_netlist(cache, small_verilog):
    synthesize(small_verilog, "small", ECP5)
    synthesize(small_verilog + "// changed\n", "small", ECP5)
    synthesize(small_verilog, "small", ECP5, options=("-nowidelut",))
    synthesize(small_verilog, "small", device_for("ice40-hx1k"))
    assert len(list(cache.iterdir())) == 4
    # Speed grade and size change nothing that yosys does.
    synthesize(small_verilog, "small", device_for("ecp5-85k-8"))
    assert len(list(cache.iterdir())) == 4


def test_hierarchy_stays_in_the_names(small_verilog):
    cells = synthesize(small_verilog, "small", ECP5).module["cells"]
    assert {name for name, cell in cells.items() if cell["type"] == "$scopeinfo"} == {"moments", "apply"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("module unit (input clk", "syntax error, unexpected end of file"),
        ("module unit; absent part (); endmodule", "Module `\\absent' referenced in module `\\unit'"),
        ("module other; endmodule", "Module `unit' not found!"),
        (
            "module unit(input a, b, output o); assign o = a & b; assign o = a | b; endmodule",
            "multiple conflicting drivers for unit.",
        ),
    ],
)
def test_what_yosys_refuses_is_quoted(cache, text, reason):
    with pytest.raises(CheckFailed, match=re.escape(reason)) as error:
        synthesize(text, "unit", ECP5)
    assert str(error.value).startswith("yosys cannot synthesize unit: ")
    assert list(cache.iterdir()) == []


NETLIST = {"creator": "a test", "modules": {"unit": {"ports": {}, "cells": {}, "netnames": {}}}}


@pytest.fixture
def dying_yosys(cache, monkeypatch, tmp_path):
    """Make a yosys that ends so with abc9, and so without it; return the file with its scripts, a line each."""

    def make(with_abc9, without=""):
        script, runs = tmp_path / "yosys", tmp_path / "runs"
        script.write_text(
            f"#!{sys.executable}\nimport os, pathlib, signal, sys\n"
            "if '--version' in sys.argv:\n    print('Yosys 0.70')\n    sys.exit()\n"
            f"with open({str(runs)!r}, 'a') as runs:\n    print(sys.argv[-1], file=runs)\n"
            f"if ' -lut ' not in sys.argv[-1]:\n    {with_abc9}\n"
            f"{without}\n"
            f"pathlib.Path('netlist.json').write_text({json.dumps(NETLIST)!r})\n"
        )
        script.chmod(0o755)
        monkeypatch.setenv("YOSYS", str(script))
        runs.write_text("")
        return runs

    return make


SEGFAULT = "os.kill(os.getpid(), signal.SIGSEGV)"


@pytest.mark.parametrize(
    ("death", "how"),
    [
        (SEGFAULT, "signal SIGSEGV: it printed nothing"),
        ("sys.exit(139)", "exit code 139: it printed nothing"),
        ("print('ERROR: ABC: execution of command failed'); sys.exit(1)", "exit code 1: ABC: execution of command"),
    ],
)
def test_where_yosys_dies_it_goes_another_way_once(dying_yosys, cache, death, how):
    runs = dying_yosys(death)
    [notice] = synthesize("module unit; endmodule", "unit", ECP5).notices
    assert notice.startswith(f"synthesized without ABC9, of which yosys dies ({how}")
    assert [" -lut " in line for line in runs.read_text().splitlines()] == [False, True]
    assert len(list(cache.iterdir())) == 2  # that it died, and the netlist
    again = synthesize("module unit; endmodule", "unit", ECP5)
    assert again.notices == (notice,)
    assert map_to_part("module unit; endmodule", "unit", ECP5).notices == (notice,)
    assert len(runs.read_text().splitlines()) == 2
    # Who asks for the other way gets the same netlist, and there is nothing to tell.
    assert synthesize("module unit; endmodule", "unit", ECP5, without_abc9=True) == replace(again, notices=())


def test_where_yosys_dies_either_way_both_are_told_and_tried_again(dying_yosys, cache):
    runs = dying_yosys(SEGFAULT, "sys.exit(7)")
    message = "yosys died of unit: signal SIGSEGV: it printed nothing; without ABC9: exit code 7: it printed nothing"
    for _ in range(2):
        with pytest.raises(CheckFailed, match=re.escape(message)):
            synthesize("module unit; endmodule", "unit", ECP5)
    assert len(runs.read_text().splitlines()) == 4
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("name", ["ecp5-12k-6", "ice40-hx1k"])
def test_the_other_way_does_without_abc9_and_gives_a_whole_netlist(cache, small_verilog, name, monkeypatch):
    scripts, run = [], synthesis._run_yosys
    monkeypatch.setattr(synthesis, "_run_yosys", lambda *given: (scripts.append(given[-1]), run(*given))[1])
    kinds = [
        Counter(cell["type"] for cell in netlist.module["cells"].values())
        for netlist in (synthesize(small_verilog, "small", device_for(name), without_abc9=way) for way in (False, True))
    ]
    assert kinds[0].keys() == kinds[1].keys()
    assert "$lut" not in kinds[1]
    assert "abc9" not in scripts[1]
    assert " -run :map_luts; check -latchonly -assert; " in scripts[1]


def test_a_yosys_that_is_killed_is_not_tried_another_way(dying_yosys):
    runs = dying_yosys("os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(CheckFailed, match="yosys died of unit: signal SIGKILL: it printed nothing"):
        synthesize("module unit; endmodule", "unit", ECP5)
    assert len(runs.read_text().splitlines()) == 1
