"""Norms of whole models: which rows a transformer normalizes, how often, and what units make of it."""

from .calls import NormCall, Step, steps
from .catalogue import find_model, model_names, read_model
from .demand import Demand
from .model import Model, Stack
from .pace import BANDWIDTHS, Need, bandwidth, keep_up
from .report import Phase, Site, Workload
from .timing import Pool, Span
from .unit import unit_for

__all__ = [
    "BANDWIDTHS",
    "Demand",
    "Model",
    "Need",
    "NormCall",
    "Phase",
    "Pool",
    "Site",
    "Span",
    "Stack",
    "Step",
    "Workload",
    "bandwidth",
    "find_model",
    "keep_up",
    "model_names",
    "read_model",
    "steps",
    "unit_for",
]
