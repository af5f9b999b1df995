"""streamnorm: streaming LayerNorm and RMSNorm units for FPGAs, from one configuration to verified Verilog."""

from typing import TYPE_CHECKING

from .lazy import offered

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

# Loaded on first use: a command answers --help and usage errors before NumPy is there.
__getattr__ = offered(
    __name__,
    {
        **dict.fromkeys(("CheckFailed", "ConfigError", "StreamnormError", "ToolMissing"), "errors"),
        "IntFormat": "spec.formats",
        "NormConfig": "spec.config",
        "Plan": "plan",
        "generate": "verilog.emit",
    },
)
