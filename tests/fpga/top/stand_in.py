"""A unit for tests of what is around it: the ports of a real one, next to no arithmetic."""

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.verilog.ports import ports
from streamnorm_fpga.top.banks import banks_of, in_turn

LATENCY = 20


def config(**changes):
    return NormConfig(
        **{
            "name": "stand_in",
            "norm": "layernorm",
            "lanes": 2,
            "max_length": 7,
            "input": IntFormat(8),
            "output": IntFormat(8),
            "epsilon": 1e-5,
            **changes,
        }
    )


def outputs(config, rows, bank=0):
    """What the unit makes of rows, the first of a bank: each element plus one more than its bank, cut to the output's
    bits."""
    number, rows = config.output, np.asarray(rows)
    values = (rows + banks_of(config, bank, len(rows))[:, None] + 1) & ((1 << number.bits) - 1)
    return np.where(values >> (number.bits - 1) & number.signed, values - (1 << number.bits), values)


class StandIn(wiring.Component):
    """Beats come out :data:`LATENCY` cycles after they went in; longer rows than allowed have their error flag set.

    Mutations for tests: ``wrong_beat`` is the number of a beat since reset whose lowest bit is inverted; at
    beat ``hangs_at`` it stops for ever.
    """

    def __init__(self, config, wrong_beat=None, hangs_at=None):
        self._config = config
        self._hangs_at = hangs_at
        self._wrong_beat = wrong_beat
        super().__init__(
            {
                port.name: (In if port.direction == "in" else Out)(port.width)
                for port in ports(config)
                if port.name not in ("aclk", "aresetn")
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        bank = Signal(range(max(2, config.banks)))
        beat = Signal(range(4096))
        number = Signal(32)
        first = Signal(init=1)
        move = Signal()
        hangs = 0 if self._hangs_at is None else number == self._hangs_at
        m.d.comb += move.eq((~self.m_axis_tvalid | self.m_axis_tready) & ~hangs)
        m.d.comb += self.s_axis_tready.eq(move)
        with m.If(self.s_axis_tvalid & self.s_axis_tready):
            m.d.sync += [first.eq(self.s_axis_tlast), number.eq(number + 1)]
            m.d.sync += beat.eq(Mux(self.s_axis_tlast, 0, beat + 1))
            if in_turn(config):
                with m.If(self.s_axis_tlast):
                    m.d.sync += bank.eq(Mux(bank == config.banks - 1, 0, bank + 1))
            elif config.banks > 1:
                with m.If(first):
                    m.d.sync += bank.eq(self.s_axis_tuser)
        row_bank = Mux(first, self.s_axis_tuser, bank) if config.rows_name_banks else bank
        lanes, keeps = [], []
        for lane in range(config.lanes):
            word = self.s_axis_tdata.word_select(lane, config.input.bytes * 8)[: config.input.bits]
            word = word.as_signed() if config.input.signed else word
            result = Signal(config.output.bits)
            kept = self.s_axis_tkeep[lane * config.input.bytes]
            m.d.comb += result.eq(Mux(kept, word + row_bank + 1, 0))
            extended = Signal(8 * config.output.bytes)
            m.d.comb += extended.eq(result.as_signed() if config.output.signed else result)
            lanes.append(extended)
            keeps.append(kept.replicate(config.output.bytes))
        wrong = 0 if self._wrong_beat is None else number == self._wrong_beat
        error = self.s_axis_tlast & (beat >= config.max_beats)
        stage: Value = Cat(Cat(lanes) ^ wrong, Cat(keeps), self.s_axis_tlast, error, self.s_axis_tvalid)
        for cycle in range(LATENCY):
            register = Signal.like(stage, name=f"stage_{cycle}")
            with m.If(move):
                m.d.sync += register.eq(stage)
            stage = register
        m.d.comb += Cat(
            self.m_axis_tdata, self.m_axis_tkeep, self.m_axis_tlast, self.m_axis_tuser, self.m_axis_tvalid
        ).eq(Mux(hangs, 0, stage))
        return m
