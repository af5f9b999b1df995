"""What is fused with the norm: each is a class in a file of its own, and a table of the configuration, or some keys."""

from .residual import Residual
from .row_scale import RowScale
from .side_stream import SideStream, streams_of
from .streamed_parameters import StreamedParameters

__all__ = ["Residual", "RowScale", "SideStream", "StreamedParameters", "streams_of"]
