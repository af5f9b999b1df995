"""When a row's beats come out: cycle counts that grow with the row, as sums of what the blocks take."""

from dataclasses import dataclass

__all__ = ["Timing"]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Cycles of a unit for rows of b beats.

    Attributes
    ----------
    stages : cycles of each step from a row's last accepted beat to its first one at the output, for one beat; their
        sum is L2 of such a row
    beats_before_output : cycles that each further beat adds to L2
    interval, interval_beats : cycles from row to row are ``interval + interval_beats * (b - 1)``,
    interval_min : but not fewer than these
    """

    stages: dict[str, int]
    beats_before_output: int
    interval: int
    interval_beats: int
    interval_min: int = 1

    @property
    def latency(self) -> int:
        """L2 of a row of one beat."""
        return sum(self.stages.values())
