"""``streamnorm cache``: where simulators are kept that have been built, how large they are, and removing them."""

import argparse

from rich.markup import escape

from streamnorm_cli.options import Commands, add_output, formatter, print_json
from streamnorm_cli.tables.cache import cache_line, in_words
from streamnorm_cli.terminal import output_console

_EPILOG = """\
examples:
  streamnorm cache                                    where it is, and how large
  streamnorm cache --clear                            remove what is in it; what is needed again is built again

It is in $STREAMNORM_CACHE, or else streamnorm in $XDG_CACHE_HOME or ~/.cache. Builds that nobody has used for a month
go by themselves. What a process at work may need stays, and so does whatever else is in that folder.
"""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "cache",
        help="tell where builds are kept and how large they are, or remove them",
        description="Units that have been compiled once are kept, netlists that have been synthesized, and a header "
        "that g++ has read for units (50 MB for each set of its options).",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    parser.add_argument("--clear", action="store_true", help="remove the builds")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Tell what there is, after removing it if that was asked for."""
    from streamnorm_sim.toolchain.cache import cache_directory, cache_usage, clear_cache

    removed = clear_cache()[0] if args.clear else None
    if args.json:
        report = {"directory": str(cache_directory()), **cache_usage().to_dict()}
        print_json(report if removed is None else {**report, "removed": removed.to_dict()})
    elif not args.quiet:
        console = output_console()
        if removed is not None:
            console.print(f"removed: {in_words(removed)}")
        console.print(f"there: {escape(cache_line())}", soft_wrap=True)
    return 0
