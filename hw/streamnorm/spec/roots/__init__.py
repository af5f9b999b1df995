"""Methods for the reciprocal square root: each is a class in a file of its own, entered here."""

from .root_method import RootMethod
from .table import RsqrtTable

__all__ = ["ROOTS", "RootMethod"]

ROOTS: dict[str, type[RootMethod]] = {"table": RsqrtTable}
"""Every method by its name."""
