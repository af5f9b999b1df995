"""Where epsilon is added: each place is a class in a file of its own, entered here."""

from .floor import FloorPlacement
from .placement import EpsilonCode, EpsilonPlacement, MomentValues, weighed
from .root import RootPlacement
from .row_variance import RowVariancePlacement
from .variance import VariancePlacement

__all__ = [
    "EPSILON_PLACEMENTS", "EpsilonCode", "EpsilonPlacement", "MomentValues", "RowVariancePlacement", "weighed",
]  # fmt: skip

EPSILON_PLACEMENTS: dict[str, EpsilonPlacement] = {
    placement.name: placement for placement in (VariancePlacement(), RootPlacement(), FloorPlacement())
}
"""Every placement by its name, which is what ``NormConfig.epsilon_placement`` may be."""
