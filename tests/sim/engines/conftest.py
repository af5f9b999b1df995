"""Units of the ladder, which compiles them too, and units that are broken on purpose."""

import pytest
from amaranth.hdl import ClockDomain, Module, Signal

from ladder.configurations import configuration
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.verilog.axi import AxiNorm


@pytest.fixture
def small():
    """A unit whose beats are partly filled and whose elements do not fill their bytes."""
    return configuration("lanes_3")


@pytest.fixture
def tiny():
    """A unit that is compiled in a moment, where nothing depends on what a unit does."""
    return NormConfig(
        name="tiny", norm="affine", lanes=2, max_length=9, input=IntFormat(8, scale=0.1), output=IntFormat(8, scale=0.1)
    )


@pytest.fixture(autouse=True)
def verilator_optimizes_nothing(request, monkeypatch):
    """It runs for some hundred cycles, in which most of the time is cocotb's."""
    callspec = getattr(request.node, "callspec", None)
    if callspec and callspec.params.get("engine") == "verilator":
        monkeypatch.setenv("CXXFLAGS", "-O0")


@pytest.fixture
def loaded():
    """A unit with three banks of parameters that are loaded at run time."""
    return configuration("ram_banks")


def _unit(fault):
    """A class with the ports of AxiNorm that hands each byte on through one register, and has a fault."""

    class Unit(AxiNorm):
        def elaborate(self, platform):
            m = Module()
            m.domains.sync = sync = ClockDomain("sync", reset_less=True)
            sync.clk = self.aclk
            valid, waited, given, copy = Signal(), Signal(), Signal(8), Signal()
            full = Signal(len(self.m_axis_tdata) + len(self.m_axis_tkeep) + 1)
            stuck = given >= 3 if fault == "hang" else 0
            taken = self.m_axis_tvalid & self.m_axis_tready
            m.d.comb += [
                self.m_axis_tvalid.eq(valid),
                self.s_axis_tready.eq((~valid | (taken & (copy if fault == "duplicate" else 1))) & ~stuck),
            ]
            data = full[: len(self.m_axis_tdata)]
            m.d.comb += [
                self.m_axis_tdata.eq(data + waited if fault == "change" else data),
                self.m_axis_tkeep.eq(full[len(data) : -1]),
                self.m_axis_tlast.eq(full[-1] if fault != "no last" else 0),
            ]
            m.d.sync += waited.eq(valid & ~self.m_axis_tready)
            with m.If(taken):
                m.d.sync += [given.eq(given + 1), copy.eq(~copy)]
                if fault != "duplicate":
                    m.d.sync += valid.eq(0)
                else:
                    m.d.sync += valid.eq(~copy)
            if fault == "withdraw":
                with m.If(waited):
                    m.d.comb += self.m_axis_tvalid.eq(0)
            with m.If(self.s_axis_tvalid & self.s_axis_tready):
                m.d.sync += [valid.eq(1), full[: len(data)].eq(self.s_axis_tdata)]
                m.d.sync += full[len(data) :][: len(self.m_axis_tkeep)].eq(self.s_axis_tkeep)
                m.d.sync += full[-1].eq(self.s_axis_tlast)
            return m

    return Unit


@pytest.fixture
def install(monkeypatch):
    """Return a function that puts a unit with the fault named in place of the real one, and its configuration.

    Faults: "none", "hang" (after 4 beats), "duplicate" (each beat twice), "withdraw" and "change" (a beat that waits),
    "no last".
    """

    def put(fault):
        for engine in ("cxxrtl", "pysim"):
            monkeypatch.setattr(f"streamnorm_sim.engines.{engine}.AxiNorm", _unit(fault))
        return NormConfig(
            name=fault.replace(" ", "_"),  # engines remember what they have built for a configuration
            norm="layernorm",
            lanes=2,
            max_length=8,
            input=IntFormat(8),
            output=IntFormat(8),
            epsilon=0.0,
        )

    return put
