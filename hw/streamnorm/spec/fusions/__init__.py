"""What is fused with the norm: each is a class in a file of its own, and a table or key of the configuration."""

from .residual import Residual
from .side_stream import SideStream, streams_of
from .streamed_parameters import StreamedParameters

__all__ = ["Residual", "SideStream", "StreamedParameters", "streams_of"]
