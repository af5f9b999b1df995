"""The report of ``streamnorm host`` for people."""

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from .area import CYCLE_MEANINGS

if TYPE_CHECKING:
    from streamnorm_fpga.host.check import RowsReport
    from streamnorm_fpga.host.report import HostReport


def tables(report: "HostReport") -> list[Table]:
    """Return the board, the rows, the cycles and the link; what was not done is left out."""
    parts = [_board(report)]
    rate = report.throughput()
    if report.rows is not None and rate is not None:
        parts.append(_rows(report.rows, rate))
    if report.cycles is not None:
        parts.append(_cycles(report))
    return [*parts, _link(report)]


def _board(report: "HostReport") -> Table:
    info, virtual = report.info, report.virtual
    table = _table(f"{info.name} on {report.port}" + (", a simulated board" if virtual else ""))
    planned = "" if info.planned_mhz == info.clock_mhz else f", planned for {info.planned_mhz:g}"
    colour = "green" if report.self_test.passed else "red"
    _add(table, "unit", info.identity, "the same for all units that compute the same")
    _add(table, "target", info.target, f"at {info.clock_mhz:g} MHz{planned}")
    _add(table, "memory", f"{info.memory_beats:,}", "beats of rows in one request")
    _add(
        table,
        "self-test",
        f"[{colour}]{report.self_test.words}[/]",
        "by the board itself, at its reset or last request",
    )
    if virtual:
        speed = f"simulated at {virtual.cycles_per_second:,} a second"
        _add(table, "cycles", f"{virtual.cycles:,}", speed)
        if virtual.faults:
            _add(table, "faults", f"{virtual.faults:,}", "of the line, made on purpose")
    return table


def _rows(rows: "RowsReport", rate: dict[str, float]) -> Table:
    table = _table("rows")
    colour = "red" if rows.mismatches else "green"
    _add(table, "rows", f"{rows.rows:,}", f"with {rows.elements:,} elements in {rows.beats:,} beats")
    _add(table, "mismatches", f"[{colour}]{rows.mismatches:,}[/]", "elements that differ from the golden model")
    _add(table, "rows a second", f"{rate['rows_per_second']:,}", f"over the link, in {rows.link.seconds:.2f} s")
    for way, name in (("out", "to the board"), ("in", "from the board")):
        share = f"octets a second, {rate[f'share_{way}']:.0%} of what the line carries"
        _add(table, name, f"{rate[f'octets_{way}_per_second']:,}", share)
    return table


def _cycles(report: "HostReport") -> Table:
    table = Table(title="cycles of the longest rows, counted on the board", title_justify="left", title_style="bold")
    table.box, table.header_style = None, "cyan"
    table.add_column("")
    for heading in ("on board", "planned"):
        table.add_column(heading, justify="right")
    table.add_column("")
    table.add_column(f"ns at {report.info.clock_mhz:g} MHz", justify="right")
    table.add_column("")
    for name, meaning in CYCLE_MEANINGS.items():
        verdict = "[red]differs[/]" if report.differs(name) else "[green]ok[/]"
        counted, planned = getattr(report.cycles, name), getattr(report.planned, name)
        time = f"{1e3 * counted / report.info.clock_mhz:,.0f}"
        table.add_row(name, str(counted), str(planned), verdict, time, f"[dim]{meaning}[/]")
    return table


def _link(report: "HostReport") -> Table:
    link, record = report.link, report.record
    table = _table("link and counters")
    _add(table, "octets", f"{link.octets_out:,} / {link.octets_in:,}", "to the board / from the board")
    _add(table, "requests", f"{link.requests:,}", "answered")
    for name, value, meaning in (
        ("retries", link.retries, "requests sent again: no answer, or a spoilt one"),
        ("spoilt frames", link.spoilt, "from the board, dropped here"),
        ("dropped frames", link.dropped_by_board, "to the board, as far as it noticed"),
        ("late answers", link.late, "to requests that were sent twice"),
        ("resets", link.resets, "of the board: its counters went back"),
    ):
        _add(table, name, f"[yellow]{value:,}[/]" if value else "0", meaning)
    _add(
        table,
        "beats",
        f"{record.beats_in:,} / {record.beats_out:,}",
        "into the unit / out of it, since the board's reset",
    )
    _add(table, "row errors", f"{record.row_errors:,}", "rows that came out with the error flag, since then")
    return table


def _table(title: str) -> Table:
    table = Table(title=escape(title), title_justify="left", title_style="bold", box=None, show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    return table


def _add(table: Table, name: str, value: str, meaning: str) -> None:
    table.add_row(name, value, escape(meaning))
