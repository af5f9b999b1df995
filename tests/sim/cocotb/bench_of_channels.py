"""Runs within a simulator: rows that take the banks in turn, loads of a value for each channel, a reset between."""

from pathlib import Path

import cocotb
import numpy as np
import pytest
from cocotb.clock import Clock

from streamnorm import ConfigError, NormConfig
from streamnorm_sim.cocotb import RowSink, RowSource, Scoreboard, load_parameters, reset

CONFIG = NormConfig.from_toml(Path("unit.toml"))


@cocotb.test()
async def rows_take_their_turn(dut):
    Clock(dut.aclk, 10, unit="ns").start()
    source = RowSource(dut, CONFIG, stall=0.2, seed=1)
    scoreboard = Scoreboard(source, RowSink(dut, CONFIG, stall=0.3, seed=2))
    await reset(dut)
    rng = np.random.default_rng(3)
    with pytest.raises(ConfigError, match=r'^bank = 1: with bank_order = "cyclic" rows take the banks in turn$'):
        source.send([1, 2], bank=1)
    row = rng.integers(-128, 128, CONFIG.max_length)

    async def some_rows(count: int) -> list[tuple[int, ...]]:
        for _ in range(count):
            source.send(row)
        source.send(np.append(row, row))  # is cut, and takes its turn
        return [tuple((await scoreboard.check()).elements) for _ in range(count + 1)]

    first = await some_rows(4)
    assert len(set(first)) == CONFIG.banks == 3
    assert first[3] == first[0]
    await load_parameters(source, gamma=np.linspace(0.5, 1.5, CONFIG.bank_values), beta=0.25, bank=1)
    assert (await some_rows(3))[1] == first[0]  # rows 5 to 8: banks 2, 0, 1, 2
    source.send(row)
    await reset(dut)
    scoreboard.clear()
    assert (await some_rows(3))[0] == first[0]  # bank 0 again, not 1
    await scoreboard.finish()
