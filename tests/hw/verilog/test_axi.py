from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil, verilog
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.sim import Simulator

import streamnorm.verilog.axi
from streamnorm.architectures.connections import unit_ports
from streamnorm.logic.primitives import Emission
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.verilog.axi import AxiNorm


def config(**changes) -> NormConfig:
    keys: dict[str, Any] = {
        "norm": "layernorm",
        "lanes": 3,
        "max_length": 12,
        "input": IntFormat(12, signed=True),
        "output": IntFormat(18, signed=True),
        "epsilon": 1e-5,
    }
    keys |= changes
    if "banks" in keys:
        keys["gamma"] = np.ones((keys["banks"], keys["max_length"]))
    return NormConfig(**keys)


class Echo(wiring.Component):
    """In the unit's place: each beat comes back in the next cycle, with the bank's lowest bit as ``error``.

    Where parameters are loaded, lane 0 of the output is the sum of the last parameter beat's fields instead.
    """

    i: Any
    o: Any
    parameters: Any

    def __init__(self, config):
        self.config = config
        super().__init__(unit_ports(config))

    def elaborate(self, platform):
        m: Any = Module()
        row, result = self.i.payload, self.o.payload
        accepting = Signal()
        m.d.sync += [accepting.eq(1), self.o.valid.eq(self.i.valid & self.i.ready)]
        m.d.comb += self.i.ready.eq(accepting)
        m.d.sync += [result.keep.eq(row.keep), result.last.eq(row.last)]
        if self.config.banks > 1:
            m.d.sync += result.error.eq(row.bank[0])
            if self.config.is_floating:
                m.d.sync += [result.flags.nan.eq(row.bank[1]), result.flags.infinite.eq(row.bank[2])]
                m.d.sync += result.flags.overflow.eq(row.bank[3])
        for lane in range(self.config.lanes):
            m.d.sync += result.data[lane].eq(row.data[lane])
        if self.config.storage == "ram":
            beat = self.parameters.payload
            total = Signal(result.data[0].shape())
            m.d.comb += self.parameters.ready.eq(accepting)
            with m.If(self.parameters.valid & self.parameters.ready):
                sums = [beat.gamma[lane] + beat.beta[lane] for lane in range(self.config.lanes)]
                m.d.sync += total.eq(sum(sums) + beat.last + (beat.bank if self.config.banks > 1 else 0))
            m.d.sync += result.data[0].eq(total)
        return m


@pytest.fixture(autouse=True)
def echo(monkeypatch):
    monkeypatch.setattr(streamnorm.verilog.axi, "fused_unit", Echo)


def run(top, bench):
    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


async def leave_reset(context, top):
    context.set(top.aresetn, 1)
    while not context.get(top.s_axis_tready):
        await context.tick()


def test_elements_sit_in_whole_bytes_lane_0_lowest():
    top = AxiNorm(config())

    async def bench(context):
        await leave_reset(context, top)
        # Bits above the 12 of the format are rubbish; the middle lane is -2048.
        context.set(top.s_axis_tdata, 0xA001_5800_F7FF)
        context.set(top.s_axis_tkeep, 0b11_11_11)
        context.set(top.s_axis_tvalid, 1)
        context.set(top.s_axis_tlast, 1)
        await context.tick()
        assert context.get(top.m_axis_tvalid) == 1
        assert context.get(top.m_axis_tlast) == 1
        assert context.get(top.m_axis_tdata) == 0x000001_FFF800_0007FF
        assert context.get(top.m_axis_tkeep) == 0b111_111_111

    run(top, bench)


def test_unsigned_elements_are_extended_with_zeros():
    top = AxiNorm(config(input=IntFormat(9, signed=False), output=IntFormat(9, signed=False)))

    async def bench(context):
        await leave_reset(context, top)
        context.set(top.s_axis_tdata, 0xFFFF_0100_FE00)
        context.set(top.s_axis_tvalid, 1)
        await context.tick()
        assert context.get(top.m_axis_tdata) == 0x01FF_0100_0000
        assert context.get(top.m_axis_tlast) == 0

    run(top, bench)


@pytest.mark.parametrize(("keep", "kept"), [(0b00_00_11, 0b001), (0b11_01_11, 0b111), (0b10_11_11, 0b011)])
def test_a_lane_is_kept_by_its_lowest_byte(keep, kept):
    top = AxiNorm(config())

    async def bench(context):
        await leave_reset(context, top)
        context.set(top.s_axis_tkeep, keep)
        context.set(top.s_axis_tvalid, 1)
        await context.tick()
        expected = sum(0b111 << 3 * lane for lane in range(3) if kept >> lane & 1)
        assert context.get(top.m_axis_tkeep) == expected

    run(top, bench)


def test_bank_and_error_are_the_user_signals():
    top = AxiNorm(config(banks=3))
    assert len(top.s_axis_tuser) == 2

    async def bench(context):
        await leave_reset(context, top)
        context.set(top.s_axis_tvalid, 1)
        for bank in (1, 0, 1, 2):
            context.set(top.s_axis_tuser, bank)
            await context.tick()
            assert context.get(top.m_axis_tuser) == bank & 1

    run(top, bench)


@pytest.mark.parametrize("formats", [("fp16", "fp16"), ("fp16", "int16"), ("uint16", "fp16")])
def test_flags_of_rows_are_above_the_error(formats):
    top = AxiNorm(config(banks=16, **dict(zip(("input", "output"), formats, strict=True))))
    assert len(top.m_axis_tuser) == 4

    async def bench(context):
        await leave_reset(context, top)
        context.set(top.s_axis_tvalid, 1)
        for bank in range(16):
            context.set(top.s_axis_tuser, bank)
            await context.tick()
            assert context.get(top.m_axis_tuser) == bank

    run(top, bench)


def test_codes_are_extended_with_zeros_and_bits_above_them_not_looked_at():
    top = AxiNorm(config(input="float(4, 7)", output="float(5, 6)"))  # 12 bits each

    async def bench(context):
        await leave_reset(context, top)
        context.set(top.s_axis_tdata, 0xA001_58FF_F7FF)
        context.set(top.s_axis_tkeep, 0b11_11_11)
        context.set(top.s_axis_tvalid, 1)
        await context.tick()
        assert context.get(top.m_axis_tdata) == 0x0001_08FF_07FF

    run(top, bench)


def test_parameters_are_gamma_then_beta_in_whole_bytes():
    top = AxiNorm(config(storage="ram", banks=2, gamma_bits=18, beta_bits=20))
    assert len(top.s_axis_param_tdata) == 3 * 6 * 8

    async def bench(context):
        await leave_reset(context, top)
        lanes = [(-5, 7), (-(1 << 17), 1 << 17), (100, -1000)]
        word = 0
        for lane, (gamma, beta) in enumerate(lanes):
            word |= (gamma & 0xFFFFFF | (beta & 0xFFFFFF) << 24) << 48 * lane
        context.set(top.s_axis_param_tdata, word)
        context.set(top.s_axis_param_tvalid, 1)
        context.set(top.s_axis_param_tlast, 1)
        context.set(top.s_axis_param_tuser, 1)
        assert context.get(top.s_axis_param_tready) == 1
        await context.tick()
        context.set(top.s_axis_param_tvalid, 0)
        await context.tick()
        # The bank and the end of the load are seen as well.
        total = sum(gamma + beta for gamma, beta in lanes) + 2
        assert context.get(top.m_axis_tdata) & 0xFFFFFF == total & 0xFFFFFF

    run(top, bench)


def test_reset_is_active_low_and_acts_one_cycle_later():
    top = AxiNorm(config())
    ready = []

    async def bench(context):
        for aresetn in (0, 0, 1, 1, 1, 1, 0, 0, 0, 1):
            context.set(top.aresetn, aresetn)
            await context.tick()
            ready.append(context.get(top.s_axis_tready))

    run(top, bench)
    assert ready == [0, 0, 0, 1, 1, 1, 1, 0, 0, 0]


PORTS = {
    "aclk",
    "aresetn",
    *(f"s_axis_t{name}" for name in ("data", "keep", "valid", "ready", "last")),
    *(f"m_axis_t{name}" for name in ("data", "keep", "valid", "ready", "last", "user")),
}
PARAMETER_PORTS = {f"s_axis_param_t{name}" for name in ("data", "valid", "ready", "last")}


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({}, set()),
        ({"banks": 2}, {"s_axis_tuser"}),
        ({"storage": "ram"}, PARAMETER_PORTS),
        ({"storage": "stream"}, PARAMETER_PORTS | {"s_axis_param_tkeep"}),
        ({"storage": "ram", "banks": 5}, PARAMETER_PORTS | {"s_axis_tuser", "s_axis_param_tuser"}),
    ],
)
def test_verilog_and_rtlil_have_exactly_these_ports(changes, more):
    def head(text, start, end):
        return text[text.index(start) : text.index(end, text.index(start))]

    top = AxiNorm(config(**changes))
    text = verilog.convert(top, name="unit_top", platform=Emission("generic"))
    names = head(text, "module unit_top(", ");").removeprefix("module unit_top(").split(",")
    assert {name.strip() for name in names} == PORTS | more

    text = rtlil.convert(AxiNorm(config(**changes)), name="unit_top")
    lines = text[text.index("module \\unit_top") :].split("\nend\n")[0].splitlines()
    wires = [line.split() for line in lines if line.strip().startswith("wire ")]
    inputs_and_outputs = {words[-1] for words in wires if {"input", "output"} & set(words)}
    assert inputs_and_outputs == {f"\\{name}" for name in PORTS | more}
