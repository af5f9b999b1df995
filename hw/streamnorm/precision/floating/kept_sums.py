"""What a unit's sums of rows keep of them, what that costs, and why it is not less or more."""

from dataclasses import dataclass, replace

from streamnorm.spec.config import NormConfig

from .float_precision import FloatPrecision
from .float_search import error_of_sums
from .row_sums import RowSums

__all__ = ["KeptSums"]


@dataclass(frozen=True)
class KeptSums:
    """The sums of a unit's rows, and what others would be.

    Attributes
    ----------
    sums : windows and widths
    error : what a result may be off by because of what they leave out, in units in the last place
    error_of_fewer : the same with one window less; None where there is only one
    cost_of_all : how many times as much logic it would take to drop nothing, about
    """

    sums: RowSums
    error: float
    error_of_fewer: float | None
    cost_of_all: float

    @staticmethod
    def of(config: NormConfig) -> "KeptSums | None":
        """Those of a configuration with a statistic; None of integers, whose sums are exact."""
        sums = FloatPrecision.of(config).sums
        if sums is None:
            return None
        fewer = None if sums.count == 1 else error_of_sums(config, replace(sums, count=sums.count - 1))
        every = replace(sums, count=sums.all_windows)
        cost, of_all = (each.cost(config.formula, config.lanes, config.max_length) for each in (sums, every))
        return KeptSums(sums, error_of_sums(config, sums), fewer, 1.0 if sums.is_exact else of_all / cost)

    def to_dict(self) -> dict[str, int | float | None]:
        """The same as numbers, for JSON."""
        return {
            "window_binades": self.sums.window,
            "windows": self.sums.count,
            "windows_of_all_binades": self.sums.all_windows,
            "dropped_below": self.sums.dropped,
            "row_bits": self.sums.row_bits,
            "error_lsb": self.error,
            "error_with_one_window_less_lsb": self.error_of_fewer,
            "logic_of_all_windows": self.cost_of_all,
        }
