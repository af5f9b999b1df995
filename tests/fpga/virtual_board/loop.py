"""The smallest board: what comes in on the line goes out again, through a register in Verilog."""

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

VERILOG = """
module register (input aclk, input d, output q);
    reg value;
    initial value = 1;
    always @(posedge aclk) value <= d;
`ifdef SYNTHESIS
    assign q = 0;
`else
    assign q = value;
`endif
endmodule
"""


class Loop(wiring.Component):
    """The lights count falling edges of the line since reset; the last light is lit once a reset has ended."""

    rx: In(1, init=1)
    tx: Out(1, init=1)
    leds: Out(4)

    def elaborate(self, platform):
        m = Module()
        line = Signal()
        before = Signal(init=1)
        edges = Signal(3)
        running = Signal()
        m.submodules.register = Instance("register", i_aclk=ClockSignal(), i_d=self.rx, o_q=line)
        m.d.sync += [before.eq(line), running.eq(1)]
        with m.If(before & ~line):
            m.d.sync += edges.eq(edges + 1)
        m.d.comb += [self.tx.eq(line), self.leds.eq(edges | running << 3)]
        return m


def design() -> tuple[str, str]:
    """RTLIL and Verilog of the loop."""
    return rtlil.convert(Loop(), name="top", emit_src=False), VERILOG
