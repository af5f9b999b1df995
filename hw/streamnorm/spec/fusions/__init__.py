"""What is fused with the norm: each is a class in a file of its own, and a table of the configuration, or some keys."""

from .deferred_scale import DeferredScale
from .further_result import FurtherResult, further_results
from .input_scale import InputScale, input_scale_of
from .interpolated_banks import InterpolatedBanks
from .residual import Residual
from .row_scale import RowScale
from .side_stream import SideStream, streams_of
from .streamed_parameters import StreamedParameters

__all__ = [
    "DeferredScale",
    "FurtherResult",
    "InputScale",
    "InterpolatedBanks",
    "Residual",
    "RowScale",
    "SideStream",
    "StreamedParameters",
    "further_results",
    "input_scale_of",
    "streams_of",
]
