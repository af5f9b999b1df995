"""Simulation and verification: models, engines, and measurement."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .check.simulate import Simulation, simulate
    from .reference.golden import GoldenModel

__all__ = ["GoldenModel", "Simulation", "simulate"]

_HOMES = {"GoldenModel": "reference.golden", "Simulation": "check.simulate", "simulate": "check.simulate"}


def __getattr__(name: str) -> Any:
    # Loaded on first use: none of the rooms need the others.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
