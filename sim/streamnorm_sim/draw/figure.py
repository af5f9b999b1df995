"""Pictures as files: the same bytes every time, whole legends, and the user's errors."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streamnorm.errors import not_written
from streamnorm.spec.paths import written_beside
from streamnorm_sim.toolchain.table import MATPLOTLIB

from .series import wrapped

__all__ = ["NAME_LETTERS", "TITLE_LETTERS", "legend_below", "picture"]

TITLE_LETTERS = 95
"""Of a line of a title, at most, in pictures of ten inches."""
NAME_LETTERS = 36
"""Of a line of a name beside an axis."""
_LEGEND_LETTERS = 100
_COLUMNS = 4


@contextmanager
def picture(path: Path, width: float, height: float) -> Iterator[Any]:
    """Give a figure of so many inches to draw on, and write it to ``path``, whose suffix decides the form.

    What was there before stays until the new file is whole.

    Raises
    ------
    ToolMissing
        If matplotlib is not installed.
    ConfigError
        If the file cannot be written.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MATPLOTLIB.missing() from error
    with matplotlib.rc_context({"svg.hashsalt": "streamnorm"}):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)  # measures text
        yield figure
        try:
            with written_beside(path) as file:
                form = path.suffix.removeprefix(".")  # of a link, what it leads to may be called otherwise
                figure.savefig(file, format=form, dpi=150, metadata={"Date": None} if form == "svg" else {})
        except OSError as error:
            raise not_written(path, error) from error


def legend_below(figure: Any, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """Put a legend below all else, in as many columns as there is width for; the figure grows by its height."""
    labels = [wrapped(label, _LEGEND_LETTERS) for label in labels]
    width, height = figure.get_size_inches()
    columns = _COLUMNS
    while True:
        legend = figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize="small")
        extent = legend.get_window_extent()
        if columns == 1 or extent.width < 0.97 * width * figure.dpi:
            break
        legend.remove()
        columns -= 1
    figure.set_size_inches(width, height + extent.height / figure.dpi)
