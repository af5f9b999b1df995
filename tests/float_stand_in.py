"""A unit of floating-point numbers for tests of what is around it: next to no arithmetic, and flags as a real one."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.architectures.connections import connect_results, unit_ports
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat, IntFormat
from streamnorm.units.output_queue import OutputQueue
from streamnorm.units.streams import element_shape, result_layout
from streamnorm_sim.streams.rows import RowBatch

FP16 = FloatFormat("fp16")


def config(**changes: Any) -> NormConfig:
    """Of fp16 numbers; what comes out has as many bits as what goes in."""
    keys: dict[str, Any] = {
        "name": "float_stand_in",
        "norm": "layernorm",
        "lanes": 3,
        "max_length": 14,
        "input": FP16,
        "output": IntFormat(16, scale=2.0**-12),
        "epsilon": 1e-5,
    }
    return NormConfig(**{**keys, **changes})


class StandInModel:
    """What the unit makes of rows: each code as it is. Its flag "overflow" stands for the code of the largest number.

    ``wrong`` is the index of a row, counted from each call's first, whose flags are others.
    """

    wrong: int | None = None

    def __init__(self, config: NormConfig, **_: object) -> None:
        self.config = config

    def normalize(self, x: Any, lengths: Any = None, banks: Any = None) -> np.ndarray:
        batch = RowBatch.arrange(np.asarray(x), lengths, banks)
        output = self.config.output
        codes = np.where(batch.valid, batch.x, 0)
        return np.where(codes > output.max, codes - (1 << output.bits), codes)

    def flags(self, x: Any, lengths: Any = None, banks: Any = None) -> np.ndarray:
        batch = RowBatch.arrange(np.asarray(x), lengths, banks)
        parts = FP16.parts(batch.x)
        found = (parts.is_nan, parts.is_infinite, batch.x == FP16.code_of_largest)
        flags = sum((each & batch.valid).any(axis=1).astype(np.uint8) << bit for bit, each in enumerate(found))
        flags = np.asarray(flags, np.uint8)
        if self.wrong is not None:
            flags[self.wrong] ^= 5
        return flags


class _Lanes(wiring.Component):
    """In place of the lanes: codes go through one register."""

    keep_cycle, latency = 0, 1

    def __init__(self, config: NormConfig) -> None:
        shape = data.ArrayLayout(16, config.lanes)
        results = data.ArrayLayout(element_shape(config.output), config.lanes)
        flags = {name: Out(1) for name in ("nan", "infinite", "overflow")}
        super().__init__({"code": In(shape), "keep": In(config.lanes), "y": Out(results), **flags})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        me: Any = self
        found: dict[str, Value] = {"nan": Signal(), "infinite": Signal(), "overflow": Signal()}
        for lane, kept in enumerate(me.keep):
            code = me.code[lane]
            exponent_is_highest, fraction = code[10:15].all(), code[:10]
            m.d.sync += me.y[lane].eq(code & kept.replicate(16))
            found = {
                "nan": found["nan"] | (kept & exponent_is_highest & fraction.any()),
                "infinite": found["infinite"] | (kept & exponent_is_highest & ~fraction.any()),
                "overflow": found["overflow"] | (kept & (code == FP16.code_of_largest)),
            }
        m.d.sync += [getattr(me, name).eq(value) for name, value in found.items()]
        return m


@dataclass
class _Issue:
    last: Value
    issued_error: Value
    issued_keep: Value
    issued_bank: None = None
    others: dict[str, Value] = field(default_factory=dict)


class FloatStandIn(wiring.Component):
    """With the streams of a unit; rows must be well formed. One beat is inside at a time."""

    i: Any
    o: Any

    def __init__(self, config: NormConfig) -> None:
        self.config = config
        super().__init__(unit_ports(config))

    def elaborate(self, platform: object) -> Module:
        m: Any = Module()
        m.submodules.lanes = lanes = _Lanes(self.config)
        m.submodules.output_queue = queue = OutputQueue(result_layout(self.config), depth=4, family="generic")
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        inside = Signal(init=1)  # not ready in a reset
        taken, left, beat = self.i.valid & self.i.ready, self.o.valid & self.o.ready, self.i.payload
        m.d.comb += [self.i.ready.eq(~inside), lanes.code.eq(beat.data)]
        started = Signal()
        m.d.sync += [started.eq(1), inside.eq((inside & started & ~left) | taken)]
        issue: Any = _Issue(beat.last, Signal(), beat.keep)
        connect_results(m, self.config, issue, taken, lanes, 0, queue)
        return m
