"""Cycle counts of other projects' units, as measured on their public RTL; see data/peers.json for how."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Collection
from typing import Any

__all__ = ["peer_counts", "peer_figures", "peer_shapes"]


def peer_figures() -> dict[str, Any]:
    """Return everything that was measured, with its source."""
    return json.loads((importlib.resources.files("streamnorm_sim") / "data/peers.json").read_text("utf-8"))


def peer_shapes() -> list[tuple[str, int, int]]:
    """Return each (norm, lanes, n) for which something was measured."""
    entries = peer_figures()["cycles"]
    return sorted({(entry["design"].split()[1].lower(), entry["lanes"], entry["n"]) for entry in entries})


def peer_counts(shapes: Collection[tuple[str, int, int]]) -> list[dict[str, Any]]:
    """Return what was measured for (norm, lanes, n), with those keys of `CycleCounts.to_dict` that it has."""
    counts = []
    for entry in peer_figures()["cycles"]:
        name, norm = entry["design"].split()
        if (norm.lower(), entry["lanes"], entry["n"]) in shapes:
            numbers = {key: entry[key] for key in ("lanes", "n", "L1", "L2", "L3", "SS")}
            counts.append({"name": name, "norm": norm.lower(), **numbers})
    return counts
