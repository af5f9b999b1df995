import numpy as np
import pytest

from streamnorm.errors import CheckFailed
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.check.measure import Measured, measure, measure_cycles
from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.stalls import Stall
from streamnorm_sim.streams.trace import Trace
from streamnorm_sim.streams.traffic import Traffic


@pytest.fixture
def config():
    return NormConfig(norm="layernorm", lanes=2, max_length=8, input=IntFormat(8), output=IntFormat(8), epsilon=0.0)


def trace_of(config, traffic, input_cycles, output_cycles, last):
    count = len(output_cycles)
    outputs = Beats(
        np.zeros((count, 2), np.uint8), np.ones((count, 2), bool), np.array(last, bool), np.zeros(count, np.uint8)
    )
    return Trace.of(
        config,
        traffic,
        "by hand",
        outputs=outputs,
        input_cycles=np.array(input_cycles),
        load_cycles=np.zeros(0, np.int64),
        output_cycles=np.array(output_cycles),
        seconds=0.5,
    )


def test_cycles_are_counted_between_handshakes(config):
    # Two beats a row; the first row comes in from cycle 10 on and goes out from cycle 17 on.
    rows = np.ones((4, 4), int)
    inputs = [10, 11, 12, 13, 15, 16, 17, 18]
    outputs = [17, 19, 21, 22, 23, 24, 25, 27]
    trace = trace_of(config, Traffic(rows=rows), inputs, outputs, [0, 1] * 4)
    # Steady is the second half: from the end of row 1 in cycle 22 to that of row 3 in cycle 27.
    assert measure(trace) == Measured(L1=7, L2=6, L3=9, SS=2.5)
    assert trace.cycles == 28
    assert trace.cycles_per_second == 56


def test_a_wire_has_latency_0(config):
    cycles = list(range(8))
    trace = trace_of(config, Traffic(rows=np.ones((4, 4), int)), cycles, cycles, [0, 1] * 4)
    measured = measure(trace)
    assert measured == Measured(L1=0, L2=-1, L3=1, SS=2.0)
    assert repr(measured.to_dict()["SS"]) == "2"


def test_a_rate_that_is_not_whole_stays_so():
    assert Measured(L1=1, L2=1, L3=1, SS=4.75).to_dict()["SS"] == 4.75


@pytest.mark.parametrize(
    "traffic",
    [
        Traffic(rows=np.ones((4, 4), int), sink=Stall.random(0.1)),
        Traffic(rows=np.ones((4, 4), int), source=Stall.random(0.1)),
        Traffic(rows=np.ones((4, 4), int), reset_at=3),
        Traffic(rows=np.ones((1, 4), int)),
        Traffic(rows=np.ones((4, 4), int), lengths=[4, 2, 4, 4]),
    ],
    ids=["sink", "source", "reset", "one row", "lengths"],
)
def test_only_plain_runs_of_equal_rows_are_measured(config, traffic):
    trace = trace_of(config, traffic, range(8), range(8), [0, 1] * 4)
    with pytest.raises(ValueError, match="cycles are measured"):
        measure(trace)


@pytest.mark.parametrize("last", [[0, 1, 0, 1, 0, 1, 0, 0], [1, 0, 0, 1, 0, 1, 0, 1]])
def test_rows_that_came_out_otherwise_are_not_measured(config, last):
    trace = trace_of(config, Traffic(rows=np.ones((4, 4), int)), range(8), range(8), last)
    with pytest.raises(CheckFailed, match="4 rows went in"):
        measure(trace)


@pytest.mark.parametrize("n", [1, 2, 3, 8, None])
def test_a_unit_takes_the_planned_cycles(config, n):
    assert measure_cycles(config, n).to_dict() == vars(Plan.of(config).latency(n or 8))


@pytest.mark.parametrize("n", [0, 9])
def test_rows_of_no_possible_length_are_refused(config, n):
    with pytest.raises(ValueError, match=f"n = {n}: must be an integer from 1 to 8"):
        measure_cycles(config, n)
