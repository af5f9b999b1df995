"""One running sum for each window of binades that is kept, and all of them joined."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Mux, Shape, Signal, Value

from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["window_sums"]


def window_sums(
    p: Pipeline, name: str, beat: Sequence[Timed], moves: Sequence[Timed], valid: Timed, shape: Shape
) -> list[Timed]:
    """The sum of each place over the beats of a row, including this one.

    A place's sum so far comes from ``moves[place]`` places above; from nowhere, and is 0, where that is one more than
    there are. So windows keep their sums where the row's top rises by any number of them, and no sum of an earlier row
    is left. Sums too wide for a cycle are cut into chunks, each one cycle behind the lower one.

    Parameters
    ----------
    beat : the beat's sum of each place, from the highest on
    moves : see above; registers
    valid : there is a beat that counts; without one, sums hold still
    shape : of a sum
    """
    target, count = p.target, len(beat)
    levels = (count.bit_length() + 1) // 2  # up to four inputs are a level of multiplexers
    time = target.budget - target.family.adder - levels * target.family.mux
    chunk = max(8, int(time / target.family.adder_bit))
    addends = [p.registered(timed) for timed in beat]
    cycle = max(timed.cycle for timed in (*addends, *moves, valid))
    parts: list[list[Timed]] = [[] for _ in beat]
    carries: list[Value] = [Const(0, 1)] * count
    for index, start in enumerate(range(0, shape.width, chunk)):
        stop = min(start + chunk, shape.width)
        now = cycle + index
        totals = [Signal(stop - start + 1, reset_less=True, name=p.label(name)) for _ in beat]
        for place, total in enumerate(totals):
            addend = p.delayed(p.extend(addends[place], shape.width).bits(start, stop), now).value
            sources = [above[:-1] for above in reversed(totals[: place + 1])]
            held = _one_of([*sources, Const(0, stop - start)], p.delayed(moves[place], now).value)
            sum_ = (Cat(Const(1, 1), held) + Cat(carries[place], addend))[1:] if index else held + addend
            with p.module.If(p.delayed(valid, now).value):
                p.module.d.sync += total.eq(sum_)
            parts[place].append(Timed(total[:-1], now + 1))
        carries = [total[-1] for total in totals]
    results = [p.concat(*pieces) for pieces in parts]
    return [result.as_signed() if shape.signed else result for result in results]


def _one_of(values: Sequence[Value], select: Value) -> Value:
    """``values[select]``, as a tree of multiplexers: of a case for each value, synthesis makes more."""
    level = list(values)
    for bit in select:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [Mux(bit, pair[1], pair[0]) if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0]
