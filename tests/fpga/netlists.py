"""Small netlists, as yosys would write them."""

from collections.abc import Mapping, Sequence
from typing import Any

from streamnorm_fpga.synthesis.netlist import Netlist

Bit = int | str


def cell(
    kind: str, inputs: Mapping[str, Bit], outputs: Mapping[str, Bit], *, source: str = "", **parameters: str
) -> dict[str, Any]:
    """One primitive; ``source`` is where the Verilog has it."""
    pins = {**inputs, **outputs}
    return {
        "hide_name": 0,
        "type": kind,
        "parameters": parameters,
        "attributes": {"src": source} if source else {},
        "port_directions": dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output"),
        "connections": {pin: [bit] for pin, bit in pins.items()},
    }


def scope(source: str) -> dict[str, Any]:
    """What yosys keeps of a block when it flattens; ``source`` is the text of its module."""
    return {
        "hide_name": 0,
        "type": "$scopeinfo",
        "parameters": {"TYPE": "module"},
        "attributes": {"module_src": source},
        "port_directions": {},
        "connections": {},
    }


def netlist(
    ports: Mapping[str, tuple[str, Sequence[int | str]]],
    cells: Mapping[str, dict[str, Any]],
    *,
    nets: Mapping[str, Sequence[int | str]] | None = None,
    source: str = "",
) -> Netlist:
    """A module named ``unit``; ports by name with direction and bits, further nets by name."""
    named = {name: bits for name, (_, bits) in ports.items()} | dict(nets or {})
    module = {
        "attributes": {"src": source},
        "ports": {name: {"direction": way, "bits": bits} for name, (way, bits) in ports.items()},
        "cells": dict(cells),
        "netnames": {name: {"hide_name": 0, "bits": bits, "attributes": {}} for name, bits in named.items()},
    }
    return Netlist("unit", {"creator": "a test", "modules": {"unit": module}})


def assert_same_cells(module: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str = "") -> None:
    """Check that a module has the cells of another one, each with ``prefix`` before its name, connected alike."""
    cells, others = (
        {name: cell for name, cell in each["cells"].items() if cell["type"] != "$scopeinfo"}
        for each in (module, wanted)
    )
    assert cells.keys() == {prefix + name for name in others}
    nets: dict[Bit, Bit] = {}
    for name, other in others.items():
        cell = cells[prefix + name]
        assert (cell["type"], cell["parameters"]) == (other["type"], other["parameters"]), name
        assert cell["connections"].keys() == other["connections"].keys(), name
        for pin, bits in other["connections"].items():
            for bit, there in zip(bits, cell["connections"][pin], strict=True):
                assert nets.setdefault(bit, there) == there, (name, pin)
                assert isinstance(bit, int) or there == bit, (name, pin)
    assert len(set(nets.values())) == len(nets)
