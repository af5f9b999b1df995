"""Notices, as lines below the tables of a command."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

__all__ = ["notes"]


def notes(notices: Sequence[str]) -> list[Table]:
    """Return a table with a line for each notice, or none if there is none."""
    table = Table(box=None, show_header=False)
    table.add_column(style="yellow", no_wrap=True)
    table.add_column(overflow="fold")
    for notice in notices:
        table.add_row("note", escape(notice))
    return [table] if notices else []
