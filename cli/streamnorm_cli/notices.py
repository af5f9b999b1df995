"""Notices: sentences that a command says besides its result, which is none the less whole."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from rich.markup import escape

from streamnorm_cli.terminal import progress_console

__all__ = ["print_notices", "with_notices"]


def print_notices(args: argparse.Namespace, notices: Iterable[str]) -> None:
    """Print notices on stderr, a line each, unless the command is to be quiet."""
    if not args.quiet:
        for notice in notices:
            progress_console().print(f"[yellow]note:[/yellow] {escape(notice)}", soft_wrap=True, highlight=False)


def with_notices(result: Mapping[str, Any], notices: Iterable[str]) -> dict[str, Any]:
    """Return a result for machines with more notices behind those that it has."""
    return {**result, "notices": [*result.get("notices", ()), *notices]}
