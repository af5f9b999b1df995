"""Verilog-2001 text of the wrapper modules that vendor primitives are emitted as.

Each wrapper has two bodies. With ``SYNTHESIS`` defined (yosys and the vendors' tools do so) it holds exactly
one vendor cell; otherwise a behavioural model of the same latency that needs no vendor library.

Ports of a vendor cell are connected to unsigned wires and their bits, nothing else: for signed or compound
expressions yosys looks up the cell's port, derives a copy of the black box, and then fails on any text that
was read before the black boxes were ("module is not part of the design").

References
----------
ECP5: Lattice FPGA-TN-02205 (sysDSP), FPGA-TN-02204 (memory); the order of a DP16KD's initial bits and of its
data pins in 36-bit mode is that of yosys' ``techlibs/lattice/brams_map_16kd.v``. iCE40: Lattice "iCE
Technology Library"; yosys' ``techlibs/ice40/cells_sim.v``.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import Final

__all__ = ["wrapper_modules"]

_MULTIPLIER_HEADER: Final = """\
module {name} #(
    parameter A_WIDTH = {limit},
    parameter B_WIDTH = {limit},
    parameter A_SIGNED = 1,
    parameter B_SIGNED = 1,
    parameter INPUT_REGISTERS = 1,
    parameter OUTPUT_REGISTERS = 1
) (
    input clk,
    input [A_WIDTH-1:0] a,
    input [B_WIDTH-1:0] b,
    output [A_WIDTH+B_WIDTH-1:0] p
);
    // Operands extended to one bit more than the tile takes, so that no replication is empty.
    wire [{limit}:0] wide_a = {{{{({limit}+1-A_WIDTH){{A_SIGNED != 0 && a[A_WIDTH-1]}}}}, a}};
    wire [{limit}:0] wide_b = {{{{({limit}+1-B_WIDTH){{B_SIGNED != 0 && b[B_WIDTH-1]}}}}, b}};
"""

_MULTIPLIER_MODEL: Final = """\
    wire signed [{limit}:0] operand_a;
    wire signed [{limit}:0] operand_b;
    /* verilator lint_off UNUSED */
    wire signed [2*{limit}+1:0] product = operand_a * operand_b;
    /* verilator lint_on UNUSED */
    generate
        if (INPUT_REGISTERS != 0) begin : with_input_registers
            reg signed [{limit}:0] registered_a;
            reg signed [{limit}:0] registered_b;
            initial registered_a = 0;
            initial registered_b = 0;
            always @(posedge clk) begin
                registered_a <= wide_a;
                registered_b <= wide_b;
            end
            assign operand_a = registered_a;
            assign operand_b = registered_b;
        end else begin : without_input_registers
            assign operand_a = wide_a;
            assign operand_b = wide_b;
        end
        if (OUTPUT_REGISTERS != 0) begin : with_output_registers
            reg [A_WIDTH+B_WIDTH-1:0] registered_p;
            initial registered_p = 0;
            always @(posedge clk) registered_p <= product[A_WIDTH+B_WIDTH-1:0];
            assign p = registered_p;
        end else begin : without_output_registers
            assign p = product[A_WIDTH+B_WIDTH-1:0];
        end
    endgenerate
"""

_BLOCK_RAM_HEADER: Final = """\
module {name} #(
    parameter WIDTH = {width},
    parameter ADDRESS_WIDTH = {address_width},{output_register}
    parameter [{init_width}-1:0] INIT = {{{init_width}{{1'b0}}}}
) (
    input clk,
    input write_enable,
    input [ADDRESS_WIDTH-1:0] write_address,
    input [WIDTH-1:0] write_data,
    input [ADDRESS_WIDTH-1:0] read_address,
    output [WIDTH-1:0] read_data
);
"""

_BLOCK_RAM_MODEL: Final = """\
    reg [WIDTH-1:0] memory [0:(1<<ADDRESS_WIDTH)-1];
    reg [WIDTH-1:0] data;
    initial data = 0;
    integer word;
    initial
        for (word = 0; word < (1 << ADDRESS_WIDTH); word = word + 1)
            {initial_word}
    always @(posedge clk) begin
        if (write_enable) memory[write_address] <= write_data;
        data <= memory[read_address];
    end
"""

_ECP5_OUTPUT_MODEL: Final = """\
    generate
        if (OUTPUT_REGISTER != 0) begin : with_output_register
            reg [WIDTH-1:0] registered;
            initial registered = 0;
            always @(posedge clk) registered <= data;
            assign read_data = registered;
        end else begin : without_output_register
            assign read_data = data;
        end
    endgenerate
"""


def _pins(connections: Iterable[tuple[str, str]]) -> str:
    """Port or parameter connections, wrapped."""
    text = ", ".join(f".{pin}({value})" for pin, value in connections)
    return textwrap.fill(text, width=110, initial_indent=" " * 8, subsequent_indent=" " * 8)


def _bus(pin: str, wire: str, bits: int, first: int = 0) -> list[tuple[str, str]]:
    return [(f"{pin}{bit}", f"{wire}[{first + bit}]") for bit in range(bits)]


def _ties(value: int, *pins: str) -> list[tuple[str, str]]:
    return [(pin, f"1'b{value}") for pin in pins]


def _ecp5_multiplier(name: str) -> str:
    parameters = [(f"REG_INPUT{port}_CLK", 'INPUT_REGISTERS != 0 ? "CLK0" : "NONE"') for port in "AB"]
    parameters.append(("REG_OUTPUT_CLK", 'OUTPUT_REGISTERS != 0 ? "CLK0" : "NONE"'))
    ports = [
        ("CLK0", "clk"),
        *_ties(1, "CE0"),
        *_ties(0, "RST0", "SOURCEA", "SOURCEB"),
        ("SIGNEDA", "signed_a"),
        ("SIGNEDB", "signed_b"),
        *_bus("A", "wide_a", 18),
        *_bus("B", "wide_b", 18),
        *_bus("P", "product", 36),
    ]
    cell = (
        "    wire signed_a = A_SIGNED != 0;\n"
        "    wire signed_b = B_SIGNED != 0;\n"
        "    wire [35:0] product;\n"
        "    assign p = product[A_WIDTH+B_WIDTH-1:0];\n"
        f"    MULT18X18D #(\n{_pins(parameters)}\n    ) tile (\n{_pins(ports)}\n    );\n"
    )
    header = _MULTIPLIER_HEADER.format(name=name, limit=18)
    return _with_model(header, cell, _MULTIPLIER_MODEL.format(limit=18))


def _ice40_multiplier(name: str) -> str:
    parameters = [
        ("A_REG", "INPUT_REGISTERS != 0"),
        ("B_REG", "INPUT_REGISTERS != 0"),
        ("PIPELINE_16x16_MULT_REG2", "OUTPUT_REGISTERS != 0"),
        ("TOPOUTPUT_SELECT", "2'b11"),
        ("BOTOUTPUT_SELECT", "2'b11"),
        ("MODE_8x8", "1'b0"),
        ("A_SIGNED", "A_SIGNED != 0"),
        ("B_SIGNED", "B_SIGNED != 0"),
    ]
    hold = [f"{port}HOLD" for port in "ABCD"]
    sides = ["IRST", "ORST", "OLOAD", "ADDSUB", "OHOLD"]
    ports = [
        ("CLK", "clk"),
        *_ties(1, "CE"),
        ("A", "wide_a[15:0]"),
        ("B", "wide_b[15:0]"),
        ("C", "16'd0"),
        ("D", "16'd0"),
        *_ties(0, *hold, *(f"{side}{half}" for side in sides for half in ("TOP", "BOT"))),
        *_ties(0, "CI", "ACCUMCI", "SIGNEXTIN"),
        ("O", "product"),
    ]
    cell = (
        "    wire [31:0] product;\n"
        "    assign p = product[A_WIDTH+B_WIDTH-1:0];\n"
        f"    SB_MAC16 #(\n{_pins(parameters)}\n    ) tile (\n{_pins(ports)}\n    );\n"
    )
    header = _MULTIPLIER_HEADER.format(name=name, limit=16)
    return _with_model(header, cell, _MULTIPLIER_MODEL.format(limit=16))


def _ecp5_block_ram(name: str) -> str:
    parameters = [(f"INITVAL_{index:02X}", f"initial_bits({index})") for index in range(64)]
    parameters += [(f"DATA_WIDTH_{port}", "WIDTH") for port in "AB"]
    parameters += [(f"REGMODE_{port}", 'OUTPUT_REGISTER != 0 ? "OUTREG" : "NOREG"') for port in "AB"]
    ports = [
        ("CLKA", "clk"),
        ("CLKB", "clk"),
        ("WEA", "write_enable"),
        *_ties(1, "CEA", "CEB", "OCEA", "OCEB"),
        *_ties(0, "WEB", "RSTA", "RSTB", "CSA0", "CSA1", "CSA2", "CSB0", "CSB1", "CSB2"),
        *_bus("ADA", "write_pins", 14),
        *_bus("ADB", "bit_read_address", 14),
        *_bus("DIA", "data_in", 18),
        *_bus("DIB", "data_in", 18, 18),
        *_bus("DOA", "data_out", 18),
        *_bus("DOB", "data_out", 18, 18),
    ]
    cell = f"""\
    // 16 half words of 18 bits, each in 20; widths below 9 leave every ninth bit unused.
    function [319:0] initial_bits;
        input integer index;
        integer half;
        begin
            initial_bits = 320'd0;
            for (half = 0; half < 16; half = half + 1)
                if (WIDTH >= 9)
                    initial_bits[half*20 +: 18] = INIT[(index*16 + half)*18 +: 18];
                else begin
                    initial_bits[half*20 +: 8] = INIT[(index*16 + half)*16 +: 8];
                    initial_bits[half*20 + 9 +: 8] = INIT[(index*16 + half)*16 + 8 +: 8];
                end
        end
    endfunction
    wire [14:0] bit_write_address = {{write_address, {{(15-ADDRESS_WIDTH){{1'b0}}}}}} >> 1;
    wire [14:0] bit_read_address = {{read_address, {{(15-ADDRESS_WIDTH){{1'b0}}}}}} >> 1;
    // In 18 and 36-bit mode the lowest address pins of the writing port are byte enables.
    wire [13:0] write_pins = bit_write_address[13:0] | (WIDTH == 36 ? 14'd15 : WIDTH == 18 ? 14'd3 : 14'd0);
    wire [36:0] data_in = {{{{(37-WIDTH){{1'b0}}}}, write_data}};
    wire [35:0] data_out;
    // The pins of port A carry the low half of a 36-bit word, whichever port reads it.
    generate
        if (WIDTH == 36) begin : both_halves
            assign read_data = data_out;
        end else begin : reading_port
            assign read_data = data_out[18 +: WIDTH];
        end
    endgenerate
    DP16KD #(
{_pins(parameters)}
    ) block (
{_pins(ports)}
    );
"""
    header = _BLOCK_RAM_HEADER.format(
        name=name,
        width=18,
        address_width=10,
        output_register="\n    parameter OUTPUT_REGISTER = 1,",
        init_width="(WIDTH<<ADDRESS_WIDTH)",
    )
    model = _BLOCK_RAM_MODEL.format(initial_word="memory[word] = INIT[word*WIDTH +: WIDTH];")
    return _with_model(header, cell, model + _ECP5_OUTPUT_MODEL)


def _ice40_block_ram(name: str) -> str:
    parameters = [(f"INIT_{index:X}", f"INIT[{index}*256 +: 256]") for index in range(16)]
    parameters += [(f"{port}_MODE", "MODE") for port in ("READ", "WRITE")]
    ports = [
        ("RCLK", "clk"),
        ("WCLK", "clk"),
        ("WE", "write_enable"),
        *_ties(1, "RCLKE", "RE", "WCLKE"),
        ("RADDR", "wide_read_address[10:0]"),
        ("WADDR", "wide_write_address[10:0]"),
        ("MASK", "16'd0"),
        ("WDATA", "data_in"),
        ("RDATA", "data_out"),
    ]
    cell = f"""\
    localparam MODE = WIDTH == 16 ? 0 : WIDTH == 8 ? 1 : WIDTH == 4 ? 2 : 3;
    localparam FIRST_PIN = SHARES == 1 ? 0 : SHARES/2 - 1;
    wire [11:0] wide_write_address = {{{{(12-ADDRESS_WIDTH){{1'b0}}}}, write_address}};
    wire [11:0] wide_read_address = {{{{(12-ADDRESS_WIDTH){{1'b0}}}}, read_address}};
    wire [15:0] data_in;
    wire [15:0] data_out;
    genvar pin;
    generate
        for (pin = 0; pin < 16; pin = pin + 1) begin : pins
            if (pin % SHARES == FIRST_PIN) begin : used
                assign data_in[pin] = write_data[pin/SHARES];
                assign read_data[pin/SHARES] = data_out[pin];
            end else begin : unused
                assign data_in[pin] = 1'b0;
            end
        end
    endgenerate
    SB_RAM40_4K #(
{_pins(parameters)}
    ) block (
{_pins(ports)}
    );
"""
    header = _BLOCK_RAM_HEADER.format(
        name=name, width=16, address_width=8, output_register="", init_width="4096"
    )
    header += """\
    // Words narrower than 16 bits share a row of 16: the address bits above the lowest 8 say which share.
    // INIT holds the rows as the block does: bit b of the word of row r and share s is bit 16*r + SHARES*b +
    // s.
    localparam SHARES = 16/WIDTH;
"""
    initial_word = """for (place = 0; place < WIDTH; place = place + 1)
                memory[word][place] = INIT[(word%256)*16 + place*SHARES + word/256];"""
    model = "    integer place;\n" + _BLOCK_RAM_MODEL.format(initial_word=initial_word)
    return _with_model(header, cell, model + "    assign read_data = data;\n")


def _with_model(header: str, cell: str, model: str) -> str:
    return f"{header}`ifdef SYNTHESIS\n{cell}`else\n{model}`endif\nendmodule\n"


_WRAPPERS: Final = {
    "streamnorm_ecp5_multiplier": _ecp5_multiplier,
    "streamnorm_ecp5_block_ram": _ecp5_block_ram,
    "streamnorm_ice40_multiplier": _ice40_multiplier,
    "streamnorm_ice40_block_ram": _ice40_block_ram,
}


def wrapper_modules(verilog: str) -> str:
    """Text of every wrapper module that the text ``verilog`` instantiates, in a fixed order; else empty.

    Each module is guarded by a macro of its own name in capitals, so that two generated units may be compiled
    together.
    """
    used = set(re.findall(r"\bstreamnorm_\w+", verilog))
    texts = []
    for name, text in _WRAPPERS.items():
        if name in used:
            guard = name.upper()
            texts.append(f"`ifndef {guard}\n`define {guard}\n{text(name)}`endif\n")
    return "\n".join(texts)
