"""The output queue: order, latency, and a beat that stays until it is taken."""

import random
from types import SimpleNamespace

import pytest

from hw.simulation import run
from hw.units.units import unit
from streamnorm.units import output_queue
from streamnorm.units.output_queue import OutputQueue

OUTPUTS = ["o.valid", "o.payload", "released"]


@pytest.mark.parametrize("ready_share", [1.0, 0.5, 0.1])
@pytest.mark.parametrize(("depth", "bypass"), [(16, False), (32, False), (16, True)])
def test_order_under_stalls(ready_share, depth, bypass):
    queue = OutputQueue(unit(), depth=depth, family="generic", bypass=bypass)
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


@pytest.mark.parametrize("bypass", [False, True])
def test_an_empty_queue_takes_two_cycles_or_by_passing_one_and_then_one_a_beat(bypass):
    queue = OutputQueue(unit(), depth=16, family="generic", bypass=bypass)
    valid = []

    def step(cycle, seen):
        if seen is not None and seen["o.valid"]:
            valid.append((cycle - 1, seen["o.payload"]))
        return {"write": int(4 <= cycle < 12), "write_data": cycle, "o.ready": 1} if cycle < 30 else None

    run(queue, step, OUTPUTS)
    assert queue.latency == output_queue.LATENCY - bypass
    assert valid == [(cycle + queue.latency, cycle) for cycle in range(4, 12)]
