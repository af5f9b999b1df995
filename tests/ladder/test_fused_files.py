"""Units with something fused, as files: Verilog, vectors and the bench in plain Verilog, which finds what is wrong."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters
from streamnorm.verilog.emit import generate, manifest
from streamnorm_sim.check.simulate import simulate
from streamnorm_sim.vectors import make_vectors

EXAMPLES = sorted((Path(__file__).parents[2] / "examples/around").glob("*.toml"))


def small(path: Path) -> NormConfig:
    """An example in short rows."""
    config = NormConfig.from_toml(path)

    def shortened(of: Any) -> dict[str, Any]:
        return {key: values[..., :37] for key in ("gamma", "beta") if (values := getattr(of, key)) is not None}

    results = [replace(result, **shortened(result)) for result in config.results]
    return config.replace(max_length=37, lanes=4, results=results, **shortened(config))


UNITS = {path.stem: partial(small, path) for path in EXAMPLES}


def all_of_them() -> NormConfig:
    examples = {path.stem: path for path in EXAMPLES}
    names = ("residual_int8", "dynamic_int8", "adaptive_int8")
    residual, dynamic, adaptive = (NormConfig.from_toml(examples[name]) for name in names)
    return small(examples["adaptive_int8"]).replace(
        name="everything", residual=residual.residual, output=dynamic.output, storage=adaptive.storage
    )


def loaded_results() -> NormConfig:
    (path,) = (path for path in EXAMPLES if path.stem == "two_results")
    return small(path).replace(storage="ram", banks=3)


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
@pytest.mark.parametrize("make", [*UNITS.values(), all_of_them, loaded_results], ids=[*UNITS, "everything", "loaded"])
def test_the_plain_bench_passes_and_finds_a_wrong_bit(make: Callable[[], NormConfig], tmp_path: Path) -> None:
    config = make()
    generate(config, tmp_path, make_vectors(config, 8))
    name = config.name

    def bench(*options: str) -> str:
        subprocess.run(["iverilog", "-g2005", "-o", "bench", f"{name}_tb.v", f"{name}.v"], cwd=tmp_path, check=True)
        return subprocess.run(["vvp", "bench", *options], cwd=tmp_path, capture_output=True, text=True).stdout.strip()

    assert bench().startswith("PASS")
    assert bench("+stalls=40", "+seed=3").startswith("PASS")
    for side in {side.stream for side in config.side_outputs}:
        file = tmp_path / f"vectors/{side}.hex"
        text = file.read_text()
        head, *lines = text.splitlines()
        lines[3] = re.sub(r".$", lambda digit: f"{int(digit[0], 16) ^ 1:x}", lines[3])
        file.write_text("\n".join([head, *lines]) + "\n")
        assert f"FAIL: beat 3 of m_axis_{side}: got" in bench()
        file.write_text(text)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_as_planned(path: Path) -> None:
    simulation = simulate(NormConfig.from_toml(path), rows=40, stall=0.2)
    assert simulation.failures == []
    assert simulation.rows == 40


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_manifest_tells_every_stream(path: Path) -> None:
    config = NormConfig.from_toml(path)
    told = manifest(config, {})
    for side in (*config.side_inputs, *config.side_outputs):
        assert any(f"_{side.stream}" in line for line in told["about"]), side.name
        assert any(f"_{side.stream}_tdata" in port["name"] for port in told["ports"])


def test_the_manifest_tells_what_a_lane_of_a_load_holds() -> None:
    config = loaded_results()
    told = manifest(config, {})
    (about,) = (line for line in told["about"] if line.startswith("s_axis_param"))
    assert "above it, a stored beta in 2; above that, gamma_second in 3, then beta_second in 3; all are two's" in about
    assert "Those of a further result are in steps of its own format." in about
    stored = StoredParameters.of(config.by_result["second"])
    for key in ("gamma", "beta"):
        bits, frac_bits = (getattr(stored, f"{key}_{what}") for what in ("bits", "frac_bits"))
        assert told["formats"][f"{key}_second"] == {"bits": bits, "signed": True, "frac_bits": frac_bits}
