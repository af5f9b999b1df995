"""What one clock cycle holds on a device, and which primitives it has: a family a file, entered in :data:`TARGETS`."""

from .family import Family
from .target import TARGET_NAMES, TARGETS, Target

__all__ = ["TARGETS", "TARGET_NAMES", "Family", "Target"]
