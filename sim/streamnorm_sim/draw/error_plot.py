"""The picture of the demo: how errors against the exact result are distributed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .figure import picture

ERROR_BINS = np.linspace(-1.0, 1.0, 201)
"""Edges of the histograms' bins, output LSB."""


def plot_errors(path: Path, histograms: Mapping[int, Sequence[np.ndarray]]) -> None:
    """Write a PNG with one panel for each number of output bits and one line for each layer.

    Parameters
    ----------
    path : Path
        File to write.
    histograms : dict of int to arrays (len(ERROR_BINS) - 1,)
        By output bits: elements in each of the ERROR_BINS, for each layer.

    Raises
    ------
    ToolMissing
        If matplotlib is not installed.
    ConfigError
        If the file cannot be written.
    """
    with picture(path, 10, 4) as figure:
        width = ERROR_BINS[1] - ERROR_BINS[0]
        panels = figure.subplots(1, len(histograms), sharey=True, squeeze=False)[0]
        for panel, (bits, layers) in zip(panels, histograms.items(), strict=True):
            for counts in layers:
                panel.stairs(counts / counts.sum() / width, ERROR_BINS, color="tab:blue", alpha=0.25)
            total = np.sum(layers, axis=0)
            panel.stairs(total / total.sum() / width, ERROR_BINS, color="black")
            panel.axvspan(-0.5, 0.5, color="tab:green", alpha=0.1)
            panel.set(title=f"int16 → int{bits}", xlabel="error against the exact result, output LSB", yscale="log")
        figure.axes[0].set_ylabel("share of elements per LSB")
        figure.suptitle("Errors of the simulated units: each layer (blue), all (black); green: correctly rounded")
