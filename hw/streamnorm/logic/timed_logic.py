"""Values that know when they are there, and the logic that keeps them in step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, Value, ValueCastable, unsigned

from streamnorm.spec.targets import Target

__all__ = ["Timed", "TimedLogic"]


@dataclass(frozen=True, eq=False)
class Timed:
    """A value together with when it is there.

    ``cycle`` counts clock edges since the pipeline's input; ``delay`` is the logic (ns) between the last register
    and this value.
    """

    value: Value
    cycle: int
    delay: float = 0.0

    @property
    def width(self) -> int:
        return len(self.value)

    @property
    def signed(self) -> bool:
        return self.value.shape().signed

    def bits(self, start: int, stop: int) -> "Timed":
        """The unsigned field ``value[start:stop]``."""
        return Timed(self.value[start:stop], self.cycle, self.delay)

    def as_signed(self) -> "Timed":
        return Timed(self.value.as_signed(), self.cycle, self.delay)


class TimedLogic:
    """Builds feed-forward logic that takes a new operation every cycle, or every ``interval`` cycles.

    Every method takes and returns :class:`Timed` values. Operands of different age are aligned with registers, and
    an operation that no longer fits in the current cycle starts in the next one. Data registers have no reset.
    The throughput is one operation in ``interval`` cycles; the latency is the ``cycle`` of the result.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    target : Target
        Decides what fits in a cycle.
    name : str
        Prefix of the signals, so that a timing report names the block.
    interval : int
        Cycles from one operation to the next, at least.
    start : Value
        With an interval above 1: 1 in cycle 0 of an operation.

    Attributes
    ----------
    logic_bits, register_bits : bits that are computed, and bits that are kept from cycle to cycle, so far
    """

    def __init__(self, m: Module, target: Target, name: str, *, interval: int = 1, start: Value | None = None) -> None:
        assert interval == 1 or start is not None
        self._m = m
        self._target = target
        self._name = name
        self._registers: dict[tuple[int, int | None], tuple[Value, Signal]] = {}
        self._counts: dict[str, int] = {}
        self._interval = interval
        self.logic_bits = 0
        self.register_bits = 0
        self._starts: list[Value] = [] if start is None else [start]

    @property
    def target(self) -> Target:
        """What decides what fits in a cycle."""
        return self._target

    @property
    def module(self) -> Module:
        """Where the logic goes."""
        return self._m

    @property
    def interval(self) -> int:
        """Cycles from one operation to the next, at least."""
        return self._interval

    # -- time -------------------------------------------------------------------------------------------------

    def label(self, name: str) -> str:
        """A name of a signal that no other has."""
        count = self._counts[name] = self._counts.get(name, -1) + 1
        return f"{self._name}_{name}_{count}"

    def input(self, value: Value, cycle: int = 0, delay: float = 0.0) -> Timed:
        """A value that comes in at ``cycle`` with ``delay`` ns of logic behind a register."""
        return Timed(value, cycle, delay)

    def drive(self, port: Value, timed: Timed) -> None:
        """Makes ``port`` the value, which is there at its own cycle."""
        self._m.d.comb += port.eq(timed.value)

    def constant(self, value: int, shape: Shape) -> Timed:
        return Timed(Const(value, shape), 0)

    def started(self, cycle: int) -> Value:
        """1 in that cycle of an operation; only with an interval above 1."""
        while len(self._starts) <= cycle:
            later = Signal(name=f"{self._name}_start_{len(self._starts)}")
            self._m.d.sync += later.eq(self._starts[-1])
            self._starts.append(later)
        return self._starts[cycle]

    def delayed(self, timed: Timed, cycle: int) -> Timed:
        """The same value at a later cycle (a register for each cycle, or, with an interval above 1, for each interval;
        shared between users)."""
        assert cycle >= timed.cycle
        if isinstance(timed.value, Const):
            return Timed(timed.value, cycle)
        if self._interval > 1 and cycle - timed.cycle > 1:
            held = timed
            while held.cycle < cycle:
                held = Timed(self._held(held.value, held.cycle), min(held.cycle + self._interval, cycle))
            return held
        value = timed.value
        for _ in range(timed.cycle, cycle):
            key: tuple[int, int | None] = (id(value), None)
            if key not in self._registers:
                register = Signal(value.shape(), reset_less=True, name=self.label("q"))
                self._m.d.sync += register.eq(value)
                self.register_bits += len(register)
                self._registers[key] = (value, register)  # keeps ``value`` alive: its id is the key
            value = self._registers[key][1]
        return Timed(value, cycle, timed.delay if cycle == timed.cycle else 0.0)

    def _held(self, value: Value, cycle: int) -> Value:
        """The value of that cycle, in the ``interval`` cycles after it."""
        key: tuple[int, int | None] = (id(value), cycle)
        if key not in self._registers:
            register = Signal(value.shape(), reset_less=True, name=self.label("held"))
            with self._m.If(self.started(cycle)):
                self._m.d.sync += register.eq(value)
            self.register_bits += len(register)
            self._registers[key] = (value, register)
        return self._registers[key][1]

    def carried(self, timed: Timed, distance: float) -> Timed:
        """The same value where it comes ``distance`` ns later, unless it comes from a register of its own."""
        return timed if timed.delay == 0.0 else replace(timed, delay=timed.delay + distance)

    def registered(self, timed: Timed) -> Timed:
        """The value one cycle later, straight from a register; unchanged if it is one already."""
        return timed if timed.delay == 0.0 else self.delayed(timed, timed.cycle + 1)

    def cleared(self, timed: Timed, clear: Timed) -> Timed:
        """The value one cycle later, 0 where ``clear`` is 1: the register's own clear, which takes no logic."""
        assert self._interval == 1
        # To a clear input it is about a level of logic farther than to a register's data.
        aligned, _ = self.align(timed, self.carried(clear, self._target.family.lut))
        if aligned[1].delay > self._target.budget:
            aligned = [self.delayed(value, aligned[0].cycle + 1) for value in aligned]
        register = Signal(timed.value.shape(), reset_less=True, name=self.label("cleared"))
        with self._m.If(aligned[1].value):
            self._m.d.sync += register.eq(0)
        with self._m.Else():
            self._m.d.sync += register.eq(aligned[0].value)
        self.register_bits += len(register)
        return Timed(register, aligned[0].cycle + 1)

    def align(self, *inputs: Timed, delay: float = 0.0, limit: float | None = None) -> tuple[list[Timed], float]:
        """All inputs at one cycle in which ``delay`` ns more fit; also the delay at which they arrive.

        ``limit``: inputs must arrive within so many ns, for operands of hard blocks.
        """
        cycle = max(timed.cycle for timed in inputs)
        late = [timed for timed in inputs if timed.cycle == cycle and not isinstance(timed.value, Const)]
        arrival = max((timed.delay for timed in late), default=0.0)
        budget = self._target.budget
        if arrival > 0.0 and (arrival + delay > budget + 1e-9 or (limit is not None and arrival > limit)):
            cycle += 1
            arrival = 0.0
        return [self.delayed(timed, cycle) for timed in inputs], arrival

    def meeting_cycle(self, other: Timed, delay: float, limit: float, arrival: float) -> int:
        """When an operand that can come at any time, ``arrival`` ns after a register, should come to meet ``other``
        in an operation of ``delay`` ns without making it later (one cycle early where it needs a register first)."""
        late = other.delay + delay > self._target.budget or other.delay > limit
        cycle = other.cycle + 1 if late and other.delay > 0.0 else other.cycle
        return cycle if arrival + delay <= self._target.budget and arrival <= limit else max(cycle - 1, 0)

    # -- operations -------------------------------------------------------------------------------------------

    def operate(
        self, name: str, delay: float, inputs: Sequence[Timed], shape: Shape, compute: Callable[..., ValueCastable]
    ) -> Timed:
        """``compute(*values)`` as a new signal of ``shape`` that takes ``delay`` ns."""
        aligned, arrival = self.align(*inputs, delay=delay)
        result = Signal(shape, name=self.label(name))
        self._m.d.comb += result.eq(compute(*(timed.value for timed in aligned)))
        self.logic_bits += len(result) if delay else 0
        return Timed(result, aligned[0].cycle, arrival + delay)

    def concat(self, *parts: Timed) -> Timed:
        """The parts side by side, the first one lowest; unsigned."""
        aligned, arrival = self.align(*parts)
        return Timed(Cat(*(timed.value for timed in aligned)), aligned[0].cycle, arrival)

    def select(self, condition: Timed, if_true: Timed, if_false: Timed) -> Timed:
        shape = Value.cast(Mux(condition.value, if_true.value, if_false.value)).shape()
        delay = self._target.family.lut
        return self.operate("select", delay, [condition, if_true, if_false], shape, Mux)

    def choose(self, name: str, select: Timed, values: Sequence[int], shape: Shape) -> Timed:
        """``values[select]``, in logic; the last one beyond their end."""
        if isinstance(select.value, Const):
            return self.constant(values[min(select.value.value, len(values) - 1)], shape)
        padded = [*values, *values[-1:] * ((1 << select.width) - len(values))]
        constants = [Const(value, shape) for value in padded]
        # Up to 4 inputs are one LUT; each one more doubles the LUTs and widens the multiplexer behind them.
        delay = self._target.family.lut * (1 + 0.6 * max(0, select.width - 4))
        self.logic_bits += shape.width * (len(padded) >> 4)
        return self.operate(name, delay, [select], shape, lambda x: Array(constants)[x])

    def add(self, a: Timed, b: Timed, shape: Shape, *, subtract: bool = False, name: str = "sum") -> Timed:
        """``a + b`` or ``a - b``, cut to ``shape``; an adder too wide for a cycle is cut into several."""
        width, chunk = shape.width, self._target.adder_chunk
        if width <= chunk:
            delay = self._target.adder(width)
            return self.operate(name, delay, [a, b], shape, lambda x, y: x - y if subtract else x + y)
        wide_a, wide_b = self.extend(a, width), self.extend(b, width)
        parts: list[Timed] = []
        carry: Timed | None = None
        for start in range(0, width, chunk):
            stop = min(start + chunk, width)
            operands = [wide_a.bits(start, stop), wide_b.bits(start, stop)]

            def compute(x: Value, y: Value, c: Value | None = None) -> Value:
                if c is None:
                    return x - y if subtract else x + y
                # One carry chain: the carry, or borrow, enters through an extra lowest bit.
                return ((Cat(Const(0, 1), x) - Cat(c, y)) if subtract else (Cat(Const(1, 1), x) + Cat(c, y)))[1:]

            shape_part = unsigned(stop - start + 1)
            delay = self._target.adder(stop - start + 1)
            inputs = operands if carry is None else [*operands, carry]
            part = self.operate(name, delay, inputs, shape_part, compute)
            parts.append(part.bits(0, stop - start))
            carry = part.bits(stop - start, stop - start + 1)
        result = self.concat(*parts)
        return result.as_signed() if shape.signed else result

    def add_or_subtract(self, a: Timed, b: Timed, subtract: Timed, shape: Shape, *, name: str = "sum") -> Timed:
        """``a - b`` where ``subtract`` is 1, else ``a + b``, cut to ``shape``, in one adder."""
        width, chunk = shape.width, self._target.adder_chunk
        wide_a, wide_b = self.extend(a, width), self.extend(b, width)

        def invert(y: Value, s: Value) -> Value:
            return y ^ s.replicate(width)

        def compute(x: Value, y: Value, c: Value) -> Value:
            return (Cat(Const(1, 1), x) + Cat(c, y))[1:]

        # What inverts the operand is placed beside the adder: measured with 20 and with 26 bits.
        delay = 0.6 * self._target.family.lut
        operand = self.operate(f"{name}_operand", delay, [wide_b, subtract], unsigned(width), invert)
        parts, carry = [], subtract
        for start in range(0, width, chunk):
            stop = min(start + chunk, width)
            operands = [wide_a.bits(start, stop), operand.bits(start, stop), carry]
            delay = self._target.adder(stop - start + 1)
            part = self.operate(name, delay, operands, unsigned(stop - start + 1), compute)
            parts.append(part.bits(0, stop - start))
            carry = part.bits(stop - start, stop - start + 1)
        result = self.concat(*parts)
        return result.as_signed() if shape.signed else result

    def magnitude(self, a: Timed) -> Timed:
        """``abs(a)``, unsigned, of as many bits."""
        delay = self._target.adder(a.width) + self._target.family.lut
        return self.operate("magnitude", delay, [a], unsigned(a.width), lambda x: Mux(x < 0, -x, x))

    def negated(self, a: Timed, negative: Timed, shape: Shape, *, unless: bool = False) -> Timed:
        """``-a`` where ``negative`` is 1, else ``a``; the other way round with ``unless``."""
        delay = self._target.adder(shape.width) + self._target.family.lut
        return self.operate("signed", delay, [a, negative], shape, lambda x, y: Mux(~y if unless else y, -x, x))

    def limited(self, a: Timed, width: int) -> Timed:
        """An unsigned value in ``width`` bits: the largest that they hold where it is more."""
        if a.width <= width:
            return self.extend(a, width)
        delay = self._target.logic(a.width - width + 1)

        def saturate(x: Value) -> Value:
            return x[:width] | x[width:].any().replicate(width)

        return self.operate("limited", delay, [a], unsigned(width), saturate)

    def extend(self, timed: Timed, width: int) -> Timed:
        """The value's two's complement bits, sign- or zero-extended to ``width`` (wiring only)."""
        value = timed.value
        if len(value) >= width:
            return Timed(value[:width], timed.cycle, timed.delay)
        top = value[-1] if value.shape().signed else Const(0, 1)
        return Timed(Cat(value, top.replicate(width - len(value))), timed.cycle, timed.delay)

    def add_shifted(self, low: Timed, high: Timed, shift: int, shape: Shape) -> Timed:
        """``low + (high << shift)``, cut to ``shape``; the bits of ``low`` below ``shift`` pass by the adder."""
        if shift >= shape.width:
            return self.operate("cut", 0.0, [low], shape, lambda x: x)
        if low.width <= shift and not low.signed:
            result = self.concat(self.extend(low, shift), self.extend(high, shape.width - shift))
        elif shift == 0:
            return self.add(low, high, shape)
        else:
            rest_value = low.value[shift:] if low.width > shift else low.value[-1]
            rest = Timed(rest_value.as_signed() if low.signed else rest_value, low.cycle, low.delay)
            upper = self.add(rest, high, Shape(shape.width - shift, shape.signed))
            result = self.concat(self.extend(low, shift), self.extend(upper, shape.width - shift))
        return result.as_signed() if shape.signed else result

    def sum(self, terms: Sequence[Timed], shape: Shape, step_bits: int = 1) -> Timed:
        """The sum of all terms as a binary tree; each level is ``step_bits`` wider until ``shape`` is reached."""
        level = list(terms)
        while len(level) > 1:
            width = min(shape.width, max(timed.width for timed in level) + step_bits)
            pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
            inner = Shape(width, shape.signed)
            level = [self.add(pair[0], pair[1], inner) if len(pair) == 2 else pair[0] for pair in pairs]
        return level[0]

    def reshape(self, timed: Timed, shape: Shape) -> Timed:
        """The value in another shape (wiring only)."""
        bits = self.extend(timed, shape.width)
        return bits.as_signed() if shape.signed else bits

    def accumulate(self, name: str, value: Timed, first: Timed, valid: Timed, shape: Shape) -> Timed:
        """The running sum of ``value`` over the beats of a row, including this one.

        ``first`` marks a row's first beat, ``valid`` a beat. An accumulator too wide for a cycle is cut into
        chunks, each one cycle behind the lower one.
        """
        width, chunk = shape.width, self._target.accumulator_chunk
        wide = self.registered(value)
        cycle = max(wide.cycle, first.cycle, valid.cycle)
        parts: list[Timed] = []
        carry: Value = Const(0, 1)
        for index, start in enumerate(range(0, width, chunk)):
            stop = min(start + chunk, width)
            now = cycle + index
            operand = self.delayed(self.extend(wide, width).bits(start, stop), now).value
            begin, enable = self.delayed(first, now).value, self.delayed(valid, now).value
            total = Signal(stop - start + 1, reset_less=True, name=self.label(name))
            held = Mux(begin, 0, total[:-1])
            with self._m.If(enable):
                addend = (Cat(Const(1, 1), held) + Cat(carry, operand))[1:] if index else held + operand
                self._m.d.sync += total.eq(addend)
            carry = total[-1]
            parts.append(Timed(total[:-1], now + 1))
        result = self.concat(*parts)
        return result.as_signed() if shape.signed else result
