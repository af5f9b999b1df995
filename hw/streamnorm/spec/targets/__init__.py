"""Device families: what one clock cycle holds, and which primitives there are."""

from .target import TARGET_NAMES, Family, Target

__all__ = ["TARGET_NAMES", "Family", "Target"]
