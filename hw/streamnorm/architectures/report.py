"""What a unit says of itself; one shape for every architecture."""

from dataclasses import dataclass

__all__ = ["Stage", "UnitReport"]


@dataclass(frozen=True)
class Stage:
    """A step on the way from a row's last accepted beat, or the last that its statistic needs, to its first one at the
    output.

    Attributes
    ----------
    name, meaning : what it is called, and what happens there; no meaning where a unit has no need of it
    cycles : what it adds to L2 of a row of one beat
    """

    name: str
    cycles: int
    meaning: str


@dataclass(frozen=True, kw_only=True)
class UnitReport:
    """Cycles and cost of a unit, read off the very blocks that become hardware.

    Attributes
    ----------
    architecture : what the unit is; one-pass as well where what was asked for comes to the same
    stages : in order; their sum is L2 of a row of one beat
    beats_before_output : cycles that each further beat of a row adds to L2; -1 where no result waits for it
    statistic_beats : beats of a row from the last of which ``latency`` counts, where it has more; each beat behind them
        takes a cycle from L2; None: all beats
    interval, interval_beats : cycles from row to row are ``interval + interval_beats * (beats - 1)``,
    interval_min : but not fewer than these
    multipliers : multiplier tiles of each block (0 where the target builds them from logic)
    block_rams : block RAMs of each memory
    row_slots, buffer_beats, output_entries : what may be on its way at once
    scale_stages : of a unit whose scales leave beside the rows, the steps on the way from a row's last accepted beat to
        its scale
    """

    architecture: str
    stages: tuple[Stage, ...]
    beats_before_output: int = 0
    statistic_beats: int | None = None
    interval: int = 1
    interval_beats: int = 1
    interval_min: int = 1
    multipliers: dict[str, int]
    block_rams: dict[str, int]
    row_slots: int
    buffer_beats: int
    output_entries: int
    scale_stages: tuple[Stage, ...] = ()

    @property
    def latency(self) -> int:
        """L2 of a row of one beat."""
        return sum(stage.cycles for stage in self.stages)

    @property
    def scale_latency(self) -> int:
        """Cycles from a row's last accepted beat to its scale."""
        return sum(stage.cycles for stage in self.scale_stages)

    def beats_after_statistic(self, beats: int) -> int:
        """How many of a row's beats come in after the one from which ``latency`` counts."""
        return 0 if self.statistic_beats is None else max(beats - self.statistic_beats, 0)
