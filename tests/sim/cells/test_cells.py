"""The models of MULT18X18D and DP16KD against Python twins, and what they refuse."""

import itertools
import json
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hw.logic.primitives.side_by_side import simulated_verilog, yosys
from streamnorm.errors import ConfigError
from streamnorm_sim.cells import GateNetlist, cell_models

CYCLES = 2000


def scalars(name: str, bits: int) -> list[str]:
    return [f"{name}{bit}" for bit in range(bits)]


def harness(cell: str, parameters: str, inputs: list[str], outputs: list[str], clocks: str) -> str:
    """A module ``side_by_side`` that holds one cell."""
    pins = [f".{pin}(i[{bit}])" for bit, pin in enumerate(inputs)]
    pins += [f".{pin}(o[{bit}])" for bit, pin in enumerate(outputs)]
    pins += [f".{clock}(clk)" for clock in clocks.split()]
    return (
        f"module side_by_side(input clk, input [{len(inputs) - 1}:0] i, output [{len(outputs) - 1}:0] o);\n"
        f"{cell} #({parameters}) cell_under_test ({', '.join(pins)});\nendmodule\n"
    )


def simulated(
    directory: Path, text: str, inputs: list[str], outputs: list[str], values: list[dict[str, int]]
) -> list[int | None]:
    """Outputs as a number before each clock edge; ``values`` has words by the name of their pins."""
    words = []
    for value in values:
        word = 0
        for bit, pin in enumerate(inputs):
            name = pin.rstrip("0123456789")
            index = int(pin[len(name) :] or 0) if name in value else 0
            word |= (value.get(pin, value.get(name, 0) >> index) & 1) << bit
        words.append(word)
    ports: Any = SimpleNamespace(i=range(len(inputs)), o=range(len(outputs)))
    return simulated_verilog(directory, text, ports, words)


def any_operand(generator: random.Random) -> int:
    return generator.choice((generator.getrandbits(18), 0x3FFFF, 0x20000, 0x1FFFF, 0, 1))


def value_of(word: int, signed: int) -> int:
    return word - (1 << 18) if signed and word >> 17 else word


@pytest.mark.parametrize("registers", list(itertools.product((0, 1), repeat=3)), ids=str)
def test_multiplier(registers: tuple[int, int, int], tmp_path: Path) -> None:
    """Operands that are signed and not, the enable at random; registers of 0 before the first edge."""
    at_a, at_b, at_p = registers
    names = ("REG_INPUTA_CLK", "REG_INPUTB_CLK", "REG_OUTPUT_CLK")
    parameters = ", ".join(
        f'.{name}("{"CLK0" if used else "NONE"}")' for name, used in zip(names, registers, strict=True)
    )
    inputs = [*scalars("A", 18), *scalars("B", 18), "SIGNEDA", "SIGNEDB", "CE0", "RST0", "SOURCEA", "SOURCEB"]
    outputs = scalars("P", 36)
    generator = random.Random(str(registers))
    for signs in itertools.product((0, 1), repeat=2):
        values, expected = [], []
        held_a = held_b = held_p = 0
        for _ in range(CYCLES // 4):
            a, b = any_operand(generator), any_operand(generator)
            enable = int(generator.random() < 0.7)
            values.append({"A": a, "B": b, "SIGNEDA": signs[0], "SIGNEDB": signs[1], "CE0": enable})
            product = value_of(held_a if at_a else a, signs[0]) * value_of(held_b if at_b else b, signs[1])
            expected.append((held_p if at_p else product) & ((1 << 36) - 1))
            if enable:
                held_a, held_b, held_p = a, b, product
        text = harness("MULT18X18D", parameters, inputs, outputs, "CLK0") + cell_models("ecp5")
        assert simulated(tmp_path, text, inputs, outputs, values) == expected, signs


class BlockRamTwin:
    """A DP16KD as 16384 bits and 2048 ninth bits, each access put together from them."""

    def __init__(self, width: int, registered: bool, contents: list[int]) -> None:
        self.width, self.registered = width, registered
        self.bits = [contents[byte] >> bit & 1 for byte in range(2048) for bit in range(8)]
        self.ninths = [contents[byte] >> 8 & 1 for byte in range(2048)]
        self.data = self.register = 0

    def places(self, address: int) -> list[tuple[list[int], int]]:
        """The memory bits of the word at some address pins, lowest first: which list, and where in it."""
        if self.width < 9:
            first = address - address % self.width
            return [(self.bits, first + bit) for bit in range(self.width)]
        count = self.width // 9
        first = address // 8 - address // 8 % count
        found = []
        for byte in range(first, first + count):
            found += [(self.bits, 8 * byte + bit) for bit in range(8)] + [(self.ninths, byte)]
        return found

    def edge(self, pins: dict[str, int]) -> None:
        write, read = self.places(pins["ADA"]), self.places(pins["ADB"])
        writing = pins["CEA"] and pins["WEA"]
        word = sum(values[at] << bit for bit, (values, at) in enumerate(read))
        if writing and write[0] == read[0]:
            word ^= (1 << self.width) - 1
        if pins["OCEB"]:
            self.register = self.data
        if pins["CEB"]:
            self.data = word
        data = pins["DIA"] | pins["DIB"] << 18
        for bit, (values, at) in enumerate(write):
            if writing and (self.width < 18 or pins["ADA"] >> (bit // 9) & 1):
                values[at] = data >> bit & 1

    @property
    def output(self) -> int:
        return self.register if self.registered else self.data


@pytest.mark.parametrize("registered", [False, True], ids=["no register", "output register"])
@pytest.mark.parametrize("width", [1, 2, 4, 9, 18, 36])
def test_block_ram(width: int, registered: bool, tmp_path: Path) -> None:
    """Contents, writes with byte enables, both enables, the register's own, and a word read while it is written."""
    generator = random.Random(f"{width} {registered}")
    contents = [generator.getrandbits(9) for _ in range(2048)]
    parameters = [f".DATA_WIDTH_{port}({width})" for port in "AB"]
    parameters += [f'.REGMODE_{port}("{"OUTREG" if registered else "NOREG"}")' for port in "AB"]
    for block in range(64):
        word = 0
        for half in range(16):
            low, high = contents[block * 32 + 2 * half : block * 32 + 2 * half + 2]
            word |= (low | high << 9) << (20 * half)
        parameters.append(f".INITVAL_{block:02X}(320'h{word:x})")
    controls = ["CEA", "WEA", "OCEA", "RSTA", "CEB", "WEB", "OCEB", "RSTB"]
    inputs = [pin for port in "AB" for pin in (*scalars(f"AD{port}", 14), *scalars(f"DI{port}", 18))]
    inputs += [*controls, *(f"CS{port}{bit}" for port in "AB" for bit in range(3))]
    outputs = [*scalars("DOA", 18), *scalars("DOB", 18)] if width == 36 else scalars("DOB", width)
    twin = BlockRamTwin(width, registered, contents)
    values, expected = [], []
    few = [generator.getrandbits(14) for _ in range(6)]  # come often, so that what was written is read again
    for _ in range(CYCLES):
        pins = {name: generator.choice((*few, generator.getrandbits(14))) for name in ("ADA", "ADB")}
        pins |= {name: generator.getrandbits(18) for name in ("DIA", "DIB")}
        pins |= {name: int(generator.random() < 0.8) for name in ("CEA", "WEA", "CEB", "OCEB")}
        values.append(pins)
        expected.append(twin.output)
        twin.edge(pins)
    text = harness("DP16KD", ", ".join(parameters), inputs, outputs, "CLKA CLKB") + cell_models("ecp5")
    assert simulated(tmp_path, text, inputs, outputs, values) == expected


def netlist(kind: str, parameters: dict[str, Any], connections: dict[str, list[Any]]) -> str:
    """A netlist of one cell, in yosys' JSON."""
    cell = {
        "type": kind,
        "parameters": parameters,
        "port_directions": dict.fromkeys(connections, "input"),
        "connections": connections,
    }
    ports = {"aclk": {"direction": "input", "bits": [2]}}
    return json.dumps({"modules": {"unit": {"ports": ports, "cells": {"one": cell}, "netnames": {}}}})


@pytest.mark.parametrize(
    ("kind", "pin", "bit", "allowed"),
    [
        ("MULT18X18D", "RST0", 2, "0"),
        ("MULT18X18D", "SOURCEA", "1", "0"),
        ("MULT18X18D", "SIGNEDB", 2, "0 or 1"),
        ("DP16KD", "WEB", 2, "0"),
        ("DP16KD", "CSA1", "1", "0"),
    ],
)
def test_a_pin_that_the_model_does_not_cover_is_refused(kind: str, pin: str, bit: Any, allowed: str) -> None:
    message = f"^cell one: pin {pin} of {kind} must be tied to {allowed}; its model covers nothing else$"
    with pytest.raises(ConfigError, match=message):
        GateNetlist("ecp5", netlist(kind, {}, {pin: [bit]}))


@pytest.mark.parametrize(
    ("kind", "parameters", "connections"),
    [
        ("MULT18X18D", {"REG_INPUTA_CLK": "CLK1"}, {}),
        ("MULT18X18D", {"REG_PIPELINE_CLK": "CLK0"}, {}),
        ("MULT18X18D", {}, {"CE1": ["1"]}),
        ("MULT18X18D", {"RESETMODE": "ASYNC"}, {}),
        ("DP16KD", {"DATA_WIDTH_A": f"{9:032b}"}, {}),
        ("DP16KD", {"DATA_WIDTH_A": f"{12:032b}", "DATA_WIDTH_B": f"{12:032b}"}, {}),
        ("DP16KD", {"REGMODE_B": "OUTREG"}, {}),
        ("DP16KD", {"WRITEMODE_A": "WRITETHROUGH"}, {}),
    ],
)
def test_a_parameter_that_the_model_does_not_cover_is_refused(
    kind: str, parameters: dict[str, Any], connections: dict[str, list[Any]], tmp_path: Path
) -> None:
    gates = GateNetlist("ecp5", netlist(kind, parameters, connections))
    for name, text in gates.files().items():
        (tmp_path / name).write_text(text)
    with pytest.raises(AssertionError, match=r"not_modelled|does not have a port named|Can't find object"):
        yosys(tmp_path, gates.script())


def test_cells_without_model_and_other_families_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^cell one: there is no model of ALU54B \(ecp5\)$"):
        GateNetlist("ecp5", netlist("ALU54B", {}, {}))
    with pytest.raises(ConfigError, match=r"^cell one: there is no model of LUT4 \(ice40\)$"):
        GateNetlist("ice40", netlist("LUT4", {}, {}))
    with pytest.raises(ConfigError, match=r"^family 'nexus': cells of ecp5, ice40 have models$"):
        GateNetlist("nexus", netlist("LUT4", {}, {}))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"modules": {}}', '{"modules": {"a": {}, "b": {}}}'])
def test_what_is_no_netlist_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^the netlist is no JSON of yosys with one module$"):
        GateNetlist("ecp5", text)
