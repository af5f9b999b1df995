"""What wires the blocks to a unit: one-pass, and others to compare with it: two-pass, three-scan, five-scan.

All have the ports of :class:`~streamnorm.architectures.one_pass.NormUnit`, are made of the same blocks and, with exact
sums, give the same results to the last bit; what differs is when.
"""

from .registry import UNITS, Unit, unit_of
from .report import Stage, UnitReport

__all__ = ["UNITS", "Stage", "Unit", "UnitReport", "unit_of"]
