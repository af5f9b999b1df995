"""Cycle counts of other projects' units, as measured on their public RTL; see data/peers.json for how."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Collection
from typing import Any

from .clocks import at_clock

__all__ = ["peer_counts", "peer_figures", "peer_shapes"]


def peer_figures() -> dict[str, Any]:
    """Return everything that was measured, with its source."""
    return json.loads((importlib.resources.files("streamnorm_sim") / "data/peers.json").read_text("utf-8"))


def peer_shapes() -> list[tuple[str, int, int]]:
    """Return each (norm, lanes, n) for which something was measured."""
    entries = peer_figures()["cycles"]
    return sorted({(entry["design"].split()[1].lower(), entry["lanes"], entry["n"]) for entry in entries})


def peer_counts(shapes: Collection[tuple[str, int, int, int]]) -> list[dict[str, Any]]:
    """Return what was measured for each (norm, lanes, n, bits), with those keys of `CycleCounts.to_dict` that it has.

    "placed" holds its clock, ns and rates where a unit of just this shape was placed with so many input bits, which
    "bits" then tells; else it is None. "note" says what else there is to know, or is "".
    """
    figures = peer_figures()
    counts = []
    for entry in figures["cycles"]:
        design, lanes, length = entry["design"], entry["lanes"], entry["n"]
        name, norm = design.split()
        asked = {bits for *shape, bits in shapes if shape == [norm.lower(), lanes, length]}
        if not asked:
            continue
        cycles = {key: entry[key] for key in ("L1", "L2", "L3", "SS")}
        line = {"name": name, "norm": norm.lower(), "lanes": lanes, "n": length, **cycles}
        placed = [
            {
                **line,
                "bits": area["bits"],
                "placed": {"by": "measured", **at_clock(area["fmax_mhz"], length, cycles)},
                "note": area.get("note", ""),
            }
            for area in figures["area"]
            if (area["design"], area["lanes"], area["n"]) == (design, lanes, length) and area["bits"] in asked
        ]
        counts += placed or [{**line, "bits": None, "placed": None, "note": figures["not_placed"].get(design, "")}]
    return counts
