"""Handshakes of a unit's streams, cycle by cycle, as WaveJSON: what WaveDrom draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from amaranth.hdl import Value

from streamnorm.spec.config import NormConfig
from streamnorm.verilog.axi import AxiNorm
from streamnorm_sim.engines.pysim import run
from streamnorm_sim.reference.rows import uniform_beside, uniform_elements
from streamnorm_sim.streams.seeds import seeded
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.traffic import Traffic

__all__ = ["record_waveform"]

_ELEMENTS = {"s_axis": "x", "m_axis": "y"}
_COLOURS = "345678"
"""WaveDrom's names of them, one for each row."""
_LONGEST_REST = 3
"""Where more cycles than these are alike, one with a gap stands for all."""

_State = tuple[str, str]
"""A wire in a cycle: how it is drawn (0, 1, x or a colour), and what is written on it."""


def record_waveform(
    config: NormConfig, lengths: Sequence[int], *, source: Stall = NO_STALL, sink: Stall = NO_STALL, seed: int = 0
) -> dict[str, Any]:
    """Run rows of these lengths through the unit in Amaranth's simulator, and return its ports' history as WaveJSON.

    It begins in the cycle before the first beat and ends in the one after the last; tdata tells which elements of its
    row a beat holds. Arrows show L1, L2 and L3 of the first row, with their cycles.

    Ref
    ---
    WaveJSON: https://github.com/wavedrom/schema/blob/master/WaveJSON.md
    """
    rng = seeded(seed)
    rows = [uniform_elements(config, rng, length) for length in lengths]
    history: list[Mapping[str, int]] = []
    beside = uniform_beside(config, rng, lengths)
    traffic = Traffic(rows=rows, beside=beside, source=source, sink=sink, seed=seed)
    trace = run(config, traffic, watch=_ports, seen=lambda _, values: history.append(dict(values)))
    inputs, outputs = trace.input_cycles.tolist(), trace.output_cycles.tolist()
    shown = range(inputs[0] - 1, outputs[-1] + 2)
    wires = {
        stream: _wires(history, shown, stream, _beats(config, lengths, element))
        for stream, element in _ELEMENTS.items()
    }
    columns = _columns(list(zip(*(wire for group in wires.values() for wire in group.values()), strict=True)))

    last = -(-lengths[0] // config.lanes) - 1  # beat of the first row
    spans = (inputs[0], outputs[0]), (inputs[last], outputs[0]), (inputs[0], outputs[last])
    signals: list[Any] = [{"name": "aclk", "wave": "p" + "".join("|" if gap else "." for _, gap in columns[1:])}]
    for stream, group in wires.items():
        signals.append([stream, *({"name": name, **_wave(wire, columns)} for name, wire in group.items())])
    edges = []
    for name, ends, (start, stop) in zip(("L1", "L2", "L3"), ("AB", "CD", "EF"), spans, strict=True):
        nodes = {shown.index(start): ends[0], shown.index(stop): ends[1]}
        signals.append({"name": name, "node": "".join("." if gap else nodes.get(place, ".") for place, gap in columns)})
        edges.append(f"{ends[0]}<->{ends[1]} {stop - start}")
    return {"signal": signals, "edge": edges, "config": {"hscale": 2}}


def _ports(top: AxiNorm) -> dict[str, Value]:
    names = ("tvalid", "tready", "tlast", "tkeep")
    return {f"{stream}_{name}": getattr(top, f"{stream}_{name}") for stream in _ELEMENTS for name in names}


def _beats(config: NormConfig, lengths: Sequence[int], element: str) -> list[_State]:
    """How the tdata of each beat is drawn."""
    states = []
    for row, length in enumerate(lengths):
        for start in range(0, length, config.lanes):
            stop = min(start + config.lanes, length) - 1
            label = f"{element}{start}" if start == stop else f"{element}{start}…{stop}"
            states.append((_COLOURS[row % len(_COLOURS)], label))
    return states


def _wires(
    history: Sequence[Mapping[str, int]], shown: range, stream: str, beats: Sequence[_State]
) -> dict[str, list[_State]]:
    """The wires of a stream in each cycle shown; what goes with tvalid is unknown without it."""
    moved = sum(_moves(values, stream) for values in history[: shown.start])
    wires: dict[str, list[_State]] = {name: [] for name in ("tvalid", "tready", "tdata", "tlast", "tkeep")}
    for cycle in shown:
        values = history[cycle]
        valid = values[f"{stream}_tvalid"]
        wires["tvalid"].append((f"{valid}", ""))
        wires["tready"].append((f"{values[f'{stream}_tready']}", ""))
        wires["tdata"].append(beats[moved] if valid else ("x", ""))
        wires["tlast"].append((f"{values[f'{stream}_tlast']}" if valid else "x", ""))
        wires["tkeep"].append(("=", f"{values[f'{stream}_tkeep']:X}") if valid else ("x", ""))
        moved += _moves(values, stream)
    return wires


def _moves(values: Mapping[str, int], stream: str) -> int:
    return values[f"{stream}_tvalid"] & values[f"{stream}_tready"]


def _columns(cycles: Sequence[tuple[_State, ...]]) -> list[tuple[int, bool]]:
    """The cycles to draw, and which of them are gaps."""
    columns = []
    for _, run_of_cycles in groupby(range(len(cycles)), key=lambda place: cycles[place]):
        places = list(run_of_cycles)
        if len(places) > _LONGEST_REST:
            columns += [(places[0], False), (places[1], True)]
        else:
            columns += [(place, False) for place in places]
    return columns


def _wave(wire: Sequence[_State], columns: Sequence[tuple[int, bool]]) -> dict[str, Any]:
    """WaveJSON's wave: a state where it begins, a dot where it goes on, and what is written on the states."""
    wave, written, before = "", [], None
    for place, gap in columns:
        state = wire[place]
        wave += "|" if gap else "." if state == before else state[0]
        if state != before and state[1]:
            written.append(state[1])
        before = state
    return {"wave": wave, "data": written} if written else {"wave": wave}
