"""Picture of the errors of reciprocal square roots over all mantissas, a panel a method."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from pathlib import Path
from typing import Any

import numpy as np

from streamnorm_sim.roots.errors import BINS, RootErrors

from .figure import TITLE_LETTERS, legend_below, picture
from .series import COLOURS, wrapped

__all__ = ["plot_root_errors"]

_COLUMNS = 3
_NAME_LETTERS = 44
"""Of a line of a panel's title, at most."""

_UNITS = 4.0
"""Up to this bound, in units of rho's last place, panels share one linear scale; beyond it is logarithmic."""


def plot_root_errors(path: Path, title: str, methods: Sequence[tuple[str, RootErrors]]) -> None:
    """Draw a panel for each method: the band of its relative errors over 1 <= x < 4, and its proven bound.

    Errors are in units of the last place of rho, ``2**-rho_bits``, whose number of bits is in the panel's title.

    Parameters
    ----------
    path : Path
        File to write; its suffix decides the form, ``.png`` or ``.svg``.
    title : str
        What unit the roots are of.
    methods : sequence of str and RootErrors
        The name of each, and its errors.

    Raises
    ------
    ToolMissing
        If matplotlib is not installed.
    ConfigError
        If the file cannot be written.
    """
    rows = -(-len(methods) // _COLUMNS)
    with picture(path, 10, 1.1 + 2.1 * rows) as figure:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        panels = figure.subplots(rows, _COLUMNS, sharex=True, squeeze=False)
        for axes, (name, errors) in zip(panels.flat, methods, strict=False):
            _draw(axes, name, errors)
        for axes in panels.flat[len(methods) :]:
            axes.set_visible(False)
        for axes in panels[:, 0]:
            axes.set_ylabel("units of $2^{-N}$", fontsize="small")
        for place, axes in enumerate(panels.flat[: len(methods)]):
            if place + _COLUMNS >= len(methods):  # nothing is below it
                axes.tick_params(labelbottom=True)
                axes.set_xlabel("x", fontsize="small")
        figure.suptitle(wrapped(f"1/sqrt(x), error relative to the exact root: {title}", TITLE_LETTERS))
        handles = [Patch(facecolor=COLOURS[0]), Line2D([], [], color=COLOURS[1], linestyle="--")]
        band = f"least to largest error in each of {BINS} pieces of 1 … 2 and of 2 … 4, {_measured(methods)}"
        legend_below(figure, handles, [band, "proven bound"])


def _measured(methods: Sequence[tuple[str, RootErrors]]) -> str:
    if all(errors.is_every for _, errors in methods):
        return "over every mantissa"
    most = max(errors.mantissas for _, errors in methods)
    return f"over every mantissa, or {most:,} of them, evenly spread"


def _draw(axes: Any, name: str, errors: RootErrors) -> None:
    root = errors.root
    unit = 2.0**-root.rho_bits
    bound = root.relative_error / unit
    axes.stairs(errors.high / unit, errors.edges, baseline=errors.low / unit, fill=True, color=COLOURS[0])
    axes.axhline(0, color="#7f7f7f", linewidth=0.6)
    for side in (-bound, bound):
        axes.axhline(side, color=COLOURS[1], linestyle="--", linewidth=1)
    axes.set_xscale("log", base=2)
    axes.set_xlim(1, 4)
    axes.set_xticks([1, 1.5, 2, 3, 4], ["1", "1.5", "2", "3", "4"])
    axes.minorticks_off()
    if bound <= _UNITS:
        axes.set_ylim(-_UNITS, _UNITS)
        axes.set_yticks(np.arange(-_UNITS, _UNITS + 1, 2))
    else:
        axes.set_yscale("symlog", linthresh=_UNITS)
        axes.set_ylim(-1.6 * bound, 1.6 * bound)
        powers = [10.0**power for power in range(1, int(log10(1.6 * bound)) + 1)]
        axes.set_yticks([*(-power for power in reversed(powers)), 0, *powers])
    axes.tick_params(labelsize="small")
    axes.set_title(f"{wrapped(name, _NAME_LETTERS, 2)}\nN = {root.rho_bits}, bound {bound:.3g}", fontsize="small")
