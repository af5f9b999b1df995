"""Steps of a model on a simulated unit take the cycles that the workload says."""

import numpy as np
import pytest

from ladder.configurations import configuration
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.engines import run
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic
from streamnorm_sim.workload import Pool, Run
from streamnorm_sim.workload.timing import LOAD_CYCLES

INTEGERS = IntFormat(8, scale=0.1)
UNIT = NormConfig(norm="rmsnorm", lanes=4, max_length=64, input=INTEGERS, output=INTEGERS, epsilon=1e-5, gamma=1.5)


def simulated(lengths: list[int], unit: NormConfig = UNIT) -> tuple[int, int]:
    """First beat in to last beat in, and to last beat out, source and sink always willing."""
    rng = np.random.default_rng(4)
    rows = [rng.integers(-128, 128, length) for length in lengths]
    trace = run(unit, Traffic(rows=rows))
    first = trace.input_cycles[0]
    return int(trace.input_cycles[-1] - first), int(trace.output_cycles[-1] - first)


# Heads of queries and keys; q and k of unlike length (OLMo 2 with fewer key heads); a hidden row between short ones.
@pytest.mark.parametrize(
    "rows",
    [
        [(64, 1)],
        [(64, 6)],
        [(16, 8), (16, 2)],
        [(64, 3), (16, 3)],
        [(16, 3), (64, 3)],
        [(64, 1), (4, 9)],
        [(8, 5), (64, 1), (4, 6), (40, 2)],
        [(7, 4), (61, 2), (1, 3)],
    ],
)
def test_a_run_of_rows_takes_the_cycles_of_its_span(rows):
    span = Pool(Plan.of(UNIT)).span([Run(tuple(rows))])
    assert simulated([length for length, count in rows for _ in range(count)]) == (span.taken, span.total)


def test_units_in_turn_take_as_long_as_the_one_with_the_most():
    rows = [(64, 2), (16, 5)]
    lengths = [64] * 2 + [16] * 5
    shares = [simulated(lengths[unit::3])[1] for unit in range(3)]
    assert Pool(Plan.of(UNIT), 3).span([Run(tuple(rows))]).total == max(shares)


SHARED = NormConfig(
    norm="layernorm", lanes=4, max_length=64, min_length=64, input=IntFormat(16, scale=0.01),
    output=IntFormat(16, scale=0.01), epsilon=1e-5, gamma=1.5, target="ecp5-85k-6", clock_mhz=100,
)  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "exact"),
    [([(64, 3), (40, 3)], True), ([(64, 1), (4, 9)], True), ([(4, 40)], True), ([(4, 5), (64, 2)], False)],
)
def test_rows_shorter_than_the_interval_take_no_longer_than_said(rows, exact):
    plan = Plan.of(SHARED)
    assert plan.interval > 1
    total = simulated([length for length, count in rows for _ in range(count)], SHARED)[1]
    said = Pool(plan).span([Run(tuple(rows))]).total
    assert total == said if exact else total < said


# Rows of a few lengths, loads of a few lengths between them, the last of a single beat.
@pytest.mark.parametrize("name", ["ram", "ram_banks"])
def test_loads_take_the_cycles_that_are_said(name):
    unit = configuration(name)
    long, lanes = unit.max_length, unit.lanes
    runs = [
        Run(((long, 2),)), Run(((16, 5),), loaded=long // lanes * lanes), Run(((long, 1), (4, 3)), loaded=long),
        Run(((4, 1),), loaded=lanes),
    ]  # fmt: skip
    rng = np.random.default_rng(5)
    rows, loads = [], []
    for number, one in enumerate(runs):
        if one.loaded:
            gamma, beta = rng.integers(-5, 5, (2, one.loaded))
            loads.append(ParameterLoad(len(rows) - 1, gamma, beta, number % unit.banks))
        rows += [rng.integers(-128, 128, length) for length, count in one.rows for _ in range(count)]
    trace = run(unit, Traffic(rows=rows, loads=loads))
    span = Pool(Plan.of(unit)).span(runs)
    assert int(trace.output_cycles[-1] - trace.input_cycles[0]) == span.total
    assert span.loading == long // lanes + -(-long // lanes) + 1 + 3 * LOAD_CYCLES
