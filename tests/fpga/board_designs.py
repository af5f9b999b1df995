"""A tiny design for a board, built in seconds: an echo between serial line and lights stands for the board logic."""

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_fpga.bitstream.design import BoardDesign
from streamnorm_fpga.boards import BOARDS
from streamnorm_fpga.boards.platform import pin
from streamnorm_fpga.boards.pll import fabric_clock

UNIT = """
module tiny (input aclk, input aresetn, input d, output reg [7:0] q);
    always @(posedge aclk) if (!aresetn) q <= 8'd255; else q <= {q[6:0], d} + 8'd3;
endmodule
"""

LARGE_UNIT = """
module tiny (input aclk, input aresetn, input d, output reg [7:0] q);
    reg [7:0] words [0:32767];
    reg [14:0] place = 0;
    always @(posedge aclk) begin
        place <= {place[13:0], d};
        words[place] <= q + 8'd1;
        q <= words[place + 15'd1];
    end
endmodule
"""


class Echo(wiring.Component):
    """Ports of the board logic; ``tiny`` between them."""

    rx: In(1)
    tx: Out(1)
    leds: Out(4)

    def elaborate(self, platform):
        m = Module()
        rx, echo, count = Signal(init=1), Signal(8), Signal(20)
        m.submodules.synchronizer = FFSynchronizer(self.rx, rx, init=1)
        m.submodules.unit = Instance("tiny", i_aclk=ClockSignal(), i_aresetn=~ResetSignal(), i_d=rx, o_q=echo)
        m.d.sync += [self.tx.eq(echo[7]), count.eq(count + 1)]
        m.d.comb += self.leds.eq((count[-1] << 3) | echo[:3])
        return m


def config(clock_mhz=30.0, target="generic"):
    """What the design claims to be; the smallest part has room for it."""
    return NormConfig(
        name="tiny",
        norm="rmsnorm",
        lanes=1,
        max_length=16,
        input=IntFormat(4),
        output=IntFormat(4),
        epsilon=1e-5,
        clock_mhz=clock_mhz,
        target=target,
    )


def tiny_design(board_name, *, clock_mhz=30.0, asked_mhz=None, unit=UNIT):
    """The design for a board, at ``asked_mhz`` if that is another clock than the planned one."""
    board = BOARDS[board_name]
    asked = clock_mhz if asked_mhz is None else asked_mhz
    clock = fabric_clock(board, asked, "tiny_pll")
    return BoardDesign(
        config=config(clock_mhz, board.target),
        asked_target="generic",
        asked_mhz=asked,
        board=board,
        clock=clock,
        baud=1_000_000,
        bit_cycles=round(clock.mhz),
        unit=unit,
        pinned=pin(board, Echo(), clock, f"tiny_on_{board.name.replace('-', '_')}"),
    )
