"""The text of write_cxxrtl made quick: registers and memories are written in place, each behind all that reads it.

CXXRTL computes what registers take at an edge beside what they have, and copies the one over the other when all of
it is there; writes to memories wait in queues. A pipeline needs neither where its steps are in the right order.
"""

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

__all__ = ["in_place"]

_WRITTEN = re.compile(r"\b(\w+)\.next\b|\b(memory_\w+)\.update\(")
_READ = re.compile(r"\b(\w+)\.curr\b|\b(memory_\w+)\[")
_COMMIT = re.compile(r"\t\tif \((\w+)\.commit\(observer\)\) changed = true;\n")
_WRITE = """#include <cxxrtl/cxxrtl.h>

template <size_t Bits>
void write_now(cxxrtl::memory<Bits> &memory, size_t index, cxxrtl::value<Bits> val, cxxrtl::value<Bits> mask, int) {
    memory.data[index] = memory.data[index].update(val, mask);
}

"""


def in_place(text: str, clock: str) -> str:
    """Return the text of a design whose ``eval()`` is called at rising edges of ``clock`` only, once for each.

    Outputs may be read between ``eval()`` and ``commit()``, and are what they were before the edge. ``reset()`` serves
    the constructor only. Where the text is not as expected it stays as it is, which is slower and just as right.
    """
    head, begin, rest = text.partition("bool p_top::eval(performer *performer) {\n")
    body, end, tail = rest.partition("\treturn converged;\n")
    if not end:
        return text
    edge = f"posedge_p_{clock}"
    clocked = re.compile(rf"(?:\t//[^\n]*\n)*\tif \({edge}\) \{{\n(.*?)\n\t\}}\n", re.DOTALL)
    steps = [found[1] for found in clocked.finditer(body)]
    # What does not wait for the edge reads registers, and goes first.
    settling = clocked.sub("", body)
    written = Counter(name for step in steps for name in _names(_WRITTEN, step))
    movable = {name for name in _COMMIT.findall(head) if written[name] == 1}
    movable -= {*re.findall(r"/\*output\*/ wire<\d+> (\w+);", head), *_names(_WRITTEN, settling)}
    steps, moved = _ordered(steps, movable)

    def committed(found: re.Match[str]) -> str:
        if found[1] in moved:
            return ""
        return found[0] if found[1].startswith("memory_") else f"\t\t{found[1]}.curr = {found[1]}.next;\n"

    head = _COMMIT.sub(committed, head)
    head = re.sub(r"^\t\w+ = wire<\d+>\{0u(?:,0u)*\};\n", "", head, flags=re.MULTILINE)  # they are born as 0
    settling = settling.replace(f"bool {edge} = this->{edge}();", f"constexpr bool {edge} = true;")
    return _WRITE + head + begin + settling + "".join(f"\t{{\n{step}\n\t}}\n" for step in steps) + end + tail


def _names(pattern: re.Pattern[str], text: str) -> set[str]:
    return {register or memory for register, memory in pattern.findall(text)}


def _ordered(steps: Sequence[str], movable: set[str]) -> tuple[list[str], set[str]]:
    """Return the steps of an edge in an order, written in place, and the registers and memories this is done with.

    Of steps that wait for one another in a ring, some keep what is committed later.
    """
    reads = [_names(_READ, step) for step in steps]
    # A step of several lines may read what it has written.
    writes = [
        (_names(_WRITTEN, step) & movable) - (read if "\n" in step else set())
        for step, read in zip(steps, reads, strict=True)
    ]
    readers = defaultdict(set)
    for index, read in enumerate(reads):
        for name in read:
            readers[name].add(index)
    waits = [set().union(*(readers[name] for name in write)) - {index} for index, write in enumerate(writes)]
    frees = defaultdict(list)
    for index, others in enumerate(waits):
        for other in others:
            frees[other].append(index)
    queue = [(len(others), index) for index, others in enumerate(waits)]
    heapq.heapify(queue)
    order: list[str] = []
    moved: set[str] = set()
    done: set[int] = set()
    while queue:
        count, index = heapq.heappop(queue)
        if index in done or count != len(waits[index]):
            continue  # it has been queued again, with fewer to wait for
        done.add(index)
        now = set() if count else writes[index]
        moved |= now
        order.append(_written_now(steps[index], now))
        for waiting in frees[index]:
            if waiting not in done:
                waits[waiting].discard(index)
                heapq.heappush(queue, (len(waits[waiting]), waiting))
    return order, moved


def _written_now(step: str, names: set[str]) -> str:
    def replaced(found: re.Match[str]) -> str:
        if (found[1] or found[2]) not in names:
            return found[0]
        return f"{found[1]}.curr" if found[1] else f"write_now({found[2]}, "

    return _WRITTEN.sub(replaced, step)
