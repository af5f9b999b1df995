"""The plan's L1, L2, L3 and SS, and the manifest's formulas, are what simulation measures."""

from math import ceil

import numpy as np
import pytest

from ladder.checks import traffic_of
from ladder.configurations import configuration, units
from ladder.promises import cycles_as_planned
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import manifest
from streamnorm_sim.check.measure import measure_cycles
from streamnorm_sim.engines import run
from streamnorm_sim.reference.rows import random_rows

UNITS = units()


def interesting_lengths(config: NormConfig) -> list[int]:
    full, lanes = config.max_length, config.lanes
    around = {1, 2, 3, full, full - 1, full // 2, config.min_length}
    around |= {beats * lanes + offset for beats in (1, 2, 3, 4, 7, 12) for offset in (-1, 0, 1)}
    return sorted(n for n in around if 1 <= n <= full)


@pytest.mark.parametrize("name", UNITS)
def test_measured_cycles_are_the_planned_ones(name: str) -> None:
    config = configuration(name)
    assert manifest(config, {})["latency"] == Plan.of(config).latency_formulas()
    for n, planned in cycles_as_planned(config, interesting_lengths(config)).items():
        if n >= config.min_length:
            assert planned["SS"] == ceil(n / config.lanes)


@pytest.mark.parametrize("name", UNITS)
def test_no_row_waits_for_another(name: str) -> None:
    config = configuration(name)
    for n in {config.min_length, min(config.max_length, config.min_length + config.lanes), config.max_length}:
        count = 20 + 300 // -(-n // config.lanes)
        lengths = np.full(count, n)
        trace = run(config, traffic_of(random_rows(config, count, np.random.default_rng(n), lengths=lengths)))
        assert (np.diff(trace.input_cycles) == 1).all(), f"{name}: n = {n}"
        assert (np.diff(trace.output_cycles) == 1).all(), f"{name}: n = {n}"


def test_rows_that_nearly_fill_a_block_ram_follow_each_other_without_a_gap() -> None:
    """500 beats wait for their statistic, and those that come meanwhile too: 512 words are too few for both."""
    config = configuration("below_a_block_ram")
    planned = vars(Plan.of(config).latency(4000))
    assert planned["SS"] == 500
    assert measure_cycles(config, 4000).to_dict() == planned


def test_a_result_never_comes_later_than_planned_when_rows_get_shorter_or_longer() -> None:
    """Rows of mixed length wait for those before them only, never for a slot or a credit."""
    config = configuration("bert_ecp5_200")
    batch = random_rows(config, 300, np.random.default_rng(9))
    trace = run(config, traffic_of(batch))
    beats = -(-batch.lengths // config.lanes)
    ends = np.cumsum(beats) - 1
    free = -1
    for row, (end, count) in enumerate(zip(ends, beats, strict=True)):
        first = max(int(trace.input_cycles[end]) + Plan.of(config).latency_cycles, free)
        assert trace.output_cycles[end - count + 1] == first, f"row {row}"
        free = first + int(count)
