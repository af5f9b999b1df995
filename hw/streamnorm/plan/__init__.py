"""How a unit will be: the plan of a configuration, before any hardware, read off the blocks that become it."""

from .limits import Limits
from .plan import Latency, Plan
from .table import PlanRow, plan_rows

__all__ = ["Latency", "Limits", "Plan", "PlanRow", "plan_rows"]
