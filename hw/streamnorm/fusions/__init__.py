"""What stands around the unit that normalizes: blocks before it and behind it, and what wires them to it."""

from .fused_unit import core_unit, fused_unit

__all__ = ["core_unit", "fused_unit"]
