"""``streamnorm generate --netlist``: the cells that are placed, as Verilog, in place of the unit's."""

import hashlib
import json
import re
from collections import Counter

import pytest

from fpga.netlists import assert_same_cells
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import verilog
from streamnorm_cli import main
from streamnorm_fpga.devices import DEVICES
from streamnorm_fpga.synthesis.mapping import map_to_part
from streamnorm_sim.toolchain.tools import YOSYS

TARGET = "ecp5-25k-6"


@pytest.fixture
def small(config_file):
    """A configuration that tests of gates synthesize anyway."""
    text = config_file.read_text().replace("lanes = 2", "lanes = 1").replace("max_length = 16", "max_length = 3")
    config_file.write_text(f'target = "{TARGET}"\n' + text.replace("layernorm", "rmsnorm"))
    return config_file


def test_the_netlist_is_what_fit_places(small, tmp_path, capsys):
    config, out = NormConfig.from_toml(small), tmp_path / "rtl"
    file = out / "streamnorm_netlist.v"
    command = ["generate", str(small), "-o", str(out), "--vectors", "0", "--json"]
    assert main([*command, "--netlist"]) == 0
    data = file.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    assert json.loads(capsys.readouterr().out)["files"][str(file)] == digest
    assert json.loads((out / "manifest.json").read_text())["files"][file.name]["sha256"] == digest

    text = data.decode()
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("//"))
    assert text.startswith(f"{head}module streamnorm(")
    for part in (f"for {TARGET} at", f"sha256 {config.digest()}", "cells of the ECP5", f"yosys {YOSYS.version()}."):
        assert part in head
    placed = map_to_part(verilog(config), config.name, DEVICES[TARGET]).module
    kinds = Counter(cell["type"] for cell in placed["cells"].values() if cell["type"] != "$scopeinfo")
    assert Counter(re.findall(r"^  ([A-Z]\w+) (?:#\(|\\)", text, re.MULTILINE)) == kinds
    assert kinds["CCU2C"] > 50

    # Within a project, by the script of the file's head: no cell more, and the chains that were trimmed stay so.
    design = (out / "streamnorm_instance.v").read_text().replace("streamnorm_instance", "design")
    (out / "design.v").write_text(design)
    script = re.findall("^//     (.*)$", head, re.MULTILINE)
    assert YOSYS.run(["-q", "-p", "; ".join(script)], out) == (0, "")
    module = json.loads((out / "design.json").read_text())["modules"]["design"]
    assert_same_cells(module, placed, "unit.")
    ends = [cell["connections"]["COUT"] for cell in module["cells"].values() if cell["type"] == "CCU2C"]
    assert ends.count(["x"]) >= 10

    # The same bytes again; and none beside Verilog that may be another one.
    assert main([*command, "--netlist", "-q"]) == 0
    assert file.read_bytes() == data
    assert main([*command, "-q"]) == 0
    assert not file.exists()


@pytest.fixture
def no_synthesis(monkeypatch):
    monkeypatch.setattr("streamnorm_fpga.gate_level.map_to_part", lambda *_: pytest.fail("synthesized"))


def test_a_target_without_part_is_refused_first(no_synthesis, monkeypatch, config_file, tmp_path, capsys):
    monkeypatch.setattr("streamnorm_sim.vectors.make_vectors", lambda *_: pytest.fail("computed"))
    assert main(["generate", str(config_file), "-o", str(tmp_path / "rtl"), "--netlist"]) == 2
    message = "--netlist: target 'generic' is no part to synthesize for; set target to one of ecp5-12k-6, "
    assert capsys.readouterr().err.startswith(f"streamnorm: error: {message}")
    assert not (tmp_path / "rtl").exists()


def test_a_place_for_it_that_is_taken_is_refused_before_synthesis(no_synthesis, small, tmp_path, capsys):
    (tmp_path / "rtl/streamnorm_netlist.v").mkdir(parents=True)
    assert main(["generate", str(small), "-o", str(tmp_path / "rtl"), "--vectors", "0", "--netlist"]) == 2
    assert "streamnorm_netlist.v: is a directory; a file of that name would be written" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "rtl").iterdir()] == ["streamnorm_netlist.v"]


def test_without_yosys_nothing_is_written(small, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("streamnorm_fpga.synthesis.synthesis.YOSYS", YOSYS_MISSING)
    assert main(["generate", str(small), "-o", str(tmp_path / "rtl"), "--vectors", "0", "--netlist"]) == 3
    assert "yosys" in capsys.readouterr().err
    assert not (tmp_path / "rtl").exists()


YOSYS_MISSING = type(YOSYS)(
    name="yosys", variable="NO_YOSYS", package="no_such_yosys", function="run", extra="sim", needed_by="generate"
)


def test_what_synthesis_notes_is_told(small, monkeypatch, tmp_path, capsys):
    def mapped(text, top, device):
        return type("Mapped", (), {"notices": ("synthesized without ABC9",)})()

    monkeypatch.setattr("streamnorm_fpga.gate_level.map_to_part", mapped)
    monkeypatch.setattr("streamnorm_fpga.gate_level.structural_verilog", lambda _: "module streamnorm; endmodule\n")
    assert main(["generate", str(small), "-o", str(tmp_path), "--vectors", "0", "--netlist", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["notices"] == ["synthesized without ABC9"]
    assert err == "note: synthesized without ABC9\n"
    assert "// Note: synthesized without ABC9\n" in (tmp_path / "streamnorm_netlist.v").read_text()
