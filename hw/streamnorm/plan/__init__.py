"""How a unit will be: the plan of a configuration, before any hardware, read off the blocks that become it."""

from .architecture_plan import ArchitecturePlan
from .plan import Latency, Plan, PlanRow

__all__ = ["ArchitecturePlan", "Latency", "Plan", "PlanRow"]
