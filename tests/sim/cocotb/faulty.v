// The unit `norm` of examples/cocotb, with a fault on its way out that a bench chooses.
module faulty (
    input aclk, input aresetn,
    input [15:0] s_axis_tdata, input [1:0] s_axis_tkeep, input s_axis_tvalid, output s_axis_tready,
    input s_axis_tlast, input s_axis_tuser,
    output [15:0] m_axis_tdata, output [1:0] m_axis_tkeep, output m_axis_tvalid, input m_axis_tready,
    output m_axis_tlast, output m_axis_tuser,
    input [63:0] s_axis_param_tdata, input s_axis_param_tvalid, output s_axis_param_tready,
    input s_axis_param_tlast, input s_axis_param_tuser
);
    reg [3:0] fault = 0;
    reg [7:0] taken = 0;  // beats
    wire [15:0] tdata;
    wire [1:0] tkeep;
    wire tvalid, tlast, tuser;
    wire at = taken == 3;
    wire stopped = fault == 1 && at;
    wire extra = fault == 6 && taken == 2;
    wire endless = fault == 8;

    norm unit (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_tdata(s_axis_tdata), .s_axis_tkeep(s_axis_tkeep), .s_axis_tvalid(s_axis_tvalid && !stopped),
        .s_axis_tready(s_axis_tready), .s_axis_tlast(s_axis_tlast), .s_axis_tuser(s_axis_tuser),
        .m_axis_tdata(tdata), .m_axis_tkeep(tkeep), .m_axis_tvalid(tvalid),
        .m_axis_tready(m_axis_tready && !stopped), .m_axis_tlast(tlast), .m_axis_tuser(tuser),
        .s_axis_param_tdata(s_axis_param_tdata), .s_axis_param_tvalid(s_axis_param_tvalid),
        .s_axis_param_tready(s_axis_param_tready), .s_axis_param_tlast(s_axis_param_tlast),
        .s_axis_param_tuser(s_axis_param_tuser)
    );

    assign m_axis_tvalid = fault == 7 && at ? 1'bx : endless || extra || tvalid && !stopped && !(fault == 2 && at && waited);
    assign m_axis_tdata = fault == 3 && at ? tdata ^ 16'h0100 : fault == 4 && at ? {tdata[15:1], 1'bx} : tdata;
    assign m_axis_tkeep = tkeep;
    assign m_axis_tlast = !endless && (extra || tlast);
    assign m_axis_tuser = fault == 5 && tlast ? !tuser : tuser;

    reg waited = 0;  // a beat was offered in the cycle before, and not taken
    always @(posedge aclk) begin
        waited <= m_axis_tvalid && !m_axis_tready;
        if (!aresetn) taken <= 0;
        else if (m_axis_tvalid && m_axis_tready) taken <= taken + 1;
    end
endmodule
