"""The picture of the demo: how errors against the exact result are distributed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .figure import TITLE_LETTERS, legend_below, picture
from .series import COLOURS, wrapped

ERROR_BINS = np.linspace(-1.0, 1.0, 201)
"""Edges of the histograms' bins, output LSB or, of floating-point output, ulp."""

_COLUMNS = 2
_PANEL_HEIGHT = 3.4


def plot_errors(path: Path, title: str, histograms: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Write a PNG with one panel for each kind of unit and one line for each layer.

    Parameters
    ----------
    path : Path
        File to write.
    title : str
        A sentence that says what was run: the model, and which of its layers.
    histograms : dict of str to arrays (len(ERROR_BINS) - 1,)
        By the units' formats: elements in each of the ERROR_BINS, for each layer.

    Raises
    ------
    ToolMissing
        If matplotlib is not installed.
    ConfigError
        If the file cannot be written.
    """
    width = ERROR_BINS[1] - ERROR_BINS[0]
    rows = -(-len(histograms) // _COLUMNS)
    with picture(path, 10, 0.8 + rows * _PANEL_HEIGHT) as figure:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        panels = figure.subplots(rows, min(len(histograms), _COLUMNS), sharey=True, squeeze=False)
        for panel, (formats, layers) in zip(panels.flat, histograms.items(), strict=False):
            for counts in layers:
                panel.stairs(100 * counts / counts.sum(), ERROR_BINS, color=COLOURS[0], alpha=0.25)
            total = np.sum(layers, axis=0)
            panel.stairs(100 * total / total.sum(), ERROR_BINS, color="black")
            panel.axvspan(-0.5, 0.5, color=COLOURS[2], alpha=0.1)
            panel.set(
                title=f"{formats}, {total.sum():,} elements",
                xlabel="error of a result against the exact one, ulp",
                yscale="log",
            )
        for left in panels[:, 0]:
            left.set_ylabel(f"elements in each {width:g} ulp, %")
        for unused in panels.flat[len(histograms) :]:
            unused.set_visible(False)
        figure.suptitle(wrapped(title, TITLE_LETTERS))
        lines = (Line2D([], [], color=COLOURS[0], alpha=0.4), Line2D([], [], color="black"))
        handles = [*lines, Patch(color=COLOURS[2], alpha=0.1)]
        labels = ["one layer", "all layers", "correctly rounded: no result is nearer to the exact one"]
        legend_below(figure, handles, labels)
