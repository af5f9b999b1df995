"""Trimmed carry chains compute the same (proved by yosys) and take fewer cells (counted by nextpnr)."""

import json
import re

import pytest

from fpga.conftest import DATA
from streamnorm_fpga.devices import device_for
from streamnorm_fpga.families import FAMILIES
from streamnorm_fpga.synthesis.carry import trim_carry_chains
from streamnorm_fpga.synthesis.synthesis import synthesize
from streamnorm_sim.toolchain.tools import YOSYS

DEVICE = device_for("ecp5-12k-6")
PROOF = """
read_verilog adders.v
prep -flatten -top adders
design -stash gold
read_verilog -nooverwrite +/lattice/cells_sim_ecp5.v
read_json netlist.json
hierarchy -top adders
proc
flatten
setundef -undriven -anyseq
setundef -anyseq
design -stash gate
design -copy-from gold -as gold adders
design -copy-from gate -as gate adders
miter -equiv -flatten gold gate miter
sat -verify -prove trigger 0 miter
"""


@pytest.fixture(scope="module")
def adders():
    return synthesize((DATA / "adders.v").read_text(), "adders", DEVICE)


def prove(netlist, directory):
    """Exit code and output of yosys' proof that the netlist computes what the Verilog says."""
    document = json.loads(json.dumps(netlist.document))
    carries = [
        cell["connections"] for cell in document["modules"]["adders"]["cells"].values() if "COUT" in cell["connections"]
    ]
    for net, connections in enumerate(carries, start=10**6):
        if connections["COUT"] == ["x"]:  # for nextpnr; yosys takes no constant there
            connections["COUT"] = [net]
    (directory / "netlist.json").write_text(json.dumps(document))
    (directory / "adders.v").write_text((DATA / "adders.v").read_text())
    return YOSYS.run(["-q", "-p", "; ".join(PROOF.split("\n"))], directory)


def test_the_function_stays(adders, tmp_path):
    code, output = prove(trim_carry_chains(adders), tmp_path)
    assert code == 0, output


def test_the_proof_notices_a_wrong_carry(adders, tmp_path):
    broken = trim_carry_chains(adders)
    for cell in broken.module["cells"].values():
        if cell["parameters"].get("INIT0") == f"{0x000F:016b}":
            cell["parameters"]["INIT0"] = f"{0:016b}"
    code, _ = prove(broken, tmp_path)
    assert code != 0


def test_nextpnr_needs_fewer_cells(adders, tmp_path):
    def comb(netlist):
        (tmp_path / "netlist.json").write_text(json.dumps(netlist.document))
        arguments = [*DEVICE.nextpnr_arguments, "--json", "netlist.json", "--pack-only", "--out-of-context"]
        code, output = FAMILIES["ecp5"].nextpnr.run(arguments, tmp_path)
        assert code == 0, output
        found = re.search(r"TRELLIS_COMB:\s+(\d+)/", output)
        assert found
        return int(found[1])

    assert comb(adders) - comb(trim_carry_chains(adders)) == 20


def test_the_given_netlist_is_not_changed(adders):
    before = json.dumps(adders.document)
    trim_carry_chains(adders)
    assert json.dumps(adders.document) == before
