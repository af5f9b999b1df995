"""The emitted Verilog under AXI4-Stream bus models gives the same beats as the fast engine.

Without stalls, after a reset and for its latency, see the tests of the engines, which run the same units.
"""

import shutil

import numpy as np
import pytest

from ladder.checks import STALLS, agree, mixed_rows, same_beats, traffic_of
from ladder.configurations import configuration
from ladder.test_architectures import LOADED, built_as
from streamnorm.spec.config import NormConfig
from streamnorm_sim.streams.stalls import Stall
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
SLOW_OR_ICARUS = [pytest.param("verilator", marks=pytest.mark.slow), pytest.param("icarus", marks=needs_icarus)]

SMALLER = {"bf16": {"lanes": 1, "max_length": 24}}
"""Of two lanes, Verilator would make half a minute's work for g++; it is about elements that are no integers."""


def some_traffic(config: NormConfig, seed: int, source: Stall, sink: Stall) -> Traffic:
    """Rows of every length, some overlong; loads where the configuration has them."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, config.max_length, 16, endpoint=True)
    lengths[[3, 7]] = config.max_length + 1, 2 * config.max_length + 5
    rows = [rng.integers(config.input.min, config.input.max, length, endpoint=True) for length in lengths]
    loads = []
    if config.storage == "ram":
        for row in (-1, 4, 9):
            gamma, beta = rng.integers(
                *((0, 31_000) if config.output.is_float else (-20_000, 20_000)), (2, config.bank_values)
            )
            loads.append(ParameterLoad(row, gamma, beta, int(rng.integers(config.banks))))
    banks = rng.integers(config.banks, size=len(rows)) if config.bank_order == "given" else None
    return Traffic(rows=rows, banks=banks, loads=loads, source=source, sink=sink, seed=seed)


@pytest.mark.parametrize(
    ("name", "simulator"),
    [
        # Engines' tests compare Verilator with the others in every run.
        *(pytest.param(name, "verilator", marks=pytest.mark.slow) for name in ("lanes_3", "ram_banks", "groups_3_ram")),
        *(pytest.param(name, "icarus", marks=needs_icarus) for name in ("lanes_3", "ram_banks", "groups_16_ram")),
        ("bf16", "verilator"),
        pytest.param("bf16_ram_banks", "verilator", marks=pytest.mark.slow),
    ],
)
def test_verilog_gives_the_same_beats_under_any_stall(name: str, simulator: str) -> None:
    config = configuration(name, **SMALLER.get(name, {}))
    source, sink = (2, 3) if simulator == "icarus" else (4, 1)
    traffic = some_traffic(config, source, STALLS[source], STALLS[sink])
    same_beats(agree(config, traffic, simulator), agree(config, traffic))


@pytest.mark.parametrize("simulator", SLOW_OR_ICARUS)
@pytest.mark.parametrize("architecture", [pytest.param("two-pass", marks=pytest.mark.slow), "five-scan"])
def test_verilog_of_other_architectures_gives_the_same_beats(architecture: str, simulator: str) -> None:
    config = built_as(LOADED, architecture)
    traffic = some_traffic(config, 5, STALLS[2], STALLS[3])
    slow, fast = (agree(config, traffic, engine) for engine in (simulator, "cxxrtl"))
    same_beats(slow, fast)


@pytest.mark.parametrize("name", ["row_below_a_beat", "ram_banks"])
def test_amaranths_simulator_gives_the_same_beats_in_the_same_cycles(name: str) -> None:
    config = configuration(name)
    traffic = some_traffic(config, 1, STALLS[1], STALLS[2])
    slow, fast = agree(config, traffic, "pysim"), agree(config, traffic)
    same_beats(slow, fast)
    np.testing.assert_array_equal(slow.output_cycles, fast.output_cycles)
    np.testing.assert_array_equal(slow.input_cycles, fast.input_cycles)


def test_amaranths_simulator_on_corner_rows() -> None:
    config = configuration("two_elements")
    traffic = traffic_of(mixed_rows(config, np.random.default_rng(3), count=20))
    same_beats(agree(config, traffic, "pysim"), agree(config, traffic))
