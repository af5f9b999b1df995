"""From Verilog to a netlist of device primitives."""
