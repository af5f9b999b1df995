"""The output queue: order, latency, and a beat that stays until it is taken."""

import random
from types import SimpleNamespace

import pytest

from hw.simulation import run
from hw.units.units import unit
from streamnorm.units.block_output_queue import BlockOutputQueue
from streamnorm.units.output_queue import OutputQueue, output_queue_of
from streamnorm.units.streams import result_layout

OUTPUTS = ["o.valid", "o.payload", "released"]


@pytest.mark.parametrize("ready_share", [1.0, 0.5, 0.1])
@pytest.mark.parametrize(
    ("kind", "depth", "keys"),
    [
        (OutputQueue, 16, {}),
        (OutputQueue, 32, {}),
        (OutputQueue, 16, {"bypass": True}),
        (BlockOutputQueue, 16, {}),
        (BlockOutputQueue, 32, {}),
    ],
)
def test_order_under_stalls(ready_share, kind, depth, keys):
    queue = kind(result_layout(unit()), depth=depth, family="generic", **keys)
    width = len(queue.write_data.as_value())
    generator = random.Random(2)
    written: list[int] = []
    taken: list[int] = []
    state = SimpleNamespace(places=depth, ready=0, held=None, full=0)

    def step(cycle, seen):
        if seen is not None:
            if state.held is not None:  # offered, not taken: must be the same
                assert (seen["o.valid"], seen["o.payload"]) == (1, state.held), f"cycle {cycle} of seed 2"
            state.held = None
            if seen["o.valid"] and state.ready:
                taken.append(seen["o.payload"])
            elif seen["o.valid"]:
                state.held = seen["o.payload"]
            state.places += seen["released"]
        if (cycle > 600 and len(taken) == len(written)) or cycle > 8000:
            return None
        state.ready = int(generator.random() < (1 if cycle > 600 else ready_share))
        write = state.places > 0 and cycle < 600 and generator.random() < 0.8
        state.full += state.places == 0
        value = generator.getrandbits(width)
        if write:
            state.places -= 1
            written.append(value)
        return {"write": int(write), "write_data": value, "o.ready": state.ready}

    run(queue, step, OUTPUTS)
    assert taken == written
    assert len(taken) > 50
    if ready_share < 0.5:
        assert state.full > 0  # it was filled to the last place


@pytest.mark.parametrize(
    ("kind", "latency", "keys"), [(OutputQueue, 2, {}), (OutputQueue, 1, {"bypass": True}), (BlockOutputQueue, 3, {})]
)
def test_an_empty_queue_has_its_latency_and_then_gives_one_a_beat(kind, latency, keys):
    queue = kind(result_layout(unit()), depth=16, family="generic", **keys)
    valid = []

    def step(cycle, seen):
        if seen is not None and seen["o.valid"]:
            valid.append((cycle - 1, seen["o.payload"]))
        return {"write": int(4 <= cycle < 12), "write_data": cycle, "o.ready": 1} if cycle < 30 else None

    run(queue, step, OUTPUTS)
    assert queue.latency == latency
    assert valid == [(cycle + latency, cycle) for cycle in range(4, 12)]


@pytest.mark.parametrize(
    ("target", "number_format", "kind"),
    [
        ("ecp5-85k-6", "bf16", BlockOutputQueue),
        ("ecp5-85k-6", "int8", OutputQueue),
        ("ice40-up5k", "bf16", OutputQueue),
    ],
)
def test_floats_wait_in_block_ram_where_luts_could_hold_them(target, number_format, kind):
    config = unit(target=target, clock_mhz=12.0, input=number_format, output=number_format)
    queue = output_queue_of(config, depth=32)
    assert type(queue) is kind
    assert (queue.block_rams > 0) == (number_format == "bf16")
