"""The control of a unit without a statistic, register by register and cycle by cycle."""

from collections import deque
from collections.abc import Callable, Sequence
from types import SimpleNamespace

from streamnorm_sim.cycles import StaticTiming


def simulate(
    timing: StaticTiming,
    kept: Sequence[bool],
    offered: Sequence[int],
    source_open: Callable[[int], bool],
    sink_open: Callable[[int], bool],
    limit: int = 100_000,
) -> SimpleNamespace:
    """Cycles of every input and output beat, and what was lost, of beats that are kept or swallowed.

    ``offered``: from which cycle on there is each beat; ``source_open``, ``sink_open``: whether a cycle is.
    """
    accepted: list[int] = []
    given: list[int] = []
    lost = dict.fromkeys(("source", "buffer", "slots", "fill", "rows", "interval", "sink", "credits"), 0)
    on_bus = ready = taken = released = False
    space, held = True, 0
    flight = deque([False] * timing.accepted_to_pop, maxlen=timing.accepted_to_pop)
    stored, out_valid = 0, False
    for cycle in range(limit):
        # Outputs of registers, and what follows from them within the cycle.
        ready = ready and cycle >= 2
        more = len(accepted) < len(kept)
        on_bus = on_bus or (more and offered[len(accepted)] <= cycle and source_open(cycle))
        take = False
        if on_bus and ready:
            take = kept[len(accepted)]
            accepted.append(cycle)
            on_bus = False
        elif more and cycle >= 2:
            lost["buffer" if on_bus else "source"] += 1
        sink, write = sink_open(cycle), flight[0]
        pop = (stored > 0 or write) and (not out_valid or sink)
        if out_valid:
            if sink:
                given.append(cycle)
            lost["sink"] += not sink
        elif cycle >= 2 and len(given) < sum(kept):
            lost["rows" if given else "fill"] += 1
        if len(given) == sum(kept) and len(accepted) == len(kept):
            return SimpleNamespace(accepted=accepted, given=given, lost=lost)

        # The clock edge.
        if not out_valid or sink:
            out_valid = pop
        stored += write - pop
        flight.append(take)
        ready = space
        space = held < timing.limit
        held += taken - released
        taken, released = take, pop
    raise AssertionError(f"not done within {limit} cycles")
