"""Normalize, scale and shift one after the other, each as a scan of its own, with a memory between them."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.logic.primitives.block_ram import BlockRam
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters
from streamnorm.units.lane_steps import LaneSteps, lane_ports

from .connections import delays

__all__ = ["SeparateSteps"]

_WRITE = 2
"""Cycles from a value to the issue of the beat that reads it: a register, and the memory."""


class SeparateSteps(wiring.Component):
    """The steps of :class:`~streamnorm.units.apply.Apply` in three scans: ``z``, then ``z * gamma``, then ``y``.

    The first scan reads ``d`` and writes z to a memory of one row; the second reads z and writes the product in its
    place; the third reads the product. Nothing is rounded on the way that is not there too, so results are those of
    Apply. Where z is rounded to the output format before gamma, the first scan does it, and the memory holds that.

    Parameters
    ----------
    config : NormConfig
    d_latency : cycles from a beat's issue in the first scan to its ``d``
    d_delay, parameter_delay : ns of logic (block RAM) behind ``d`` and behind gamma and beta
    parameter_latency : cycles from issue to gamma and beta, in the second and the third scan

    Members
    -------
    normalize, multiply : In(1); column : In(range(max_beats))
        The beat with this number is issued in the first or second scan; in the third, ``column`` tells which one.
    d, scale, centre, shift, gamma, beta, keep, y
        As of Apply. ``d`` comes with the buffer's latency, which ``normalized`` counts from.

    Attributes
    ----------
    memory_latency : cycles from issue to what is read from the memory, in the second and the third scan
    gamma_cycle, beta_cycle, keep_cycle, latency : counted from there, as of Apply
    normalized : cycles from d to the earliest issue in the second scan
    scaled : cycles from issue in the second scan to the earliest issue in the third
    """

    keep_cycle: int
    latency: int

    def __init__(
        self, config: NormConfig, *, d_latency: int, d_delay: float, parameter_delay: float, parameter_latency: int
    ) -> None:
        self._d_latency = d_latency
        parameters = StoredParameters.of(config)
        target = config.device
        lanes = config.lanes
        own = {"normalize": In(1), "multiply": In(1), "column": In(range(config.max_beats))}
        super().__init__({**own, **lane_ports(config)})
        self._m = m = Module()
        p = Pipeline(m, target, "steps")
        steps = LaneSteps(p, config)

        # Cycles count from d in the first scan, from what the memory gives in the others.
        scale, centre, shift = (p.input(x) for x in (self.scale, self.centre, self.shift))
        scaled = [steps.times_scale(p.input(self.d[lane], 0, d_delay), scale) for lane in range(lanes)]
        z = [
            p.registered(steps.round_to_output(steps.curved(steps.less_centre(product, centre, shift))))
            for product in scaled
        ]

        self.memory_latency = 1 + target.has_block_ram_register
        width = z[0].width + parameters.gamma_bits
        read = [Signal(signed(width), name=f"read_{lane}") for lane in range(lanes)]
        values = [p.input(x[: z[0].width].as_signed(), 0, target.block_ram_delay) for x in read]
        earliest = parameter_latency - self.memory_latency
        self.gamma_cycle = max(p.meeting_cycle(values[0], 0.0, 0.5 * target.budget, parameter_delay), earliest)
        gammas = steps.parameter(self, "gamma", self.gamma_cycle, parameter_delay)
        products = [p.registered(steps.times_gamma(x, g)) for x, g in zip(values, gammas, strict=True)]
        # A block RAM's output goes through a register before it is written back.
        products = [p.delayed(x, max(x.cycle, 1)) for x in products]
        assert products[0].width <= width

        product_shape = signed(products[0].width)
        again = [p.reshape(p.input(x, 0, target.block_ram_delay), product_shape) for x in read]
        adder = target.adder(steps.beta_adder_width(again[0]))
        self.beta_cycle = max(p.meeting_cycle(again[0], adder, target.budget, parameter_delay), earliest)
        betas = steps.parameter(self, "beta", self.beta_cycle, parameter_delay)
        sums = [steps.plus_beta(x, beta) for x, beta in zip(again, betas, strict=True)]
        steps.give(self, sums)
        self.multipliers = p.multipliers

        self.normalized = z[0].cycle + _WRITE
        self.scaled = self.memory_latency + products[0].cycle + _WRITE
        self._memory = memory = BlockRam(
            width=lanes * width,
            depth=config.max_beats,
            family=target.primitives,
            output_register=target.has_block_ram_register,
            writable=True,
        )
        self.block_rams = memory.geometry.blocks
        self._connect(m, memory, read, z, products)

    def _connect(self, m: Module, memory: BlockRam, read: list[Signal], z: list[Timed], products: list[Timed]) -> None:
        """Reads the memory in every cycle, and writes what the first and second scan give."""
        m.submodules.results = memory
        first, second = self._d_latency + z[0].cycle, self.memory_latency + products[0].cycle
        normalized = delays(m, self.normalize, first, "normalized")[first]
        multiplied = delays(m, self.multiply, second, "multiplied")[second]
        columns = delays(m, self.column, max(first, second), "column")
        width = len(read[0])
        words = [Cat(*(_extended(value.value, width) for value in values)) for values in (z, products)]
        write = Signal()
        address = Signal.like(memory.write_address, reset_less=True)
        word = Signal(memory.width, reset_less=True)
        m.d.sync += [
            write.eq(normalized | multiplied),
            address.eq(Mux(normalized, columns[first], columns[second])),
            word.eq(Mux(normalized, words[0], words[1])),
        ]
        m.d.comb += [
            memory.write_enable.eq(write),
            memory.write_address.eq(address),
            memory.write_data.eq(word),
            memory.read_address.eq(self.column),
            *(x.eq(memory.read_data[i * width : (i + 1) * width].as_signed()) for i, x in enumerate(read)),
        ]

    def elaborate(self, platform: object) -> Module:
        return self._m


def _extended(value: Value, width: int) -> Value:
    """The signed value in ``width`` bits."""
    return Cat(value, value[-1].replicate(width - len(value)))
