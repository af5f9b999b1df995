// ECP5's multiplier of 18 by 18 bits (Lattice's sysDSP usage guide, FPGA-TN-02205), as far as yosys' mapping files use
// it: operands that are each signed or not, an optional register at both inputs and at the output, the clock enable CE0.
//
// A parameter or pin that is not declared here cannot be used: yosys refuses the netlist. SOURCEA and SOURCEB (operands
// from the neighbouring block), RST0 and a changing SIGNEDA or SIGNEDB are not modelled either: the first three must be
// 0, the others constant. Every register starts at 0, where the global reset of the configured part leaves it.
module MULT18X18D #(
    parameter REG_INPUTA_CLK = "NONE",
    parameter REG_INPUTB_CLK = "NONE",
    parameter REG_OUTPUT_CLK = "NONE"
) (
    input CLK0, CE0, RST0, SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    input A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15, A16, A17,
    input B0, B1, B2, B3, B4, B5, B6, B7, B8, B9, B10, B11, B12, B13, B14, B15, B16, B17,
    output P0, P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P12, P13, P14, P15, P16, P17, P18, P19, P20, P21,
    P22, P23, P24, P25, P26, P27, P28, P29, P30, P31, P32, P33, P34, P35
);
    generate
        if ((REG_INPUTA_CLK != "NONE" && REG_INPUTA_CLK != "CLK0") ||
            (REG_INPUTB_CLK != "NONE" && REG_INPUTB_CLK != "CLK0") ||
            (REG_OUTPUT_CLK != "NONE" && REG_OUTPUT_CLK != "CLK0"))
            MULT18X18D_register_clock_that_is_not_modelled refused();
    endgenerate

    wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
    wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
    reg [17:0] registered_a;
    reg [17:0] registered_b;
    wire [17:0] used_a = REG_INPUTA_CLK == "CLK0" ? registered_a : a;
    wire [17:0] used_b = REG_INPUTB_CLK == "CLK0" ? registered_b : b;
    wire signed [18:0] extended_a = {SIGNEDA && used_a[17], used_a};
    wire signed [18:0] extended_b = {SIGNEDB && used_b[17], used_b};
    wire signed [37:0] product = extended_a * extended_b;
    reg [35:0] registered_product;
    initial registered_a = 0;
    initial registered_b = 0;
    initial registered_product = 0;
    always @(posedge CLK0)
        if (CE0) begin
            registered_a <= a;
            registered_b <= b;
            registered_product <= product[35:0];
        end
    assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17,
        P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = REG_OUTPUT_CLK == "CLK0"
        ? registered_product : product[35:0];
endmodule
