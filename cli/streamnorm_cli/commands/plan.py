"""``streamnorm plan``: what would be built, in tables that explain themselves."""

import argparse
from itertools import groupby
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from streamnorm_cli.notices import with_notices
from streamnorm_cli.options import Commands, add_architecture, add_common, formatter, print_result, read_config
from streamnorm_cli.tables.notes import notes

if TYPE_CHECKING:
    from streamnorm.plan import Plan

_EPILOG = """\
examples:
  streamnorm plan examples/bert_int8.toml
  streamnorm plan examples/bert_int8.toml --json | jq .latency_formulas
"""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "plan",
        help="show widths, error budget, pipeline, latency and cost",
        description="Work out a unit before any hardware exists: the width of every value, the error it\n"
        "adds, the pipeline stages of every block, the latency, and how much of its target it takes.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    add_common(parser)
    add_architecture(parser)


def run(args: argparse.Namespace) -> int:
    """Print the plan of a configuration."""
    config = read_config(args)
    from streamnorm.plan import Limits, Plan

    plan = Plan.of(config)
    limits = Limits(plan)
    print_result(
        args, lambda: with_notices({**plan.to_dict(), "device": limits.to_dict()}, limits.notices), lambda: tables(plan)
    )
    return 0


def tables(plan: "Plan") -> list[Table]:
    """Return one table for each section of the plan, what, how much, and what it means; then its notices."""
    from streamnorm.plan import plan_rows

    result = []
    for section, rows in groupby(plan_rows(plan), key=lambda row: row.section):
        table = Table(title=escape(section), title_justify="left", title_style="bold", box=None, show_header=False)
        table.add_column(style="cyan", no_wrap=True)
        table.add_column(justify="left", overflow="fold")
        table.add_column(style="dim", overflow="fold")
        for row in rows:
            table.add_row(escape(row.name), escape(row.value), escape(row.meaning))
        result.append(table)
    return [*result, *notes(plan.notices)]
