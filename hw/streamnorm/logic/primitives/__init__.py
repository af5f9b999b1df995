"""Device primitives: one generic, simulatable form each, and vendor cells of the same latency."""

from .block_ram import BlockGeometry, BlockRam, block_count, block_geometry
from .dual_port_rom import DualPortRom
from .emission import FAMILIES, Emission
from .multiplier import Multiplier, tile_limit
from .queue import DistributedRam
from .queue_ram import QueueRam
from .serial_multiplier import SerialMultiplier
from .verilog import wrapper_modules

__all__ = [
    "FAMILIES",
    "BlockGeometry",
    "BlockRam",
    "DistributedRam",
    "DualPortRom",
    "Emission",
    "Multiplier",
    "QueueRam",
    "SerialMultiplier",
    "block_count",
    "block_geometry",
    "tile_limit",
    "wrapper_modules",
]
