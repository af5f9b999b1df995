"""Other ways to build the same unit, as hardware, to compare with: one-pass, two-pass, three-scan, five-scan.

All have the ports of :class:`~streamnorm.unit.NormUnit`, are made of the same blocks and, with exact sums, give the
same results to the last bit; what differs is when.
"""

from .architecture import ARCHITECTURES, Architecture
from .plan import ArchitecturePlan
from .units import architecture_unit

__all__ = ["ARCHITECTURES", "Architecture", "ArchitecturePlan", "architecture_unit"]
