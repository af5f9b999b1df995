"""Functional models of MULT18X18D and DP16KD, written from Lattice's FPGA-TN-02205 and FPGA-TN-02204.

Only what the wrappers use: one clock, no resets, port A writes and port B reads.
"""


def _scalars(bits: int, *names: str) -> str:
    return ", ".join(f"{name}{bit}" for name in names for bit in range(bits))


def _bus(name: str, bits: int) -> str:
    return "{" + ", ".join(f"{name}{bit}" for bit in reversed(range(bits))) + "}"


_INITVALS = [f"INITVAL_{index:02X}" for index in range(64)]

ECP5_CELLS = f"""
module MULT18X18D(
    input {_scalars(18, "A", "B")}, SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, RST0,
    output {_scalars(36, "P")}
);
    parameter REG_INPUTA_CLK = "NONE";
    parameter REG_INPUTB_CLK = "NONE";
    parameter REG_OUTPUT_CLK = "NONE";
    reg [17:0] a = 0, b = 0;
    reg signed [37:0] p = 0;
    wire [17:0] used_a = REG_INPUTA_CLK == "CLK0" ? a : {_bus("A", 18)};
    wire [17:0] used_b = REG_INPUTB_CLK == "CLK0" ? b : {_bus("B", 18)};
    wire signed [18:0] wide_a = {{SIGNEDA & used_a[17], used_a}};
    wire signed [18:0] wide_b = {{SIGNEDB & used_b[17], used_b}};
    wire signed [37:0] product = wide_a * wide_b;
    wire [37:0] result = REG_OUTPUT_CLK == "CLK0" ? p : product;
    assign {_bus("P", 36)} = SOURCEA | SOURCEB | RST0 ? 36'bx : result[35:0];
    always @(posedge CLK0) if (CE0) begin
        a <= {_bus("A", 18)};
        b <= {_bus("B", 18)};
        p <= product;
    end
endmodule

module DP16KD(
    input {_scalars(18, "DIA", "DIB")}, {_scalars(14, "ADA", "ADB")}, {_scalars(3, "CSA", "CSB")},
    input CLKA, CEA, OCEA, WEA, RSTA, CLKB, CEB, OCEB, WEB, RSTB,
    output {_scalars(18, "DOA", "DOB")}
);
    {" ".join(f"parameter [319:0] {name} = 320'd0;" for name in _INITVALS)}
    parameter DATA_WIDTH_A = 18;
    parameter DATA_WIDTH_B = 18;
    parameter REGMODE_A = "NOREG";
    parameter REGMODE_B = "NOREG";
    wire [13:0] ada = {_bus("ADA", 14)};
    wire [13:0] adb = {_bus("ADB", 14)};
    wire [35:0] data_in = {{{_bus("DIB", 18)}, {_bus("DIA", 18)}}};
    wire [20479:0] initial_bits = {{{", ".join(reversed(_INITVALS))}}};
    reg [8:0] bytes [0:2047];
    reg [17:0] a = 0, b = 0, a_register = 0, b_register = 0;
    integer index, lane;
    initial begin
        #0;
        for (index = 0; index < 2048; index = index + 1)
            bytes[index] = initial_bits[(index/2)*20 + (index%2)*9 +: 9];
    end
    always @(posedge CLKA) begin
        if (CEA & WEA) begin
            if (DATA_WIDTH_A >= 18) begin
                for (lane = 0; lane < DATA_WIDTH_A/9; lane = lane + 1)
                    if (ada[lane])
                        bytes[(DATA_WIDTH_A == 36 ? (ada >> 5)*4 : (ada >> 4)*2) + lane]
                            <= data_in[lane*9 +: 9];
            end else if (DATA_WIDTH_A == 9)
                bytes[ada >> 3] <= data_in[8:0];
            else
                for (lane = 0; lane < DATA_WIDTH_A; lane = lane + 1)
                    bytes[ada >> 3][ada[2:0] + lane] <= data_in[lane];
        end
        if (OCEA) a_register <= a;
    end
    always @(posedge CLKB) begin
        if (CEB & ~WEB) begin
            if (DATA_WIDTH_B == 36) begin
                a <= {{bytes[(adb >> 5)*4 + 1], bytes[(adb >> 5)*4]}};
                b <= {{bytes[(adb >> 5)*4 + 3], bytes[(adb >> 5)*4 + 2]}};
            end else if (DATA_WIDTH_B == 18)
                b <= {{bytes[(adb >> 4)*2 + 1], bytes[(adb >> 4)*2]}};
            else if (DATA_WIDTH_B == 9)
                b <= bytes[adb >> 3];
            else
                b <= bytes[adb >> 3] >> adb[2:0];
        end
        if (OCEB) b_register <= b;
    end
    assign {_bus("DOA", 18)} = RSTA ? 18'bx : REGMODE_A == "OUTREG" ? a_register : a;
    assign {_bus("DOB", 18)} = RSTB ? 18'bx : REGMODE_B == "OUTREG" ? b_register : b;
endmodule
"""
