"""Other ways to build the same unit, as hardware, to compare with: one-pass, two-pass, three-scan, five-scan.

All have the ports of :class:`~streamnorm.unit.NormUnit`, are made of the same blocks and, with exact sums, give the
same results to the last bit; what differs is when.
"""

from .architecture import ARCHITECTURES, NAMES, ONE_PASS, WELFORD, Architecture
from .plan import ArchitecturePlan
from .units import architecture_unit, is_one_pass

__all__ = [
    "ARCHITECTURES", "NAMES", "ONE_PASS", "WELFORD", "Architecture", "ArchitecturePlan", "architecture_unit",
    "is_one_pass",
]  # fmt: skip
