"""Runs within a simulator, on the stand-in for a unit of floating-point numbers: rows and their flags."""

import cocotb
import numpy as np
import pytest
from cocotb.clock import Clock

from float_stand_in import FP16, StandInModel, config
from streamnorm import CheckFailed
from streamnorm_sim.cocotb import RowSink, RowSource, Scoreboard, reset, scoreboard

CONFIG = config()
scoreboard.golden_model = StandInModel  # type: ignore[assignment]


@cocotb.test()
async def rows_come_with_their_flags(dut):
    Clock(dut.aclk, 10, unit="ns").start()
    source = RowSource(dut, CONFIG, stall=0.2, seed=1)
    board = Scoreboard(source, RowSink(dut, CONFIG, stall=0.3, seed=2))
    await reset(dut)
    rows = [[1.0, np.nan, 2.0, -0.5], [np.inf], [3.0] * 14, np.array([FP16.code_of_largest, 5])]
    for row in rows:
        source.send(row)
    got = [await board.check() for _ in rows]
    assert [row.flags for row in got] == [1, 2, 0, 4]
    assert got[0].elements.tolist() == [0x3C00, 0x7E00, 0x4000, 0xB800 - (1 << 16)]
    assert not any(row.error for row in got)
    StandInModel.wrong = 0
    source.send([np.nan])
    with pytest.raises(CheckFailed, match=r"^row 4: got flags nan, want overflow$"):
        await board.check()
