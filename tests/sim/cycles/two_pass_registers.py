"""The control of a two-pass unit, register by register and cycle by cycle."""

from collections import deque
from collections.abc import Callable, Sequence
from types import SimpleNamespace

from streamnorm_sim.cycles import TwoPassTiming


class _Dispatch:
    """Sends rows of ``sizes`` beats on their way, ``delay`` cycles after their end at the earliest.

    A place of ``places`` is taken by each beat; one that is given back may be taken ``returning`` cycles later.
    """

    def __init__(self, sizes: Sequence[int], *, delay: int, places: int, returning: int) -> None:
        self._sizes = iter(sizes)
        self._announced = deque([False] * (delay - 3))
        self._returned = deque([False] * (returning - 1))
        self._places, self._rows = places, 0
        self._head_valid, self._active, self._left = False, False, 0
        self.first = False

    @property
    def held_back(self) -> bool:
        return self._active and self._places == 0

    @property
    def issue(self) -> bool:
        return self._active and self._places > 0

    @property
    def last(self) -> bool:
        return self._left == 1

    def clock(self, ended: bool, returned: bool) -> None:
        """A clock edge, after a cycle in which a row ended and a place was given back, or not."""
        issue, free = self.issue, not self._active or (self.issue and self.last)
        fetch = self._rows > 0 and (not self._head_valid or free)
        self._announced.append(ended)
        self._rows += self._announced.popleft() - fetch
        if free:
            self._active, self.first = self._head_valid, True
            self._left = next(self._sizes) if self._head_valid else 0
        elif issue:
            self._left, self.first = self._left - 1, False
        self._head_valid = fetch or (self._head_valid and not free)
        self._returned.append(returned)
        self._places += self._returned.popleft() - issue


def simulate(
    timing: TwoPassTiming,
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
        (place < size, place == size - 1) for count, size in zip(sent, sizes, strict=True) for place in range(count)
    ]
    accepted: list[int] = []
    given: list[int] = []
    lost = dict.fromkeys(("source", "buffer", "slots", "interval", "sink", "credits"), 0)
    on_bus = ready = room_in_slots = room_in_buffer = False
    space, held, slots = True, 0, timing.row_slots
    beat_taken = row_taken = left = False
    releases = deque([False] * (timing.release_to_ready - 1))
    second = _Dispatch(sizes, delay=timing.end_to_second, places=timing.second_limit, returning=timing.issue_to_second)
    to_output = _Dispatch(
        sizes, delay=timing.end_to_issue, places=timing.output_depth, returning=timing.pop_to_issue
    )  # fmt: skip
    flight = deque([False] * (timing.issue_to_pop - 1))
    stored, out_valid = 0, False
    for cycle in range(limit):
        # Outputs of registers, and what follows from them within the cycle.
        ready = ready and cycle >= 2
        more = len(accepted) < len(beats)
        on_bus = on_bus or (more and offered[len(accepted)] <= cycle and source_open(cycle))
        take = end = False
        if on_bus and ready:
            take, end = beats[len(accepted)]
            accepted.append(cycle)
            on_bus = False
        elif more and cycle >= 2:
            lost["source" if not on_bus else "buffer" if room_in_slots else "slots"] += 1
        sink = sink_open(cycle)
        pop = stored > 0 and (not out_valid or sink)
        if out_valid and sink:
            given.append(cycle)
        lost["sink"] += out_valid and not sink
        lost["credits"] += to_output.held_back
        read, issue = second.issue, to_output.issue
        passed = read and second.last

        # The clock edge.
        releases.append(issue and to_output.first)
        second.clock(end, issue)
        to_output.clock(passed, pop)
        slots += releases.popleft() - row_taken
        room_in_slots, room_in_buffer = slots > 1, space
        ready = room_in_slots and room_in_buffer
        space = held < timing.buffer_limit
        held += beat_taken - left
        beat_taken, row_taken, left = take, end, read
        flight.append(issue)
        if not out_valid or sink:
            out_valid = stored > 0
        stored += flight.popleft() - pop
        if len(given) == sum(sizes) and not more:
            return SimpleNamespace(accepted=accepted, given=given, lost=lost)
    raise AssertionError(f"not done within {limit} cycles")
