"""Flags of rows from a unit of floating-point numbers to the comparison, on every engine."""

import numpy as np
import pytest

import streamnorm.verilog.axi
from float_stand_in import FP16, FloatStandIn, StandInModel, config
from streamnorm_sim.check import compare as comparison
from streamnorm_sim.check.compare import compare
from streamnorm_sim.engines import run
from streamnorm_sim.reference.rows import corner_rows, random_rows
from streamnorm_sim.streams import stimulus
from streamnorm_sim.streams.stalls import parse_stalls
from streamnorm_sim.streams.traffic import Traffic

CONFIG = config()


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    monkeypatch.setattr(streamnorm.verilog.axi, "fused_unit", FloatStandIn)
    monkeypatch.setattr(comparison, "golden_model", StandInModel)
    monkeypatch.setattr(stimulus, "_scanning", lambda config: 0)  # of its plan, which the stand-in has not


def traffic(count, stall="none"):
    rng = np.random.default_rng(7)
    rows = [row for _, row in corner_rows(CONFIG, rng).values()] + random_rows(CONFIG, count, rng).list()
    source, sink = parse_stalls(stall)
    return Traffic(rows=rows, source=source, sink=sink, seed=3)


@pytest.mark.parametrize("engine", ["cxxrtl", "pysim", "icarus"])
def test_flags_come_with_their_rows(engine):
    trace = run(CONFIG, traffic(40, "0.3"), engine)
    assert compare(trace).first is None
    batch = trace.traffic.batch
    assert batch is not None
    assert trace.rows.flags.dtype == np.uint8
    assert trace.rows.flags.tolist() == StandInModel(CONFIG).flags(batch.x, batch.lengths).tolist()
    assert set(trace.rows.flags) >= {0, 1, 2, 3, 4}
    assert not trace.rows.errors.any()
    assert not trace.outputs.user[~trace.outputs.last].any()


def test_flags_that_differ_are_reported(monkeypatch):
    nan = [0, FP16.code_of_nan, 5]
    sent = Traffic(rows=[[1, 2], nan, [FP16.code_of_infinity]], seed=9)
    trace = run(CONFIG, sent, "pysim")
    for wrong, count, message in (
        (0, 2, "row 10: got flags none, want nan, overflow (seed 9)"),
        (1, 3, "row 11: got flags nan, want overflow (seed 9)"),
        (2, 1, "row 12: got flags infinite, want nan, infinite, overflow (seed 9)"),
    ):
        monkeypatch.setattr(StandInModel, "wrong", wrong)
        found = compare(trace, first_row=10)
        assert (found.mismatches, found.first) == (count, message)


def test_rows_before_and_after_a_reset_keep_their_flags():
    rows = [[FP16.code_of_nan] * 7, [1] * 7, [FP16.code_of_infinity] * 7, [2] * 7, [FP16.code_of_largest] * 7]
    trace = run(CONFIG, Traffic(rows=rows, reset_at=45), "pysim")
    assert compare(trace).first is None
    assert 0 < len(trace.rows) < 5
    assert trace.rows.flags[0] == 1
    assert trace.rows.flags[-1] == 4
