"""What a bench of one's own takes: sources and sinks of rows, a scoreboard with the golden model, and simulators."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamnorm_sim.streams.stalls import Stall

    from .rows import Row, RowSink, RowSource, load_parameters
    from .runner import get_runner
    from .scoreboard import Scoreboard
    from .streams import reset

__all__ = ["Row", "RowSink", "RowSource", "Scoreboard", "Stall", "get_runner", "load_parameters", "reset"]

_HOMES = {
    "Row": ".rows",
    "RowSink": ".rows",
    "RowSource": ".rows",
    "Scoreboard": ".scoreboard",
    "Stall": "streamnorm_sim.streams.stalls",
    "get_runner": ".runner",
    "load_parameters": ".rows",
    "reset": ".streams",
}


def __getattr__(name: str) -> Any:
    # Loaded on first use: who starts a simulator needs no bus models, and may want to hear that they are missing.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
