"""The command line, ``streamnorm``; see `streamnorm_cli.command_line`."""

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; see `streamnorm_cli.command_line.main`.

    Everything else is imported here, so that Ctrl-C meanwhile ends as it does later: with 130 and a line, and with
    ``--json`` an object.
    """
    try:
        from .command_line import main as run

        return run(argv)
    except KeyboardInterrupt:  # before or after the command
        print("streamnorm: error: interrupted", file=sys.stderr)
        if "--json" in (sys.argv if argv is None else argv):
            print('{"error": {"message": "interrupted", "exit_code": 130}}')
        return 130
