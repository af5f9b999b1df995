"""Verilog that people can read: names, comments, short lines; tests/ladder/test_verilog_stays.py reads whole units."""

import re

from streamnorm.verilog.readable import readable

NUMBERED = r"""
module \top.part (\port$5$0 , \port$6$2 , \port$7$0 , \port$8$0 , y, aclk
);
  wire \$1 ;
  wire [-1:0] nothing;
  input aclk;
  input [3:0] \port$5$0 ;
  wire [3:0] \port$5$0 ;
  input \port$6$2 ;
  input [5:0] \port$7$0 ;
  input [1:0] \port$8$0 ;
  output [4:0] y;
  wire [4:0] whole;
  wire [3:0] low;
  wire [1:0] high;
  reg [4:0] \whole$3 = 5'h00;
  wire [1:0] \begin$4 ;
  wire whole_3;
  assign \$1  = \port$6$2 & \port$7$0 [5];
  assign whole = { \port$6$2 , \port$5$0  };
  assign high = \port$7$0 [5:4];
  assign low = \port$7$0 [3:0];
  assign y = \$1 ? \whole$3 [4:0] : whole;
endmodule

module top(aclk);
  \top.part  part (
    .\port$5$0 (\$9 ),
    .\port$8$0 (table_of_all),
    .y({ \$9 [0], \$9 [0], \$9 [0], \$9 [0], x })
  );
endmodule
"""

NAMED = """
// What it is for.
module \\top.part (whole_3_0, whole_4, high_low, table_of_all, y, aclk );
  wire _1_;
  input aclk;
  input [3:0] whole_3_0;
  wire [3:0] whole_3_0;
  input whole_4;
  input [5:0] high_low;
  input [1:0] table_of_all;
  output [4:0] y;
  wire [4:0] whole;
  wire [3:0] low;
  wire [1:0] high;
  reg [4:0] whole_3_ = 5'h00;
  wire [1:0] begin_4;
  wire whole_3;
  assign _1_ = whole_4 & high_low[5];
  assign whole = { whole_4, whole_3_0 };
  assign high = high_low[5:4];
  assign low = high_low[3:0];
  assign y = _1_ ? whole_3_[4:0] : whole;
endmodule

// A part of the module above.
module top(aclk);
  \\top.part  part (
    .whole_3_0(_9_),
    .table_of_all(table_of_all),
    .y({ _9_[0], _9_[0], _9_[0], _9_[0], x })
  );
endmodule
"""


def test_parts_are_called_after_their_whole():
    got = re.sub(" +", " ", readable(NUMBERED, {"top.part": "What it is for."}))
    assert got.splitlines() == re.sub(" +", " ", NAMED).splitlines()


def test_long_lines():
    literal = f"  x #(.INIT(404'h{'5' * 101}), .EMPTY(1024'h{'0' * 256}));"
    repeated = (
        f"  assign x = {{ {', '.join(['sign_of_the_value[12]'] * 9)}, {', '.join(f'bit_{n}' for n in range(20))} }};"
    )
    behind = f"  reg [351:0] a_long_name_of_a_register_with_contents = 352'h{'7' * 88};"
    others = [f"  assign y = {{ {', '.join(['sign'] * 30)}{end} }};" for end in ("_next", "[3:0]", "ed, sign")]
    text = readable("\n".join(["module m(x);", literal, repeated, behind, *others, "endmodule", ""]), {})
    lines = text.splitlines()
    assert max(map(len, lines)) <= 120
    joined = " ".join(line.strip() for line in lines)
    assert f".INIT({{ 20'h{'5' * 5}, 384'h{'5' * 96} }})" in joined
    assert ".EMPTY(1024'h0)" in joined
    assert f"contents = {{ 160'h{'7' * 40}, 192'h{'7' * 48} }};" in joined
    assert [part in joined for part in ("}_next", "}[3:0]", "}ed")] == [False] * 3
    assert "{ { 9{ sign_of_the_value[12] } }, bit_0, bit_1," in joined
