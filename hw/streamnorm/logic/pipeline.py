"""Frequency-directed pipelining: arithmetic is written once, registers go where a clock period is full."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Mux, Shape, Value, signed, unsigned

from streamnorm.logic.primitives.block_ram import BlockRam
from streamnorm.logic.primitives.dual_port_rom import DualPortRom
from streamnorm.logic.primitives.multiplier import Multiplier
from streamnorm.logic.primitives.serial_multiplier import SerialMultiplier
from streamnorm.spec.targets import Target

from .iteration import Step, iterate
from .timed_logic import Timed, TimedLogic

__all__ = ["SERIAL_STEPS_MIN", "Pipeline", "Timed"]

SERIAL_STEPS_MIN = 4
"""Fewer rows of partial products are no smaller one after the other than all at once."""


class Pipeline(TimedLogic):
    """:class:`TimedLogic` with the target's multipliers and block RAMs.

    A product wider than one multiplier tile takes several. With an ``interval`` above 1, the pipeline takes a new
    operation only every ``interval`` cycles; the tiles of a product are then worked off one after the other in as few
    tiles, and, on a family with ``serial_products``, a product that is done within the interval bit by bit.

    Parameters
    ----------
    m, target, name : as in TimedLogic
    interval : cycles from one operation to the next, at least
    start : with an interval above 1: 1 in cycle 0 of an operation

    Attributes
    ----------
    multipliers, block_rams : tiles and block RAMs used so far
    """

    def __init__(self, m: Module, target: Target, name: str, *, interval: int = 1, start: Value | None = None) -> None:
        super().__init__(m, target, name, interval=interval, start=start)
        self.multipliers = 0
        self.block_rams = 0

    def another(self, m: Module, name: str, *, interval: int, start: Value) -> "Pipeline":
        """A pipeline for the same target."""
        return Pipeline(m, self._target, name, interval=interval, start=start)

    def iterate(
        self, name: str, count: int, step: Step, state: Sequence[Timed], held: Sequence[Timed] = ()
    ) -> list[Timed]:
        """The state after ``count`` steps; see :func:`~streamnorm.logic.iteration.iterate`."""
        return iterate(self, name, count, step, state, held)

    def _limits(self) -> tuple[int, int]:
        """Widest operands of a tile; where its operands change, all of them are signed."""
        tile = self._target.family.tile
        assert tile is not None
        return (tile[0], tile[1]) if self._interval == 1 else (tile[0] - 1, tile[1] - 1)

    def _tile(self, a: Timed, b: Timed) -> Timed:
        """One product in one multiplier tile; takes the registers it needs."""
        family, budget = self._target.family, self._target.budget
        input_registers = output_registers = False
        aligned, arrival = self.align(a, b, limit=min(0.5 * budget, budget - family.tile_distance))
        # What follows a product without a register has routing in front of it once more.
        if arrival + family.multiplier > budget or family.multiplier > 0.45 * budget:
            output_registers = True
            input_registers = arrival + family.multiplier_setup > budget
        tile = Multiplier(
            a_shape=aligned[0].value.shape(),
            b_shape=aligned[1].value.shape(),
            input_registers=input_registers,
            output_registers=output_registers,
            family=family.primitives,
        )
        self._m.submodules[self.label("multiply")] = tile
        self._m.d.comb += [tile.a.eq(aligned[0].value), tile.b.eq(aligned[1].value)]
        self.multipliers += 1
        delay = family.multiplier_output if output_registers else arrival + family.multiplier
        return Timed(tile.p, aligned[0].cycle + tile.latency, delay)

    @staticmethod
    def _split(timed: Timed, limit: int) -> list[tuple[int, Timed]]:
        """The operand in pieces of ``limit`` bits; only the top piece keeps the sign."""
        pieces = []
        for start in range(0, timed.width, limit):
            piece = timed.bits(start, min(start + limit, timed.width))
            top = start + limit >= timed.width
            pieces.append((start, piece.as_signed() if top and timed.signed else piece))
        return pieces

    def spare_bits(self, a_width: int, b_width: int) -> int:
        """Bits that b may have more in a product with a, in as many tiles."""
        if self._target.family.tile is None or min(a_width, b_width) <= 2:
            return 0
        return -b_width % self._limits()[1]

    def multiply(self, a: Timed, b: Timed, *, distance: float = 0.0) -> Timed:
        """The exact product, ``a.width + b.width`` bits, in as many tiles as it takes (or in logic).

        ``distance``: how much farther than usual it is from the tiles to where their products are used, ns.
        """
        serial = (b, a) if (a.signed, a.width) < (b.signed, b.width) else (a, b)
        if self._is_serial(*serial):
            return self._multiply_serially(*serial)
        if self._target.family.tile is None:
            return self._multiply_in_logic(a, b)
        a_pieces, b_pieces = self._split(a, self._limits()[0]), self._split(b, self._limits()[1])
        products = iter(self._products([(x, y) for _, y in b_pieces for _, x in a_pieces]))
        rows: list[tuple[int, Timed]] = []
        for b_start, b_piece in b_pieces:
            terms = [(start, self.carried(next(products), distance)) for start, _ in a_pieces]
            rows.append((b_start, self.combine(terms, Shape(a.width + b_piece.width, a.signed or b_piece.signed))))
        return self.combine(rows, Shape(a.width + b.width, a.signed or b.signed))

    def square(self, a: Timed) -> Timed:
        """``a * a``, unsigned; the mixed products are computed once."""
        shape = unsigned(2 * a.width)
        magnitude_bits = self.reshape(a, unsigned(a.width))
        if self._is_serial(magnitude_bits, magnitude_bits):
            magnitude = self.magnitude(a) if a.signed else a
            return self._multiply_serially(magnitude, magnitude)
        if self._target.family.tile is None or a.width <= min(self._limits()):
            return self.multiply(a, a).bits(0, shape.width)
        pieces = self._split(a, min(self._limits()))
        terms: list[tuple[int, Timed, Timed]] = []
        for i, (start, piece) in enumerate(pieces):
            terms.append((2 * start, piece, piece))
            terms += [(start + other_start + 1, piece, other) for other_start, other in pieces[i + 1 :]]
        products = self._products([(x, y) for _, x, y in terms])
        offsets = [offset for offset, _, _ in terms]
        ordered = sorted(zip(offsets, products, strict=True), key=lambda term: term[0])
        return self.combine(ordered, shape).bits(0, shape.width)

    def _is_serial(self, a: Timed, b: Timed) -> bool:
        """Whether ``a * b`` is done by a SerialMultiplier, a bit of ``b`` a cycle."""
        time = self._target.adder(a.width + 1) + self._target.family.lut
        return (
            self._target.family.serial_products
            and not b.signed
            and SERIAL_STEPS_MIN <= b.width < self._interval
            and time <= self._target.budget
        )

    def _multiply_serially(self, a: Timed, b: Timed) -> Timed:
        (a, b), _ = self.align(a, b, delay=self._target.family.lut)
        product = SerialMultiplier(a_shape=a.value.shape(), b_width=b.width)
        self.logic_bits += a.width
        self.register_bits += 2 * a.width + b.width
        self._m.submodules[self.label("multiply")] = product
        self._m.d.comb += [product.start.eq(self.started(a.cycle)), product.a.eq(a.value), product.b.eq(b.value)]
        return Timed(product.p, a.cycle + product.latency)

    def _products(self, pairs: Sequence[tuple[Timed, Timed]]) -> list[Timed]:
        """The product of each pair, every operand narrow enough for a tile; a bit or two are cheaper in logic."""
        products: dict[int, Timed] = {}
        large = [i for i, (a, b) in enumerate(pairs) if min(a.width, b.width) > 2]
        for i in range(0, len(large), self._interval):
            group = large[i : i + self._interval]
            products.update(zip(group, self._in_turn([pairs[index] for index in group]), strict=True))
        return [products[i] if i in products else self._multiply_in_logic(a, b) for i, (a, b) in enumerate(pairs)]

    def _in_turn(self, pairs: Sequence[tuple[Timed, Timed]]) -> list[Timed]:
        """Products from one tile, one a cycle."""
        if len(pairs) == 1:
            return [self._tile(*pairs[0])]
        operands = [operand for pair in pairs for operand in pair]
        aligned, _ = self.align(*operands, limit=0.0)
        cycle = aligned[0].cycle
        turns = [self.started(cycle + turn) for turn in range(len(pairs) - 1)]
        inputs = []
        for side in (0, 1):
            column = aligned[side::2]
            shape = signed(max(operand.width + (not operand.signed) for operand in column))
            chosen = self.delayed(column[-1], cycle + len(pairs) - 1).value
            for turn in range(len(pairs) - 2, -1, -1):
                chosen = Mux(turns[turn], self.delayed(column[turn], cycle + turn).value, chosen)
            delay = self._target.logic(2 * len(pairs))
            inputs.append(self.operate("turn", delay, [Timed(chosen, cycle)], shape, lambda x: x))
        product = self._tile(*inputs)
        results = []
        for turn, (a, b) in enumerate(pairs):
            part = Timed(product.value, product.cycle + turn, product.delay).bits(0, a.width + b.width)
            results.append(part.as_signed() if a.signed or b.signed else part)
        return results

    def combine(self, terms: Sequence[tuple[int, Timed]], shape: Shape) -> Timed:
        """The sum of ``term << offset`` over terms in rising order of offset."""
        level = list(terms)
        base = level[0][0]
        while len(level) > 1:
            merged: list[tuple[int, Timed]] = []
            for i in range(0, len(level) - 1, 2):
                (low_at, low), (high_at, high) = level[i], level[i + 1]
                last = len(level) == 2
                is_signed = low.signed or high.signed
                # In a signed sum an unsigned term takes one more bit.
                low_width, high_width = (term.width + (is_signed and not term.signed) for term in (low, high))
                width = max(low_width, high_width + high_at - low_at) + 1
                inner = shape if last else Shape(min(width, shape.width + base - low_at), is_signed)
                merged.append((low_at, self.add_shifted(low, high, high_at - low_at, inner)))
            if len(level) % 2:
                merged.append(level[-1])
            level = merged
        return level[0][1]

    def _multiply_in_logic(self, a: Timed, b: Timed) -> Timed:
        if a.width < b.width:
            a, b = b, a
        width = a.width + b.width
        is_signed = a.signed or b.signed
        rows: list[tuple[int, Timed]] = []
        lut = self._target.family.lut
        for bit in range(b.width):
            negative = b.signed and bit == b.width - 1
            shape = Shape(a.width + 1, a.signed or negative) if negative else a.value.shape()

            def gate(x: Value, y: Value, negative: bool = negative) -> Value:
                return Mux(y, -x if negative else x, 0)

            # A bit that gates a whole row goes far.
            delay = 1.4 * lut + (self._target.adder(a.width) if negative else 0.0)
            rows.append((bit, self.operate("row", delay, [a, b.bits(bit, bit + 1)], shape, gate)))
        return (
            self.combine(rows, Shape(width, is_signed))
            if len(rows) > 1
            else self.reshape(rows[0][1], Shape(width, is_signed))
        )

    def lookup(
        self, name: str, address: Timed, width: int, contents: Sequence[int], *, distance: float | None = None
    ) -> Timed:
        """``contents[address]`` from a block RAM; ``distance`` in place of the family's ``block_distance``, ns."""
        return self.lookups(name, [address], width, contents, distance=distance)[0]

    def lookups(
        self,
        name: str,
        addresses: Sequence[Timed],
        width: int,
        contents: Sequence[int],
        *,
        distance: float | None = None,
    ) -> list[Timed]:
        """As :meth:`lookup`, of one table at each address. Two addresses share a memory where a family's block RAM
        reads two; the table has at most 1024 words then."""
        family, budget = self._target.family, self._target.budget
        memory: dict[str, Any] = {
            "width": width,
            "depth": len(contents),
            "family": family.primitives,
            "output_register": self._target.has_block_ram_register,
            "init": contents,
        }
        delay = self._target.block_ram_delay
        distance = family.block_distance if distance is None else distance
        aligned = [self.align(address, limit=0.4 * budget)[0][0] for address in addresses]
        found = []
        for first in range(0, len(aligned), 2):
            pair = aligned[first : first + 2]
            if len(pair) == 2:
                rom = DualPortRom(**memory)
                ports = [(rom.address_a, rom.data_a), (rom.address_b, rom.data_b)]
            else:
                rom = BlockRam(**memory, writable=False)
                ports = [(rom.read_address, rom.read_data)]
            self._m.submodules[self.label(name)] = rom
            self.block_rams += rom.blocks
            for address, (port, data) in zip(pair, ports, strict=True):
                self._m.d.comb += port.eq(address.value)
                found.append(self.carried(Timed(data, address.cycle + rom.latency, delay), distance))
        return found
