"""Norms of whole models: which rows a transformer normalizes, how often, and what units make of it."""

from .attention import Attention, LatentAttention
from .calls import NormCall, Step, calls, steps
from .catalogue import find_model, model_names, read_model
from .constants import constants
from .demand import Demand
from .kinds import NormKind
from .model import FeedForward, Layer, Model, Stack
from .pace import BANDWIDTHS, Need, bandwidth, keep_up
from .placement import SCHEDULES
from .report import Phase, Site, Workload
from .styles import STYLES, Constant
from .timing import Pool, Run, Span
from .unit import units_for

__all__ = [
    "BANDWIDTHS",
    "SCHEDULES",
    "STYLES",
    "Attention",
    "Constant",
    "Demand",
    "FeedForward",
    "LatentAttention",
    "Layer",
    "Model",
    "Need",
    "NormCall",
    "NormKind",
    "Phase",
    "Pool",
    "Run",
    "Site",
    "Span",
    "Stack",
    "Step",
    "Workload",
    "bandwidth",
    "calls",
    "constants",
    "find_model",
    "keep_up",
    "model_names",
    "read_model",
    "steps",
    "units_for",
]
