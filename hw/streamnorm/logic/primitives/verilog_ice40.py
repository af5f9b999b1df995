"""Wrapper modules around iCE40's SB_MAC16 and SB_RAM40_4K.

References
----------
Lattice "iCE Technology Library"; yosys' ``techlibs/ice40/cells_sim.v``.
"""

from typing import Final

from .verilog_text import (
    BLOCK_RAM_HEADER,
    BLOCK_RAM_MODEL,
    MULTIPLIER_HEADER,
    MULTIPLIER_MODEL,
    connections,
    ties,
    with_model,
)

__all__ = ["block_ram", "multiplier"]

_INITIAL: Final = """\
    integer place;
    reg [15:0] row;
    reg [WIDTH-1:0] contents;
    initial
        for (word = 0; word < 256*SHARES; word = word + 1) begin
            row = INIT[(word%256)*16 +: 16] >> (word/256);
            // A word at a time: yosys takes minutes over single bits of memories.
            for (place = 0; place < WIDTH; place = place + 1) contents[place] = row[place*SHARES];
            memory[word] = contents;
        end
"""


def multiplier(name: str) -> str:
    """Text of the module around SB_MAC16."""
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
        *ties(1, "CE"),
        ("A", "wide_a[15:0]"),
        ("B", "wide_b[15:0]"),
        ("C", "16'd0"),
        ("D", "16'd0"),
        *ties(0, *hold, *(f"{side}{half}" for side in sides for half in ("TOP", "BOT"))),
        *ties(0, "CI", "ACCUMCI", "SIGNEXTIN"),
        ("O", "product"),
    ]
    cell = (
        "    wire [31:0] product;\n"
        "    assign p = product[A_WIDTH+B_WIDTH-1:0];\n"
        f"    SB_MAC16 #(\n{connections(parameters)}\n    ) tile (\n{connections(ports)}\n    );\n"
    )
    header = MULTIPLIER_HEADER.format(name=name, limit=16)
    return with_model(header, cell, MULTIPLIER_MODEL.format(limit=16))


def block_ram(name: str) -> str:
    """Text of the module around SB_RAM40_4K."""
    parameters = [(f"INIT_{index:X}", f"INIT[{index}*256 +: 256]") for index in range(16)]
    parameters += [(f"{port}_MODE", "MODE") for port in ("READ", "WRITE")]
    ports = [
        ("RCLK", "clk"),
        ("WCLK", "clk"),
        ("WE", "write_enable"),
        *ties(1, "RCLKE", "RE", "WCLKE"),
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
{connections(parameters)}
    ) block (
{connections(ports)}
    );
"""
    header = BLOCK_RAM_HEADER.format(name=name, width=16, address_width=8, output_register="", init_width="4096")
    header += """\
    // Words narrower than 16 bits share a row of 16: the address bits above the lowest 8 say which share.
    // INIT holds the rows as the block does: bit b of the word of row r and share s is bit 16*r + SHARES*b +
    // s.
    localparam SHARES = 16/WIDTH;
"""
    model = BLOCK_RAM_MODEL.format(initial=_INITIAL)
    return with_model(header, cell, model + "    assign read_data = data;\n")
