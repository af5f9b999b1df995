"""The netlist that is placed gives the unit's very bits in its very cycles, and one wrong gate is noticed."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import streamnorm_cli as cli
from ladder.checks import STALLS, equal_golden, mixed_rows, same_beats, traffic_of
from ladder.configurations import configuration
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import verilog
from streamnorm_fpga.gate_level import gate_netlist, netlist_verilog
from streamnorm_sim.cells import GateNetlist
from streamnorm_sim.check.measure import measure_cycles
from streamnorm_sim.check.simulate import simulate
from streamnorm_sim.engines import run
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic
from streamnorm_sim.toolchain.tools import YOSYS

ECP5 = {"LUT4", "PFUMX", "CCU2C", "TRELLIS_FF", "TRELLIS_DPR16X4", "MULT18X18D", "DP16KD"}
ICE40 = {"SB_LUT4", "SB_CARRY", "SB_DFF", "SB_RAM40_4K"}

pytestmark = pytest.mark.usefixtures("unoptimized")

UNITS = [  # and which cells each must have for the test to mean anything
    pytest.param("ram_banks", ECP5, id="ram_banks"),
    pytest.param("ice40_up5k", ICE40 | {"SB_MAC16"}, id="ice40_up5k", marks=pytest.mark.gate_level),
    pytest.param("constants", ECP5 | {"L6MUX21"}, id="constants", marks=pytest.mark.gate_level),
    pytest.param("ice40_hx8k", ICE40, id="ice40_hx8k", marks=pytest.mark.gate_level),
    pytest.param("l2_floor", ECP5, id="l2_floor", marks=pytest.mark.gate_level),
    pytest.param("crms_ecp5_200", ECP5, id="crms_ecp5_200", marks=pytest.mark.gate_level),
    pytest.param("adanorm", ECP5, id="adanorm", marks=pytest.mark.gate_level),
    pytest.param("l1_ecp5_200", ECP5, id="l1_ecp5_200", marks=pytest.mark.gate_level),
    pytest.param("bf16_rms", ECP5, id="bf16_rms", marks=pytest.mark.gate_level),
    pytest.param("bf16_ram_banks", ECP5, id="bf16_ram_banks", marks=pytest.mark.gate_level),
]


FEWER_LANES: dict[str, dict[str, Any]] = {
    "ice40_up5k": {"lanes": 1},
    "bf16_rms": {"lanes": 1, "max_length": 24},
    "bf16_ram_banks": {"lanes": 1, "max_length": 24, "target": "ecp5-85k-6", "clock_mhz": 150},
}
"""Gates take long to compile."""


def unit(name: str) -> NormConfig:
    return configuration(name, **FEWER_LANES.get(name, {}))


@cache
def gates(name: str) -> GateNetlist:
    return gate_netlist(unit(name))


def loads(config: NormConfig, rng: np.random.Generator) -> list[ParameterLoad]:
    """Loads before, between and behind rows, where the configuration takes them."""
    if config.storage != "ram":
        return []
    found = []
    for row in (-1, 4, 4, 9):
        gamma, beta = (
            rng.integers(
                *((0, 1 << bits) if config.output.is_float else (-(1 << (bits - 1)), 1 << (bits - 1))),
                config.max_length,
            )
            for bits in (config.gamma_bits, config.beta_bits)
        )
        found.append(ParameterLoad(row, gamma, beta, int(rng.integers(config.banks))))
    return found


@pytest.mark.parametrize(("name", "kinds"), UNITS)
def test_the_netlist_is_the_unit(name: str, kinds: set[str]) -> None:
    config, netlist = unit(name), gates(name)
    (module,) = json.loads(netlist.text)["modules"].values()
    assert kinds <= {cell["type"] for cell in module["cells"].values()}

    for n in {1, config.lanes + 1, config.max_length}:
        measured = measure_cycles(config, n, netlist=netlist).to_dict()
        planned = vars(Plan.of(config).latency(n))
        assert measured == (planned if n >= config.min_length else {**planned, "SS": measured["SS"]}), n

    for seed, (source, sink) in enumerate(((0, 0), (1, 2), (3, 5))):
        rng = np.random.default_rng(seed)
        batch = mixed_rows(config, rng, count=20, elements=2000)
        rows = [row[:length] for row, length in zip(batch.x, batch.lengths, strict=True)]
        overlong = rng.integers(config.input.min, config.input.max, config.max_length + 3, endpoint=True)
        rows.insert(5, overlong)
        traffic = Traffic(
            rows=rows,
            banks=np.insert(batch.banks, 5, 0),
            loads=loads(config, rng),
            source=STALLS[source],
            sink=STALLS[sink],
            seed=seed,
        )
        trace = run(config, traffic, netlist=netlist)
        equal_golden(trace)
        assert trace.rows.errors[5]
        assert trace.rows.errors.sum() == 1
        rtl = run(config, traffic)
        same_beats(trace, rtl)
        np.testing.assert_array_equal(trace.input_cycles, rtl.input_cycles)
        np.testing.assert_array_equal(trace.output_cycles, rtl.output_cycles)

    batch = random_rows(config, 12, np.random.default_rng(7), lengths=np.full(12, config.max_length))
    in_mid_row = 2 * config.max_beats + config.max_beats // 2
    traffic = Traffic(rows=batch.x, banks=batch.banks, sink=STALLS[1], reset_at=in_mid_row, seed=7)
    trace = run(config, traffic, netlist=netlist)
    equal_golden(trace)
    assert 1 <= len(trace.rows) < 12


@pytest.mark.gate_level
@pytest.mark.parametrize(
    ("name", "contents", "output", "data"), [("ram_banks", "INIT", "Z", "DI"), ("ice40_up5k", "LUT_INIT", "O", "D")]
)
def test_one_wrong_lookup_table_is_noticed(name: str, contents: str, output: str, data: str) -> None:
    """The LUT of the highest bit of the rows' centres turned over; lower ones are rounded off."""
    config = configuration(name)
    right = gate_netlist(config)
    document = json.loads(right.text)
    (module,) = document["modules"].values()
    (centre,) = [
        net["bits"] for name, net in module["netnames"].items() if name in ("unit.apply.centre", "unit.centre")
    ]
    cells = [cell for _, cell in sorted(module["cells"].items())]
    fed = {cell["connections"]["Q"][0]: cell["connections"][data] for cell in cells if "Q" in cell["connections"]}
    tables = {tuple(cell["connections"][output]): cell for cell in cells if contents in cell["parameters"]}
    wrong = next(tables[tuple(fed[bit])] for bit in reversed(centre) if tuple(fed.get(bit, ())) in tables)["parameters"]
    wrong[contents] = wrong[contents].translate(str.maketrans("01", "10"))
    netlist = GateNetlist(right.family, json.dumps(document))
    batch = mixed_rows(config, np.random.default_rng(1), count=20, elements=2000)
    trace = run(config, traffic_of(batch), netlist=netlist)
    with pytest.raises(AssertionError, match="want"):
        equal_golden(trace)


@pytest.mark.gate_level
def test_the_netlist_as_verilog_is_the_unit(tmp_path: Path) -> None:
    """Read like other Verilog, without the script that keeps every cell as it is."""
    config = unit("ram_banks")
    (tmp_path / "netlist.v").write_text(netlist_verilog(config, verilog(config)))
    script = (
        "read_verilog -lib -D NO_INCLUDES +/ecp5/cells_sim.v +/ecp5/cells_bb.v; read_verilog netlist.v; "
        f"hierarchy -check -top {config.name}; opt_clean; write_json -selected netlist.json"
    )
    assert YOSYS.run(["-q", "-p", script], tmp_path) == (0, "")
    module = json.loads((tmp_path / "netlist.json").read_text())["modules"][config.name]
    netlist = GateNetlist("ecp5", json.dumps({"modules": {config.name: module}}))
    assert simulate(config, rows=30, stall="0.3", seed=3, netlist=netlist).failures == []


def test_a_netlist_runs_on_cxxrtl_only() -> None:
    config = configuration("ram_banks")
    with pytest.raises(ConfigError, match=r"^engine 'pysim' runs no netlist; cxxrtl does$"):
        run(config, Traffic(rows=[[1]]), "pysim", netlist=gates("ram_banks"))


def test_the_command_runs_the_netlist(config_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = config_file.read_text().replace("lanes = 2", "lanes = 1").replace("max_length = 16", "max_length = 3")
    config_file.write_text('target = "ecp5-25k-6"\n' + small.replace("layernorm", "rmsnorm"))
    assert cli.main(["simulate", str(config_file), "--gate-level", "--stall", "0.3", "--rows", "20", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["netlist"], report["rows"], report["mismatches"]) == ("ecp5", 20, 0)
    assert report["measured"] == report["planned"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "pysim"], "--gate-level runs on cxxrtl only, not on pysim"),
        ([], "--gate-level: target 'generic' is no part to synthesize for; set target to one of ecp5-12k-6, "),
    ],
)
def test_what_the_command_refuses(
    arguments: list[str], message: str, config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["simulate", str(config_file), "--gate-level", *arguments]) == 2
    assert message in capsys.readouterr().err
