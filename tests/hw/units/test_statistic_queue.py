"""A row's scale, centre and shift are those that were written for it, each at its own time."""

import random

import pytest

from hw.simulation import trace
from hw.units.units import unit
from streamnorm.spec.config import NormConfig
from streamnorm.units.algorithms import parts_of
from streamnorm.units.apply import Apply
from streamnorm.units.statistic import Statistic
from streamnorm.units.statistic_queue import StatisticQueue, earliest_meeting, read_latency, rings_apart, rows_waiting

CONFIGURATIONS = {
    "fast": unit(target="ecp5-85k-6", clock_mhz=200.0, lanes=8, max_length=300),
    "slow": unit(target="ecp5-85k-6", clock_mhz=50.0),
    "registered memory": unit(target="ecp5-85k-6", clock_mhz=212.0),
    "rmsnorm": unit(target="ecp5-85k-6", clock_mhz=200.0, norm="rmsnorm"),
    "block RAM": unit(target="ice40-up5k", clock_mhz=12.0),
    "floats": unit(target="ecp5-85k-6", clock_mhz=150.0, input="bf16", output="bf16"),
    "slow floats": unit(target="ecp5-85k-6", clock_mhz=40.0, input="bf16", output="bf16"),
    "fp32 RMSNorm": unit(target="ecp5-85k-6", clock_mhz=150.0, norm="rmsnorm", input="fp32", output="bf16"),
    "floats in block RAM": unit(target="ice40-up5k", clock_mhz=12.0, input="bf16", output="bf16"),
}
REGISTERED = ("registered memory", "floats", "fp32 RMSNorm")


def blocks(config: NormConfig) -> tuple[Statistic, Apply]:
    kinds, apart = parts_of(config), rings_apart(config)
    moments = kinds.moments(config)
    cycles = tuple(getattr(moments, f"{name}_cycle") for name in moments.names)
    return kinds.statistic(config, moments, cycles=cycles, apart=apart), kinds.apply(
        config, d_delay=0.0, parameter_delay=0.0, apart=apart
    )


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_value_is_its_rows(name):
    config = CONFIGURATIONS[name]
    statistic, apply = blocks(config)
    depth, generator = 16, random.Random(3)
    late, wait = statistic.centre_cycle - statistic.scale_cycle, apply.centre_cycle
    refilled = max(0, wait - late)
    latency = read_latency(config, rows_waiting(statistic, apply))
    queue = StatisticQueue(config, statistic, apply, depth=depth, refilled=refilled, latency=latency)
    assert queue.latency == (2 if name in REGISTERED else 1)
    early = statistic.outputs[: statistic.early_outputs] if rings_apart(config) else statistic.outputs
    # The first difference of a row may meet its statistic as soon as it can be.
    soonest = earliest_meeting(statistic, apply, latency) - latency - statistic.scale_cycle
    widths = {key: len(getattr(statistic, key)) for key in statistic.outputs}
    length = 400
    inputs: list[dict[str, int]] = [{"write": 0, "advance": 0} for _ in range(length + late)]
    expected: dict[tuple[int, str], int] = {}
    waiting: list[tuple[int, dict[str, int]]] = []
    freed: list[int] = []
    for cycle in range(length):
        share = 0.9 if cycle // 100 % 2 else 0.3
        if waiting and cycle >= waiting[0][0] + soonest and generator.random() < share:
            _, values = waiting.pop(0)
            freed.append(cycle + refilled)
            inputs[cycle]["advance"] = 1
            for key, value in values.items():
                expected[cycle + queue.latency + wait * (key not in early), key] = value
        freed = [free for free in freed if free > cycle]
        if len(waiting) + len(freed) < depth and generator.random() < 0.6:
            values = {key: generator.getrandbits(width) for key, width in widths.items()}
            inputs[cycle] |= {"write": 1}
            for key, value in values.items():
                inputs[cycle + late * (key not in early)][key] = value
            waiting.append((cycle, values))
    seen = trace(queue, inputs, [f"row_{key}" for key in widths])
    assert len(expected) > 200
    for key in widths:
        value = None
        for cycle in range(length):
            value = expected.get((cycle, key), value)  # it stays until the next one's
            if value is not None:
                assert seen[cycle][f"row_{key}"] == value, f"{key} in cycle {cycle} of seed 3"


def test_scale_goes_ahead_where_memories_are_made_of_luts():
    statistic, apply = blocks(CONFIGURATIONS["fast"])
    assert 0 < statistic.centre_cycle - statistic.scale_cycle <= apply.centre_cycle
    statistic, apply = blocks(CONFIGURATIONS["block RAM"])
    assert (statistic.scale_cycle, apply.centre_cycle) == (statistic.centre_cycle, 0)


@pytest.mark.parametrize(
    ("name", "clock", "latencies"),
    [
        ("ecp5-85k-6", 212.0, (2, 2)),
        ("ecp5-85k-6", 200.0, (1, 2)),
        ("ecp5-85k-6", 150.0, (1, 1)),
        ("ecp5-25k-8", 400.0, (2, 2)),
        ("ecp5-25k-8", 250.0, (1, 2)),
    ]
    + [(name, clock, (1, 1)) for name in ("generic", "ice40-hx8k", "ice40-up5k") for clock in (12.0, 400.0)],
)
def test_wide_memories_in_luts_are_registered_where_clock_and_depth_ask_for_it(name, clock, latencies):
    assert tuple(read_latency(unit(target=name, clock_mhz=clock), rows) for rows in (32, 33)) == latencies
