// ECP5's block RAM with two ports of the same width: A writes and reads, B reads (Lattice's memory usage guide,
// FPGA-TN-02204), as far as yosys' mapping files use it: 1, 2, 4, 9, 18 or 36 bits; a register behind
// the read data with its own enable (OCEB); byte enables on the lowest address pins of the writing port where a word
// has several bytes. In 36-bit mode the pins of port A carry the low half of a word, those of port B the high half.
//
// A parameter or pin that is not declared here cannot be used: yosys refuses the netlist. Resets, chip selects and
// writing through port B are not modelled: RSTA, RSTB, CSA*, CSB* and WEB must be 0. Of a word that is read while it is
// written the guide promises nothing, at the port that writes it neither: the model gives all its bits inverted, so that
// whatever depends on them fails. Registers start at 0.
//
// The order of initial bits is that of yosys' techlibs/lattice/brams_map_16kd.v: 16 half words of 18 bits in 20
// each; words of less than 9 bits leave every ninth bit unused.
module DP16KD #(
    parameter DATA_WIDTH_A = 18,
    parameter DATA_WIDTH_B = 18,
    parameter REGMODE_A = "NOREG",
    parameter REGMODE_B = "NOREG",
    parameter [319:0] INITVAL_00 = 320'd0,
    parameter [319:0] INITVAL_01 = 320'd0,
    parameter [319:0] INITVAL_02 = 320'd0,
    parameter [319:0] INITVAL_03 = 320'd0,
    parameter [319:0] INITVAL_04 = 320'd0,
    parameter [319:0] INITVAL_05 = 320'd0,
    parameter [319:0] INITVAL_06 = 320'd0,
    parameter [319:0] INITVAL_07 = 320'd0,
    parameter [319:0] INITVAL_08 = 320'd0,
    parameter [319:0] INITVAL_09 = 320'd0,
    parameter [319:0] INITVAL_0A = 320'd0,
    parameter [319:0] INITVAL_0B = 320'd0,
    parameter [319:0] INITVAL_0C = 320'd0,
    parameter [319:0] INITVAL_0D = 320'd0,
    parameter [319:0] INITVAL_0E = 320'd0,
    parameter [319:0] INITVAL_0F = 320'd0,
    parameter [319:0] INITVAL_10 = 320'd0,
    parameter [319:0] INITVAL_11 = 320'd0,
    parameter [319:0] INITVAL_12 = 320'd0,
    parameter [319:0] INITVAL_13 = 320'd0,
    parameter [319:0] INITVAL_14 = 320'd0,
    parameter [319:0] INITVAL_15 = 320'd0,
    parameter [319:0] INITVAL_16 = 320'd0,
    parameter [319:0] INITVAL_17 = 320'd0,
    parameter [319:0] INITVAL_18 = 320'd0,
    parameter [319:0] INITVAL_19 = 320'd0,
    parameter [319:0] INITVAL_1A = 320'd0,
    parameter [319:0] INITVAL_1B = 320'd0,
    parameter [319:0] INITVAL_1C = 320'd0,
    parameter [319:0] INITVAL_1D = 320'd0,
    parameter [319:0] INITVAL_1E = 320'd0,
    parameter [319:0] INITVAL_1F = 320'd0,
    parameter [319:0] INITVAL_20 = 320'd0,
    parameter [319:0] INITVAL_21 = 320'd0,
    parameter [319:0] INITVAL_22 = 320'd0,
    parameter [319:0] INITVAL_23 = 320'd0,
    parameter [319:0] INITVAL_24 = 320'd0,
    parameter [319:0] INITVAL_25 = 320'd0,
    parameter [319:0] INITVAL_26 = 320'd0,
    parameter [319:0] INITVAL_27 = 320'd0,
    parameter [319:0] INITVAL_28 = 320'd0,
    parameter [319:0] INITVAL_29 = 320'd0,
    parameter [319:0] INITVAL_2A = 320'd0,
    parameter [319:0] INITVAL_2B = 320'd0,
    parameter [319:0] INITVAL_2C = 320'd0,
    parameter [319:0] INITVAL_2D = 320'd0,
    parameter [319:0] INITVAL_2E = 320'd0,
    parameter [319:0] INITVAL_2F = 320'd0,
    parameter [319:0] INITVAL_30 = 320'd0,
    parameter [319:0] INITVAL_31 = 320'd0,
    parameter [319:0] INITVAL_32 = 320'd0,
    parameter [319:0] INITVAL_33 = 320'd0,
    parameter [319:0] INITVAL_34 = 320'd0,
    parameter [319:0] INITVAL_35 = 320'd0,
    parameter [319:0] INITVAL_36 = 320'd0,
    parameter [319:0] INITVAL_37 = 320'd0,
    parameter [319:0] INITVAL_38 = 320'd0,
    parameter [319:0] INITVAL_39 = 320'd0,
    parameter [319:0] INITVAL_3A = 320'd0,
    parameter [319:0] INITVAL_3B = 320'd0,
    parameter [319:0] INITVAL_3C = 320'd0,
    parameter [319:0] INITVAL_3D = 320'd0,
    parameter [319:0] INITVAL_3E = 320'd0,
    parameter [319:0] INITVAL_3F = 320'd0
) (
    input CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2, CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
    input ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
    input ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
    input DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8, DIA9, DIA10, DIA11, DIA12, DIA13, DIA14,
    DIA15, DIA16, DIA17,
    input DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8, DIB9, DIB10, DIB11, DIB12, DIB13, DIB14,
    DIB15, DIB16, DIB17,
    output DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8, DOA9, DOA10, DOA11, DOA12, DOA13, DOA14,
    DOA15, DOA16, DOA17,
    output DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8, DOB9, DOB10, DOB11, DOB12, DOB13, DOB14,
    DOB15, DOB16, DOB17
);
    localparam WIDTH = DATA_WIDTH_A;
    // Address pins below the word's: of a bit within a word.
    localparam FIRST_PIN = WIDTH == 36 ? 5 : WIDTH == 18 ? 4 : WIDTH == 9 ? 3 : WIDTH == 4 ? 2 : WIDTH == 2 ? 1 : 0;
    localparam BYTES = WIDTH >= 18 ? WIDTH/9 : 1;
    localparam PARTS = WIDTH == 9 ? 1 : 8/WIDTH;  // words in a byte, where a word is no larger
    generate
        if (DATA_WIDTH_A != DATA_WIDTH_B || REGMODE_A != REGMODE_B || (REGMODE_B != "NOREG" && REGMODE_B != "OUTREG")
            || (WIDTH != 1 && WIDTH != 2 && WIDTH != 4 && WIDTH != 9 && WIDTH != 18 && WIDTH != 36))
            DP16KD_mode_that_is_not_modelled refused();
    endgenerate

    wire [13:0] pins_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1,
        ADA0};
    wire [13:0] pins_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1,
        ADB0};
    wire [35:0] data_in;
    assign data_in[17:0] = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6,
        DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
    assign data_in[35:18] = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6,
        DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
    wire [13-FIRST_PIN:0] address_a = pins_a[13:FIRST_PIN];
    wire [13-FIRST_PIN:0] address_b = pins_b[13:FIRST_PIN];
    wire writing = CEA && WEA;

    reg [WIDTH-1:0] memory [0:(1<<(14-FIRST_PIN))-1];
    localparam [20479:0] CONTENTS = {
        INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
        INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
        INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
        INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
        INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
        INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
        INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
        INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
    };
    genvar block;
    generate
        for (block = 0; block < 64; block = block + 1) begin : contents
            localparam [319:0] PART = CONTENTS[block*320 +: 320];
            integer half, piece;
            if (WIDTH == 36) begin : words
                initial for (half = 0; half < 8; half = half + 1)
                    memory[block*8 + half] = {PART[half*40 + 20 +: 18], PART[half*40 +: 18]};
            end else if (WIDTH == 18) begin : half_words
                initial for (half = 0; half < 16; half = half + 1)
                    memory[block*16 + half] = PART[half*20 +: 18];
            end else begin : bytes
                initial for (half = 0; half < 16; half = half + 1)
                    for (piece = 0; piece < PARTS; piece = piece + 1) begin
                        memory[(block*32 + half*2)*PARTS + piece] = PART[half*20 + piece*WIDTH +: WIDTH];
                        memory[(block*32 + half*2 + 1)*PARTS + piece] = PART[half*20 + 9 + piece*WIDTH +: WIDTH];
                    end
            end
        end
        if (BYTES == 1) begin : one_byte
            always @(posedge CLKA)
                if (writing) memory[address_a] <= data_in[WIDTH-1:0];
        end else begin : several_bytes
            integer index;
            always @(posedge CLKA)
                if (writing)
                    for (index = 0; index < BYTES; index = index + 1)
                        if (pins_a[index]) memory[address_a][index*9 +: 9] <= data_in[index*9 +: 9];
        end
    endgenerate

    reg [WIDTH-1:0] data_a;
    reg [WIDTH-1:0] data_b;
    reg [WIDTH-1:0] registered_a;
    reg [WIDTH-1:0] registered_b;
    initial data_a = 0;
    initial data_b = 0;
    initial registered_a = 0;
    initial registered_b = 0;
    always @(posedge CLKA) begin
        if (CEA) data_a <= memory[address_a] ^ {WIDTH{writing}};
        if (OCEA) registered_a <= data_a;
    end
    always @(posedge CLKB) begin
        if (CEB) data_b <= memory[address_b] ^ {WIDTH{writing && address_a == address_b}};
        if (OCEB) registered_b <= data_b;
    end
    wire [WIDTH-1:0] data_out_a = REGMODE_A == "OUTREG" ? registered_a : data_a;
    wire [WIDTH-1:0] data_out_b = REGMODE_B == "OUTREG" ? registered_b : data_b;
    generate
        if (WIDTH == 36) begin : both_halves
            assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3,
                DOA2, DOA1, DOA0} = data_out_b[17:0];
            assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3,
                DOB2, DOB1, DOB0} = data_out_b[35:18];
        end else begin : a_word_each
            assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3,
                DOA2, DOA1, DOA0} = data_out_a;
            assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3,
                DOB2, DOB1, DOB0} = data_out_b;
        end
    endgenerate
endmodule
