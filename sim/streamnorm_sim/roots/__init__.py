"""Methods for the reciprocal square root, measured and side by side."""

from .errors import MANTISSAS_MAX, MANTISSAS_MIN, RootErrors, measure_errors
from .facts import method_facts, root_alone, root_choices, root_facts, root_of, unit_with

__all__ = [
    "MANTISSAS_MAX",
    "MANTISSAS_MIN",
    "RootErrors",
    "measure_errors",
    "method_facts",
    "root_alone",
    "root_choices",
    "root_facts",
    "root_of",
    "unit_with",
]
