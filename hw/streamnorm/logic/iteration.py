"""The same step again and again: one behind the other, or one piece of logic that a value goes around in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from amaranth.hdl import Const, Module, Signal, unsigned

from .pipeline import Pipeline, Timed

__all__ = ["Step", "iterate"]

Step = Callable[[Pipeline, Timed, Sequence[Timed], Sequence[Timed]], Sequence[Timed]]
"""From a pipeline, the number of the step, the state and what does not change, to the state after the step."""


def iterate(
    p: Pipeline, name: str, count: int, step: Step, state: Sequence[Timed], held: Sequence[Timed] = ()
) -> list[Timed]:
    """The state after ``count`` steps, each ``step(pipeline, number, state, held)`` with numbers from 0.

    Where ``p`` takes an operation every cycle, the steps stand one behind the other. Where it takes one every
    ``p.interval`` cycles, the state goes around in one piece of logic as often as that allows, and then on to the next
    piece: ``ceil(count / rounds)`` of them, with ``rounds = interval // cycles of a step``. A step of several cycles is
    a pipeline with an interval of its own, so that its products share multipliers, and it may iterate in its turn.

    A step keeps the shapes of the state, and what it computes depends on nothing else; ``held`` values are there, and
    stay, for all steps. The number of the step is a constant where steps stand one behind the other.
    """
    state, held = list(state), list(held)
    loop = _loop_of(p, count, step, state, held)
    done = 0
    while done < count:
        left = count - done
        if loop is None or left == 1:
            number = p.constant(done, unsigned(max(1, (count - 1).bit_length())))
            state = list(step(p, number, state, held))
            done += 1
            continue
        rounds = min(loop[0], left)
        state = _go_around(p, name, done, count, rounds, loop[1], step, state, held)
        done += rounds
    return state


def _loop_of(
    p: Pipeline, count: int, step: Step, state: Sequence[Timed], held: Sequence[Timed]
) -> tuple[int, int] | None:
    """How often a state goes around in a piece of logic, and the cycles of a step; None where it does not."""
    tried: dict[int, int] = {}
    for rounds in range(min(count, p.interval), 1, -1):
        interval = p.interval // rounds
        if interval not in tried:
            tried[interval] = _cycles(p, count, interval, step, state, held)
        if tried[interval] <= interval:
            return rounds, tried[interval]
    return None


def _cycles(p: Pipeline, count: int, interval: int, step: Step, state: Sequence[Timed], held: Sequence[Timed]) -> int:
    """Cycles from one step to the next where a step may take ``interval`` of them; one is built to find out."""
    values = [[Signal(timed.value.shape()) for timed in group] for group in (state, held)]
    probe = _Body(p, Module(), "probe", count, interval, Signal(), step, *values)
    return probe.cycles


class _Body:
    """A step as logic between registers.

    Attributes
    ----------
    result : the state after it; its cycles are counted from that of the state
    cycles : from one step to the next
    """

    def __init__(
        self,
        p: Pipeline,
        m: Module,
        name: str,
        count: int,
        interval: int,
        start: Signal,
        step: Step,
        state: Sequence[Signal],
        held: Sequence[Signal],
    ) -> None:
        self.number = Signal(range(count), name=f"{name}_number", reset_less=True)
        self.pipeline = q = Pipeline(m, p.target, name, interval=interval, start=start)
        inputs = [[q.input(value) for value in group] for group in (state, held)]
        self.result = list(step(q, q.input(self.number), *inputs))
        end = max(timed.cycle for timed in self.result)
        self.result = [q.delayed(timed, end) for timed in self.result]
        self.cycles = end + 1


def _go_around(
    p: Pipeline,
    name: str,
    first: int,
    count: int,
    rounds: int,
    cycles: int,
    step: Step,
    state: Sequence[Timed],
    held: Sequence[Timed],
) -> list[Timed]:
    """The state after ``rounds`` steps from number ``first`` on, in one piece of logic."""
    m, label = p.module, p.label(name)
    aligned, _ = p.align(*state, *held, delay=p.target.family.mux)
    cycle = aligned[0].cycle
    load = p.started(cycle)
    before, unchanging = aligned[: len(state)], aligned[len(state) :]
    registers = [
        Signal(timed.value.shape(), name=f"{label}_state_{place}", reset_less=True)
        for place, timed in enumerate(before)
    ]
    constants = [
        timed.value
        if isinstance(timed.value, Const)
        else Signal(timed.value.shape(), name=f"{label}_held_{place}", reset_less=True)
        for place, timed in enumerate(unchanging)
    ]
    # 1 as a step begins, and as its result is there.
    begins, ends = Signal(name=f"{label}_begins"), Signal(name=f"{label}_ends")
    body = _Body(p, m, f"{label}_step", count, p.interval // rounds, begins, step, registers, constants)
    assert body.cycles == cycles
    p.multipliers += body.pipeline.multipliers
    p.block_rams += body.pipeline.block_rams
    number = body.number
    if cycles == 1:
        m.d.comb += ends.eq(1)  # what goes around when nothing was loaded is of no use to anybody
    else:
        m.d.comb += ends.eq(body.pipeline.started(cycles - 1))
        m.d.sync += begins.eq(load | (ends & (number != first + rounds - 1)))
    with m.If(load):
        m.d.sync += number.eq(first)
        m.d.sync += [register.eq(timed.value) for register, timed in zip(registers, before, strict=True)]
        m.d.sync += [
            kept.eq(timed.value) for kept, timed in zip(constants, unchanging, strict=True) if isinstance(kept, Signal)
        ]
    with m.Elif(ends):
        m.d.sync += number.eq(number + 1)
        m.d.sync += [register.eq(timed.value) for register, timed in zip(registers, body.result, strict=True)]
    there = cycle + rounds * cycles
    return [Timed(timed.value, there, timed.delay) for timed in body.result]
