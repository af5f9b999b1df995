"""How far long work is, on a terminal."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from .terminal import progress_console


@contextmanager
def progress_bar(args: argparse.Namespace, *, counted: bool) -> Iterator[Progress]:
    """Show a bar on stderr, if that is a terminal and unless ``--quiet``; ``counted`` if steps are."""
    console = progress_console()
    counts = (BarColumn(), MofNCompleteColumn()) if counted else ()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), *counts, TimeElapsedColumn())
    hidden = args.quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        yield bar
