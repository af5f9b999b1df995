// Carry chains of all kinds: odd and even widths, carry in 0, 1 and variable, carry read and not.
module adders (
    input [12:0] a,
    input [12:0] b,
    input c,
    output [12:0] sum_odd,
    output [11:0] sum_even,
    output [8:0] difference_odd,
    output [9:0] difference_even,
    output [10:0] difference_signed,
    output [8:0] either,
    output [8:0] negative,
    output [9:0] sum_with_carry,
    output carry,
    output less,
    output not_less
);
    assign sum_odd = a + b;
    assign sum_even = a[11:0] + b[11:0];
    assign difference_odd = a[8:0] - b[8:0];
    assign difference_even = a[9:0] - b[9:0];
    assign difference_signed = $signed(a[8:0]) - $signed(b[10:0]);
    assign either = c ? a[8:0] - b[8:0] : a[8:0] + b[8:0];
    assign negative = -a[8:0];
    assign {carry, sum_with_carry} = a[9:0] + b[9:0] + c;
    assign less = a < b;
    assign not_less = $signed(a[10:0]) >= $signed(b[10:0]);
endmodule
