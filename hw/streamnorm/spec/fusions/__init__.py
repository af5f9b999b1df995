"""What is fused with the norm: each is a class in a file of its own, and a table of the configuration."""

from .residual import Residual
from .side_stream import SideStream

__all__ = ["Residual", "SideStream"]
