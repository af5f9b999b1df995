"""Wrapper modules around ECP5's MULT18X18D and DP16KD.

References
----------
Lattice FPGA-TN-02205 (sysDSP), FPGA-TN-02204 (memory); the order of a DP16KD's initial bits and of its data
pins in 36-bit mode is that of yosys' ``techlibs/lattice/brams_map_16kd.v``.
"""

from typing import Final

from .verilog_text import (
    BLOCK_RAM_HEADER,
    BLOCK_RAM_MODEL,
    MULTIPLIER_HEADER,
    MULTIPLIER_MODEL,
    bus,
    connections,
    ties,
    with_model,
)

__all__ = ["block_ram", "dual_port_rom", "multiplier", "queue_ram"]

# By way of 64 words at a time: a simulator may copy all of INIT to take a part of it.
_INITIAL: Final = """\
    integer group;
    reg [64*WIDTH-1:0] words;
    initial
        for (group = 0; group < (1 << ADDRESS_WIDTH)/64; group = group + 1) begin
            words = INIT[group*64*WIDTH +: 64*WIDTH];
            for (word = 0; word < 64; word = word + 1)
                memory[group*64 + word] = words[word*WIDTH +: WIDTH];
        end
"""

_INITIAL_BITS: Final = """\
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
"""

_OUTPUT_MODEL: Final = """\
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


_ROM_HEADER: Final = """\
// A block RAM whose both ports read: the device's where SYNTHESIS is defined, elsewhere a model of the same latency.
module {name} #(
    parameter OUTPUT_REGISTER = 1,
    parameter [18431:0] INIT = 0
) (
    input clk,
    input [9:0] address_a,
    output [17:0] data_a,
    input [9:0] address_b,
    output [17:0] data_b
);
    localparam WIDTH = 18;
    localparam ADDRESS_WIDTH = 10;
"""

_ROM_MODEL: Final = """\
    reg [17:0] memory [0:1023];
    reg [17:0] word_a;
    reg [17:0] word_b;
    initial word_a = 0;
    initial word_b = 0;
    integer word;
{initial}    always @(posedge clk) begin
        word_a <= memory[address_a];
        word_b <= memory[address_b];
    end
    generate
        if (OUTPUT_REGISTER != 0) begin : with_output_register
            reg [17:0] registered_a;
            reg [17:0] registered_b;
            initial registered_a = 0;
            initial registered_b = 0;
            always @(posedge clk) begin
                registered_a <= word_a;
                registered_b <= word_b;
            end
            assign data_a = registered_a;
            assign data_b = registered_b;
        end else begin : without_output_register
            assign data_a = word_a;
            assign data_b = word_b;
        end
    endgenerate
"""

_QUEUE_HEADER: Final = """\
// A block RAM whose read registers have enables: the device's where SYNTHESIS is defined, elsewhere a model.
module {name} (
    input clk,
    input write_enable,
    input [8:0] write_address,
    input [35:0] write_data,
    input [8:0] read_address,
    input fetch,
    input forward,
    output [35:0] read_data
);
"""

_QUEUE_MODEL: Final = """\
    reg [35:0] memory [0:511];
    reg [35:0] fetched;
    reg [35:0] registered;
    integer word;
    initial begin
        fetched = 0;
        registered = 0;
        for (word = 0; word < 512; word = word + 1) memory[word] = 0;
    end
    always @(posedge clk) begin
        if (write_enable) memory[write_address] <= write_data;
        if (fetch) fetched <= memory[read_address];
        if (forward) registered <= fetched;
    end
    assign read_data = registered;
"""


def multiplier(name: str) -> str:
    """Text of the module around MULT18X18D."""
    parameters = [(f"REG_INPUT{port}_CLK", 'INPUT_REGISTERS != 0 ? "CLK0" : "NONE"') for port in "AB"]
    parameters.append(("REG_OUTPUT_CLK", 'OUTPUT_REGISTERS != 0 ? "CLK0" : "NONE"'))
    ports = [
        ("CLK0", "clk"),
        *ties(1, "CE0"),
        *ties(0, "RST0", "SOURCEA", "SOURCEB"),
        ("SIGNEDA", "signed_a"),
        ("SIGNEDB", "signed_b"),
        *bus("A", "wide_a", 18),
        *bus("B", "wide_b", 18),
        *bus("P", "product", 36),
    ]
    cell = (
        "    wire signed_a = A_SIGNED != 0;\n"
        "    wire signed_b = B_SIGNED != 0;\n"
        "    wire [35:0] product;\n"
        "    assign p = product[A_WIDTH+B_WIDTH-1:0];\n"
        f"    MULT18X18D #(\n{connections(parameters)}\n    ) tile (\n{connections(ports)}\n    );\n"
    )
    header = MULTIPLIER_HEADER.format(name=name, limit=18)
    return with_model(header, cell, MULTIPLIER_MODEL.format(limit=18))


def block_ram(name: str) -> str:
    """Text of the module around DP16KD, one port of which writes while the other reads."""
    parameters = [(f"INITVAL_{index:02X}", f"initial_bits({index})") for index in range(64)]
    parameters += [(f"DATA_WIDTH_{port}", "WIDTH") for port in "AB"]
    parameters += [(f"REGMODE_{port}", 'OUTPUT_REGISTER != 0 ? "OUTREG" : "NOREG"') for port in "AB"]
    ports = [
        ("CLKA", "clk"),
        ("CLKB", "clk"),
        ("WEA", "write_enable"),
        *ties(1, "CEA", "CEB", "OCEA", "OCEB"),
        *ties(0, "WEB", "RSTA", "RSTB", "CSA0", "CSA1", "CSA2", "CSB0", "CSB1", "CSB2"),
        *bus("ADA", "write_pins", 14),
        *bus("ADB", "bit_read_address", 14),
        *bus("DIA", "data_in", 18),
        *bus("DIB", "data_in", 18, 18),
        *bus("DOA", "data_out", 18),
        *bus("DOB", "data_out", 18, 18),
    ]
    cell = f"""\
{_INITIAL_BITS}    wire [14:0] bit_write_address = {{write_address, {{(15-ADDRESS_WIDTH){{1'b0}}}}}} >> 1;
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
{connections(parameters)}
    ) block (
{connections(ports)}
    );
"""
    header = BLOCK_RAM_HEADER.format(
        name=name,
        width=18,
        address_width=10,
        output_register="\n    parameter OUTPUT_REGISTER = 1,",
        init_width="(WIDTH<<ADDRESS_WIDTH)",
    )
    model = BLOCK_RAM_MODEL.format(initial=_INITIAL)
    return with_model(header, cell, model + _OUTPUT_MODEL)


def dual_port_rom(name: str) -> str:
    """Text of the module around DP16KD, both ports of which read 1024 words of 18 bits."""
    parameters = [(f"INITVAL_{index:02X}", f"initial_bits({index})") for index in range(64)]
    parameters += [(f"DATA_WIDTH_{port}", "WIDTH") for port in "AB"]
    parameters += [(f"REGMODE_{port}", 'OUTPUT_REGISTER != 0 ? "OUTREG" : "NOREG"') for port in "AB"]
    ports = [("CLKA", "clk"), ("CLKB", "clk"), *ties(1, "CEA", "CEB", "OCEA", "OCEB")]
    ports += ties(0, *(f"{pin}{port}" for port in "AB" for pin in ("WE", "RST")))
    ports += ties(0, *(f"CS{port}{number}" for port in "AB" for number in range(3)))
    ports += ties(0, *(f"AD{port}{pin}" for port in "AB" for pin in range(4)))
    for port in "AB":
        ports += [(f"AD{port}{4 + bit}", f"address_{port.lower()}[{bit}]") for bit in range(10)]
        ports += bus(f"DO{port}", f"data_{port.lower()}", 18)
    cell = f"""\
{_INITIAL_BITS}    DP16KD #(
{connections(parameters)}
    ) block (
{connections(ports)}
    );
"""
    return with_model(_ROM_HEADER.format(name=name), cell, _ROM_MODEL.format(initial=_INITIAL))


def queue_ram(name: str) -> str:
    """Text of the module around DP16KD, one port of which writes 512 words of 36 bits while the other reads."""
    parameters = [(f"DATA_WIDTH_{port}", "36") for port in "AB"]
    parameters += [(f"REGMODE_{port}", '"OUTREG"') for port in "AB"]
    ports = [
        ("CLKA", "clk"),
        ("CLKB", "clk"),
        ("WEA", "write_enable"),
        ("CEB", "fetch"),
        # Half of a word leaves by the pins of port A.
        ("OCEA", "forward"),
        ("OCEB", "forward"),
        *ties(1, "CEA", "ADA0", "ADA1", "ADA2", "ADA3"),
        *ties(0, "WEB", "RSTA", "RSTB", "CSA0", "CSA1", "CSA2", "CSB0", "CSB1", "CSB2"),
        *ties(0, "ADA4", "ADB0", "ADB1", "ADB2", "ADB3", "ADB4"),
        *((f"ADA{5 + bit}", f"write_address[{bit}]") for bit in range(9)),
        *((f"ADB{5 + bit}", f"read_address[{bit}]") for bit in range(9)),
        *bus("DIA", "write_data", 18),
        *bus("DIB", "write_data", 18, 18),
        *bus("DOA", "read_data", 18),
        *bus("DOB", "read_data", 18, 18),
    ]
    cell = f"""\
    DP16KD #(
{connections(parameters)}
    ) block (
{connections(ports)}
    );
"""
    return with_model(_QUEUE_HEADER.format(name=name), cell, _QUEUE_MODEL)
