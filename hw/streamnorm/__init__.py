"""streamnorm: streaming LayerNorm and RMSNorm units for FPGAs, from one configuration to verified Verilog."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamnorm.plan import Plan
    from streamnorm.spec.config import NormConfig
    from streamnorm.spec.formats import IntFormat
    from streamnorm.verilog.emit import generate

    from .errors import CheckFailed, ConfigError, StreamnormError, ToolMissing

__all__ = [
    "CheckFailed",
    "ConfigError",
    "IntFormat",
    "NormConfig",
    "Plan",
    "StreamnormError",
    "ToolMissing",
    "__version__",
    "generate",
]

__version__ = "0.1.0"

_HOMES = {"NormConfig": "spec.config", "IntFormat": "spec.formats", "Plan": "plan", "generate": "verilog.emit"}


def __getattr__(name: str) -> Any:
    # Loaded on first use: a command answers --help and usage errors before NumPy is there.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES.get(name, 'errors')}", __name__), name)
