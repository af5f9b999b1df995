"""What a bench of one's own takes: sources and sinks of rows, a scoreboard with the golden model, and simulators."""

from typing import TYPE_CHECKING

from streamnorm.lazy import offered

if TYPE_CHECKING:
    from streamnorm_sim.streams.stalls import Stall

    from .rows import Row, RowSink, RowSource, load_parameters
    from .runner import get_runner
    from .scoreboard import Scoreboard
    from .streams import reset

__all__ = ["Row", "RowSink", "RowSource", "Scoreboard", "Stall", "get_runner", "load_parameters", "reset"]

# Loaded on first use: who starts a simulator needs no bus models, and may want to hear that they are missing.
__getattr__ = offered(
    __name__,
    {
        "Row": "rows",
        "RowSink": "rows",
        "RowSource": "rows",
        "Scoreboard": "scoreboard",
        "Stall": ".streams.stalls",
        "get_runner": "runner",
        "load_parameters": "rows",
        "reset": "streams",
    },
)
