"""Of which memory a unit's queues are."""

from streamnorm.spec.config import NormConfig

__all__ = ["queues_in_block_rams"]


def queues_in_block_rams(config: NormConfig) -> bool:
    """Whether queues are block RAMs where LUTs could hold them, too: those of floating point are wide, and of a part,
    such a unit takes a larger share of the LUTs than of the block RAMs."""
    return config.is_floating and config.device.family.lut_ram
