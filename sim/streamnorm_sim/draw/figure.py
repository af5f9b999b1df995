"""Pictures as files: the same bytes every time, and the user's errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streamnorm.errors import ConfigError
from streamnorm_sim.toolchain.table import MATPLOTLIB

__all__ = ["picture"]


@contextmanager
def picture(path: Path, width: float, height: float) -> Iterator[Any]:
    """Give a figure of so many inches to draw on, and write it to ``path``, whose suffix decides the form.

    Raises
    ------
    ToolMissing
        If matplotlib is not installed.
    ConfigError
        If the file cannot be written.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MATPLOTLIB.missing() from error
    with matplotlib.rc_context({"svg.hashsalt": "streamnorm"}):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        try:
            figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else {})
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
