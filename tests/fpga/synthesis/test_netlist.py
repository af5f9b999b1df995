from fpga.netlists import cell, netlist


def test_readers_are_inputs_of_cells_and_outputs_of_the_module():
    cells = {"lut": cell("LUT4", {"A": 2, "B": 2}, {"Z": 3}), "register": cell("TRELLIS_FF", {"DI": 3}, {"Q": 4})}
    unit = netlist({"i": ("input", [2]), "o": ("output", [4, 3])}, cells)
    assert unit.readers() == {2: 2, 3: 2, 4: 1}
