"""What a session with a board found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamnorm.plan import Latency
    from streamnorm_fpga.link.protocol import Record
    from streamnorm_fpga.virtual_board import VirtualBoard

    from .check import Cycles, RowsReport
    from .info import Info, SelfTest
    from .messages import Statistics

__all__ = ["HostReport", "Simulated"]

# Of the record, what counts since the board's reset.
_COUNTERS = ("beats_in", "beats_out", "line_errors", "row_errors")

_COUNTED_MODULO = 1 << 16  # the board's counters have no more bits


@dataclass(frozen=True)
class Simulated:
    """What there is to tell of a simulated board: cycles run, how fast, and faults of its line."""

    cycles: int
    cycles_per_second: int
    faults: int

    @classmethod
    def of(cls, board: VirtualBoard) -> Simulated:
        return cls(board.cycle, round(board.cycles_per_second), board.faults_hit)


@dataclass(frozen=True, eq=False, kw_only=True)
class HostReport:
    """A session with a board.

    Attributes
    ----------
    port : str
    baud : int
    info : Info
    self_test : SelfTest
    rows : RowsReport or None
        The rows of the user; None if none were sent.
    cycles : Cycles or None
        That the board counted for rows of ``max_length``.
    cycle_rows : tuple of RowsReport
        The check of the rows that they were counted with.
    planned : Latency or None
        The plan's.
    record : Record
        The board's last one.
    link : Statistics
        Of the whole session.
    line_octets : float
        What the line could have carried in each direction while the rows of the user went over it.
    virtual : Simulated or None
        Of a simulated board.
    """

    port: str
    baud: int
    info: Info
    self_test: SelfTest
    rows: RowsReport | None
    cycles: Cycles | None
    cycle_rows: tuple[RowsReport, ...]
    planned: Latency | None
    record: Record
    link: Statistics
    line_octets: float
    virtual: Simulated | None

    def differs(self, name: str) -> bool:
        """Whether the board counted other cycles than planned for L1, L2, L3 or SS."""
        return getattr(self.cycles, name) != getattr(self.planned, name) % _COUNTED_MODULO

    def _checked(self) -> list[RowsReport]:
        return [report for report in (self.rows, *self.cycle_rows) if report is not None]

    @property
    def failures(self) -> list[str]:
        """Return what is not as it must be, a sentence each; nothing if all is well."""
        found = []
        if not self.self_test.passed:
            found.append(f"the board's self-test has {self.self_test.words}")
        checked = self._checked()
        for report in checked:
            if report.first_mismatch is not None:
                found.append(f"{report.mismatches} elements differ from the golden model: {report.first_mismatch}")
        if self.cycles is not None:
            found += [
                f"{name} is {getattr(self.cycles, name)} cycles on the board; the plan says "
                f"{getattr(self.planned, name)}"
                for name in vars(self.cycles)
                if self.differs(name)
            ]
        if checked and self.record.beats_in != self.record.beats_out:
            found.append(f"{self.record.beats_in} beats went into the unit, {self.record.beats_out} came out")
        return found

    def throughput(self) -> dict[str, float] | None:
        """Return octets a second in each direction, their share of what the line carries, and rows a second."""
        if self.rows is None:
            return None
        link = self.rows.link
        seconds, line = max(link.seconds, 1e-9), max(self.line_octets, 1.0)
        return {
            "octets_out_per_second": round(link.octets_out / seconds),
            "octets_in_per_second": round(link.octets_in / seconds),
            "share_out": round(link.octets_out / line, 4),
            "share_in": round(link.octets_in / line, 4),
            "rows_per_second": round(self.rows.rows / seconds, 1),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the report that ``--json`` prints."""
        rows, checked = self.rows, self._checked()
        return {
            "port": self.port,
            "baud": self.baud,
            "board": asdict(self.info),
            "self_test": self.self_test.words,
            "rows": 0 if rows is None else rows.rows,
            "elements": 0 if rows is None else rows.elements,
            "mismatches": sum(report.mismatches for report in checked),
            "first_mismatch": next((report.first_mismatch for report in checked if report.mismatches), None),
            "on_board": None if self.cycles is None else vars(self.cycles),
            "planned": None if self.planned is None else vars(self.planned),
            "counters": {name: getattr(self.record, name) for name in _COUNTERS},
            "link": vars(self.link),
            "throughput": self.throughput(),
            "virtual": None if self.virtual is None else asdict(self.virtual),
        }
