"""What one clock cycle holds on a device, and which primitives it has: a family a file, entered in :data:`TARGETS`."""

from .capacity import Capacity
from .family import Family
from .target import CAPACITIES, TARGET_NAMES, TARGETS, Target

__all__ = ["CAPACITIES", "TARGETS", "TARGET_NAMES", "Capacity", "Family", "Target"]
