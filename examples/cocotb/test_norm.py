"""A bench for the unit of unit.toml: random rows under stalls, every value compared with the golden model."""

from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock

from streamnorm import NormConfig
from streamnorm_sim.cocotb import RowSink, RowSource, Scoreboard, Stall, load_parameters, reset

CONFIG = NormConfig.from_toml(Path(__file__).with_name("unit.toml"))


@cocotb.test()
async def rows_and_a_load(dut: Any) -> None:
    """Twenty rows of any length; then a load of bank 1, and rows of both banks."""
    Clock(dut.aclk, 10, unit="ns").start()
    source = RowSource(dut, CONFIG, stall=Stall.random(0.3), seed=1)
    scoreboard = Scoreboard(source, RowSink(dut, CONFIG, stall=Stall.burst(8, 3), seed=2))
    await reset(dut)
    rng = np.random.default_rng(3)
    for length in rng.integers(1, CONFIG.max_length, 20, endpoint=True):
        source.send(rng.normal(0, 2, length))  # real values; integers are elements as they travel
    await load_parameters(source, gamma=np.linspace(0.5, 1.5, CONFIG.max_length), beta=0.25, bank=1)
    for bank in rng.integers(CONFIG.banks, size=20):
        source.send(rng.integers(-128, 128, CONFIG.max_length), bank=bank)
    await scoreboard.finish()
