"""Simulation and verification: models, engines, and measurement."""

from typing import TYPE_CHECKING

from streamnorm.lazy import offered

if TYPE_CHECKING:
    from .check.simulate import Simulation, simulate
    from .reference.golden import GoldenModel

__all__ = ["GoldenModel", "Simulation", "simulate"]

# Loaded on first use: none of the rooms need the others.
__getattr__ = offered(
    __name__, {"GoldenModel": "reference.golden", "Simulation": "check.simulate", "simulate": "check.simulate"}
)
