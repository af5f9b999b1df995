"""The unit's control, register by register and cycle by cycle: slow, and too plain to be wrong as the model may."""

from collections import deque
from collections.abc import Callable, Sequence
from types import SimpleNamespace

from streamnorm_sim.cycles.model.timing import Timing


def _line(length: int) -> deque[int]:
    """A value appended comes to its front so many cycles later."""
    return deque([0] * length, maxlen=length)


def simulate(
    timing: Timing,
    sent: Sequence[int],
    offered: Sequence[int],
    source_open: Callable[[int], bool],
    sink_open: Callable[[int], bool],
    limit: int = 100_000,
) -> SimpleNamespace:
    """Cycles of every input and output beat, and what was lost, of rows of ``sent`` beats.

    ``offered``: from which cycle on there is each beat; ``source_open``, ``sink_open``: whether a cycle is.
    """
    sizes = [min(count, timing.max_beats) for count in sent]
    beats = [
        (place < size, place == min(size, timing.statistic_beats) - 1, 0 < place < size, place == size - 1)
        for count, size in zip(sent, sizes, strict=True)
        for place in range(count)
    ]
    accepted: list[int] = []
    given: list[int] = []
    lost = dict.fromkeys(("source", "buffer", "slots", "sink", "credits"), 0)
    on_bus = ready = room_in_slots = room_in_buffer = False
    space, held, slots = True, 0, timing.row_slots
    beat_taken = row_taken = released = False
    releases = deque([False] * (timing.release_to_ready - 1))
    complete_rows, busy = 0, 0
    known, told, ended = 0, _line(timing.beat_to_issue - 1), False
    announced = _line(timing.end_to_issue - 4)
    announced_rows, head_valid, head, next_row = 0, False, 0, 0
    active, left, first = False, 0, False
    credits, returned = timing.output_depth, _line(timing.pop_to_issue - 1)
    flight = _line(timing.issue_to_pop - 1)
    stored, out_valid = 0, False
    for cycle in range(limit):
        # Outputs of registers, and what follows from them within the cycle.
        ready = ready and cycle >= 2
        more = len(accepted) < len(beats)
        on_bus = on_bus or (more and offered[len(accepted)] <= cycle and source_open(cycle))
        take = complete = follows = end = False
        if on_bus and ready:
            take, complete, follows, end = beats[len(accepted)]
            accepted.append(cycle)
            on_bus = False
        elif more and cycle >= 2:
            lost["source" if not on_bus else "buffer" if room_in_slots else "slots"] += 1
        sink = sink_open(cycle)
        pop = stored > 0 and (not out_valid or sink)
        if out_valid and sink:
            given.append(cycle)
        lost["sink"] += out_valid and not sink
        may = active and (known > 0 or not timing.early)
        issue = may and credits > 0
        lost["credits"] += may and not credits
        free = not active or (issue and left == 1)
        fetch = announced_rows > 0 and (not head_valid or free)
        starts_statistic = complete_rows > 0 and busy == 0

        # The clock edge.
        releases.append(issue and first)
        slots += releases.popleft() - row_taken
        room_in_slots, room_in_buffer = slots > 1, space
        ready = room_in_slots and room_in_buffer
        space = held < timing.buffer_limit
        held += beat_taken - released
        beat_taken, row_taken, released = take, complete, issue
        announced_rows += announced[0] - fetch
        announced.append(starts_statistic)
        busy = timing.interval - 1 if starts_statistic else max(busy - 1, 0)
        complete_rows += complete - starts_statistic
        known += told[0] - issue
        told.append(follows or ended)
        ended = end
        if free:
            active, first, left = head_valid, True, sizes[head] if head_valid else 0
        elif issue:
            left, first = left - 1, False
        head_valid = fetch or (head_valid and not free)
        if fetch:
            head, next_row = next_row, next_row + 1
        credits += returned[0] - issue
        returned.append(pop)
        if not out_valid or sink:
            out_valid = stored > 0
        stored += flight[0] - pop
        flight.append(issue)
        if len(given) == sum(sizes) and not more:
            return SimpleNamespace(accepted=accepted, given=given, lost=lost)
    raise AssertionError(f"not done within {limit} cycles")
