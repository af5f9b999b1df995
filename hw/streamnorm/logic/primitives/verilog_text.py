"""What the Verilog of every family's wrapper modules shares: headers, behavioural models, connections.

The templates are filled in with :meth:`str.format`.
"""

import textwrap
from collections.abc import Iterable
from typing import Final

__all__ = [
    "BLOCK_RAM_HEADER",
    "BLOCK_RAM_MODEL",
    "MULTIPLIER_HEADER",
    "MULTIPLIER_MODEL",
    "bus",
    "connections",
    "ties",
    "with_model",
]

MULTIPLIER_HEADER: Final = """\
// A multiplier tile: the device's where SYNTHESIS is defined, elsewhere a model of the same latency.
module {name} #(
    parameter A_WIDTH = {limit},
    parameter B_WIDTH = {limit},
    parameter A_SIGNED = 1,
    parameter B_SIGNED = 1,
    parameter INPUT_REGISTERS = 1,
    parameter OUTPUT_REGISTERS = 1
) (
    /* verilator lint_off UNUSED */
    input clk,  // not without registers
    /* verilator lint_on UNUSED */
    input [A_WIDTH-1:0] a,
    input [B_WIDTH-1:0] b,
    output [A_WIDTH+B_WIDTH-1:0] p
);
    // Operands extended to one bit more than the tile takes, so that no replication is empty.
    wire [{limit}:0] wide_a = {{{{({limit}+1-A_WIDTH){{A_SIGNED != 0 && a[A_WIDTH-1]}}}}, a}};
    wire [{limit}:0] wide_b = {{{{({limit}+1-B_WIDTH){{B_SIGNED != 0 && b[B_WIDTH-1]}}}}, b}};
"""

MULTIPLIER_MODEL: Final = """\
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

BLOCK_RAM_HEADER: Final = """\
// A block RAM: the device's where SYNTHESIS is defined, elsewhere a model of the same latency.
module {name} #(
    parameter WIDTH = {width},
    parameter ADDRESS_WIDTH = {address_width},{output_register}
    /* verilator lint_off WIDTH */
    parameter [{init_width}-1:0] INIT = 0
    /* verilator lint_on WIDTH */
) (
    input clk,
    input write_enable,
    input [ADDRESS_WIDTH-1:0] write_address,
    input [WIDTH-1:0] write_data,
    input [ADDRESS_WIDTH-1:0] read_address,
    output [WIDTH-1:0] read_data
);
"""

BLOCK_RAM_MODEL: Final = """\
    reg [WIDTH-1:0] memory [0:(1<<ADDRESS_WIDTH)-1];
    reg [WIDTH-1:0] data;
    initial data = 0;
    integer word;
{initial}    always @(posedge clk) begin
        if (write_enable) memory[write_address] <= write_data;
        data <= memory[read_address];
    end
"""


def connections(pairs: Iterable[tuple[str, str]]) -> str:
    """Port or parameter connections, wrapped."""
    text = ", ".join(f".{pin}({value})" for pin, value in pairs)
    return textwrap.fill(text, width=110, initial_indent=" " * 8, subsequent_indent=" " * 8)


def bus(pin: str, wire: str, bits: int, first: int = 0) -> list[tuple[str, str]]:
    """Connect pins ``pin0`` … to the bits of ``wire`` from ``first`` on."""
    return [(f"{pin}{bit}", f"{wire}[{first + bit}]") for bit in range(bits)]


def ties(value: int, *pins: str) -> list[tuple[str, str]]:
    """Connect each of ``pins`` to the constant ``value``."""
    return [(pin, f"1'b{value}") for pin in pins]


def with_model(header: str, cell: str, model: str) -> str:
    """Module of a header and two bodies: the vendor's cell for synthesis, the model for everything else."""
    return f"{header}`ifdef SYNTHESIS\n{cell}`else\n{model}`endif\nendmodule\n"
