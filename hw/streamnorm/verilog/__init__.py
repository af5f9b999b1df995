"""The unit as files: AXI4-Stream top level, Verilog, manifest, test vectors."""
