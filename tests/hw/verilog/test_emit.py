"""Emitted files: what is in them, that they agree with each other, and that they are always the same."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from amaranth.back import verilog as amaranth_verilog

from streamnorm import __version__
from streamnorm.errors import ConfigError, StreamnormError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.verilog.emit import generate, instance, verilog
from streamnorm.verilog.ports import ports
from streamnorm.verilog.vector_files import VECTOR_FILES, Closing, Vectors

REPOSITORY = Path(__file__).parents[3]
CONFIGS: dict[str, dict[str, Any]] = {
    "smallest": {"lanes": 1, "max_length": 4},
    "two_bytes": {"lanes": 3, "max_length": 10, "input": IntFormat(12), "output": IntFormat(16), "gamma": 0.5},
    "banks": {"lanes": 2, "max_length": 6, "banks": 3, "gamma": np.linspace(0.5, 1.5, 18).reshape(3, 6)},
    "loaded": {"lanes": 2, "max_length": 6, "banks": 5, "storage": "ram", "gamma_bits": 18},
    "ecp5": {"lanes": 2, "max_length": 64, "target": "ecp5-25k-6", "gamma": np.linspace(0.5, 1.5, 64)},
    "ice40": {"lanes": 1, "max_length": 64, "target": "ice40-up5k", "clock_mhz": 12},
}


def make(name: str = "smallest", **changes: Any) -> NormConfig:
    keywords: dict[str, Any] = {
        "name": f"unit_{name}",
        "norm": "layernorm",
        "input": IntFormat(8, scale=0.05),
        "output": IntFormat(8, scale=0.05),
        "epsilon": 1e-5,
    }
    return NormConfig(**{**keywords, **CONFIGS[name], **changes})


def some_vectors(config: NormConfig) -> Vectors:
    rng = np.random.default_rng(7)
    n = config.max_length
    one = np.ones((1, n), np.int64)
    parameters = rng.integers(-99, 99, (2, config.banks, n)) if config.storage == "ram" else None
    rows = rng.integers(config.input.min, config.input.max, (5, n), endpoint=True)
    return Vectors(
        input=rows,
        lengths=np.array([n, 1, n - 1, n, 2]),
        banks=np.arange(5) % config.banks,
        expected=rng.integers(config.output.min, config.output.max, (5, n), endpoint=True),
        closing=Closing(
            Vectors(one, np.array([n]), np.array([0]), one),
            None if parameters is None else {"gamma": parameters[0], "beta": parameters[1]},
        ),
    )


def declared_ports(text: str, module: str) -> dict[str, tuple[str, int]]:
    """Return direction and width of each port that a module of a Verilog text declares."""
    start = re.search(rf"^module {module}\s*\(", text, re.MULTILINE)
    assert start is not None
    body = text[start.end() : text.index("endmodule", start.end())]
    found = re.findall(r"^\s*(input|output)\s+(?:wire\s+)?(?:\[(\d+):0\]\s*)?(\w+)", body, re.MULTILINE)
    return {name: (direction[:-3], int(high or 0) + 1) for direction, high, name in found}


@pytest.mark.parametrize("name", CONFIGS)
def test_verilog_declares_exactly_the_documented_ports(name: str) -> None:
    config = make(name)
    want = {port.name: (port.direction, port.width) for port in ports(config)}
    text = verilog(config)
    assert declared_ports(text, config.name) == want
    assert declared_ports(instance(config), f"{config.name}_instance") == want


@pytest.mark.parametrize("name", CONFIGS)
def test_verilog_is_complete_and_holds_no_trace_of_this_machine(name: str) -> None:
    text = verilog(make(name))
    modules = re.findall(r"^module (\S+)", text, re.MULTILINE)
    assert len(modules) == len(set(modules))
    for wrapper in set(re.findall(r"\bstreamnorm_(?:ecp5|ice40)_(?:multiplier|block_ram)\b", text)):
        assert wrapper in modules
    for trace in (str(REPOSITORY), str(Path.home()), sys.prefix, ".py:", "src ="):
        assert trace not in text
    assert text.endswith("\n")


def test_verilog_header_says_what_it_is() -> None:
    config = make("banks", target="ecp5-85k-6", clock_mhz=62.5)
    assert verilog(config).splitlines()[:3] == [
        "// unit_banks: LayerNorm of rows of up to 6 elements, 2 a cycle, int8 to int8.",
        f"// Made by streamnorm {__version__} for ecp5-85k-6 at 62.5 MHz.",
        f"// Configuration: sha256 {config.digest()}",
    ]
    assert verilog(config.replace(norm="rmsnorm")).startswith("// unit_banks: RMSNorm of rows")


def test_instance_connects_every_port_by_name() -> None:
    config = make("loaded")
    text = instance(config)
    connected = re.findall(r"\.(\w+)\s*\((\w+)\)", text)
    assert connected == [(port.name, port.name) for port in ports(config)]
    assert f"    {config.name} unit (\n" in text
    assert re.findall(r"^    // (.*)$", text, re.MULTILINE) == [
        "rows in",
        "rows out",
        "gamma and beta, loaded at run time",
    ]


def test_manifest_describes_the_unit_and_its_files(tmp_path: Path) -> None:
    config = make("loaded")
    directory = tmp_path / "new" / "place"
    files = generate(config, directory, some_vectors(config))
    names = [file.relative_to(directory).as_posix() for file in files]
    assert names == [
        "unit_loaded.v", "unit_loaded_instance.v", "unit_loaded.vlt", "unit_loaded_tb.v",
        *(name for name in VECTOR_FILES if name != "vectors/flags.npy"), "manifest.json",
    ]  # fmt: skip
    written = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    assert written == sorted(names)
    manifest = json.loads((directory / "manifest.json").read_text())
    assert list(manifest) == [
        "name", "about", "digest", "architecture", "tools", "config", "ports", "formats", "latency", "plan", "files",
    ]  # fmt: skip
    assert (manifest["name"], manifest["digest"]) == (config.name, config.digest())
    assert manifest["config"] == config.to_dict()
    assert manifest["ports"] == [port.to_dict() for port in ports(config)]
    assert manifest["formats"]["input"] == {
        "format": "int8", "scale": 0.05, "zero_point": 0, "min": -128, "max": 127, "bytes": 1,
    }  # fmt: skip
    assert manifest["formats"]["gamma"]["bits"] == 18
    assert set(manifest["latency"]) == {"L1", "L2", "L3", "SS"}
    assert list(manifest["files"]) == names[:-1]
    for name, entry in manifest["files"].items():
        data = (directory / name).read_bytes()
        assert entry["bytes"] == len(data)
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        assert entry["meaning"]


def test_manifest_of_another_architecture(tmp_path: Path) -> None:
    config = make()
    config = config.replace(architecture="five-scan")
    generate(config, tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    plan = Plan.of(config)
    assert manifest["architecture"] == manifest["plan"]["architecture"] == "five-scan"
    assert manifest["latency"] == plan.latency_formulas()
    text = (tmp_path / f"{config.name}.v").read_text()
    assert text == verilog(config)
    assert "// Architecture: five-scan" in text


def test_generating_again_replaces_own_files_and_leaves_others_alone(tmp_path: Path) -> None:
    config = make()
    generate(config, tmp_path, some_vectors(config))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "unit_smallest.v").write_text("broken")
    generate(config, tmp_path, some_vectors(config))
    assert {path: path.read_bytes() for path in before} == before
    assert (tmp_path / "notes.txt").read_text() == "mine"
    # Vectors of an earlier run would contradict the new manifest, and their bench has nothing to play.
    generate(config.replace(epsilon=0), tmp_path)
    assert not any((tmp_path / name).exists() for name in VECTOR_FILES)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "manifest.json", "notes.txt", "unit_smallest.v", "unit_smallest.vlt", "unit_smallest_instance.v", "vectors",
    ]  # fmt: skip


def test_a_netlist_is_written_removed_and_fails_with_the_rest(tmp_path: Path) -> None:
    config, given = make(), []

    def netlist(*arguments: object) -> str:
        given.append(arguments)
        return "// how\nmodule unit_smallest; endmodule\n"

    files = {path: path.read_bytes() for path in generate(config, tmp_path, netlist=netlist)}
    text, written = (files[tmp_path / f"unit_smallest{end}.v"].decode() for end in ("", "_netlist"))
    assert given == [(config, text)]
    head, _, rest = written.partition("\n//\n")
    assert text.startswith(f"{head}\n")
    assert rest == netlist()
    entry = json.loads(files[tmp_path / "manifest.json"])["files"]["unit_smallest_netlist.v"]
    assert entry["sha256"] == hashlib.sha256(written.encode()).hexdigest()
    assert entry["meaning"]

    def fail(*_: object) -> str:
        raise StreamnormError("yosys died")

    other = config.replace(epsilon=0)
    with pytest.raises(StreamnormError, match=r"^yosys died$"):
        generate(other, tmp_path, netlist=fail)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files
    # It would contradict the new Verilog.
    generate(other, tmp_path)
    assert {path.name for path in files} - {path.name for path in tmp_path.iterdir()} == {"unit_smallest_netlist.v"}


def test_places_that_are_refused(tmp_path: Path) -> None:
    config = make()
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ConfigError, match=r"^directory = None: must be the name of a directory$"):
        generate(config, cast(Path, None))
    with pytest.raises(ConfigError) as caught:
        generate(config, file)
    assert str(caught.value) == f"{file}: is a file; a directory is needed"
    generate(config, tmp_path / "unit")
    with pytest.raises(ConfigError) as caught:
        generate(config.replace(name="other"), tmp_path / "unit")
    assert str(caught.value) == (
        f"{tmp_path / 'unit'}: holds the unit 'unit_smallest'; choose another directory for 'other'"
    )
    with pytest.raises(ConfigError) as caught_error:
        generate(config, file / "below")
    assert str(caught_error.value) == f"{file / 'below'}: cannot be written: {file} is a file; a directory is needed"
    assert caught_error.value.exit_code == 2


def test_a_foreign_manifest_is_no_obstacle(tmp_path: Path) -> None:
    for contents in ("", "{}", "[1]", "\x00"):
        (tmp_path / "manifest.json").write_text(contents)
        generate(make(), tmp_path)


SCRIPT = """
import hashlib, sys
from dataclasses import replace
import numpy as np
from streamnorm import IntFormat, NormConfig
from streamnorm.verilog.emit import generate
from streamnorm.verilog.vector_files import Closing, Vectors
config = NormConfig(
    name="unit", norm="layernorm", lanes=2, max_length=24, epsilon=1e-5, target="ecp5-25k-6", storage="ram",
    input=IntFormat(8), output=IntFormat(8, scale=0.05), banks=2, gamma=np.linspace(0.5, 1.5, 24),
)
rows = np.arange(48).reshape(2, 24)
vectors = Vectors(rows, np.array([24, 3]), np.array([0, 1]), -rows)
files = generate(config, sys.argv[1], replace(vectors, closing=Closing(vectors, {"gamma": rows, "beta": -rows})))
for file in files:
    print(file.name, hashlib.sha256(file.read_bytes()).hexdigest())
"""


def test_two_processes_in_two_places_write_the_same_bytes(tmp_path: Path) -> None:
    outputs = []
    for seed in ("1", "2"):
        (tmp_path / seed).mkdir()
        result = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path / seed / "out")],
            cwd=tmp_path / seed,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        outputs.append(result.stdout)
    assert outputs[0] == outputs[1]
    assert len(outputs[0].splitlines()) == 12


def test_a_failure_of_yosys_is_told_by_its_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YOSYS", raising=False)

    def fail(*_: object, **__: object) -> None:
        raise amaranth_verilog.YosysError("Traceback …\nwasmtime._error.WasmtimeError: File too large (os error 27)\n")

    monkeypatch.setattr(amaranth_verilog, "convert_fragment", fail)
    with pytest.raises(
        StreamnormError, match=r"^yosys, which writes the Verilog, fails: File too large \(os error 27\)$"
    ):
        verilog(make())
    monkeypatch.setenv("YOSYS", "/bin/false")
    with pytest.raises(
        StreamnormError, match=r"^yosys \(\$YOSYS names '/bin/false'\), which writes the Verilog, fails: "
    ):
        verilog(make())
