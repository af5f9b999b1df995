"""``python -m streamnorm_sim.cocotb``: what makefiles of cocotb benches need to know."""

import argparse
import sys

from streamnorm.errors import StreamnormError

from .runner import MAKE_VARIABLES, MAKEFILE, verilator_directory


def main() -> int:
    """Print what is asked for, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m streamnorm_sim.cocotb", description="For makefiles of benches.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--makefile", action="store_true", help="the file that a makefile includes to find Verilator")
    what.add_argument("--verilator", action="store_true", help="the directory in which the program verilator is")
    what.add_argument("--make-variables", action="store_true", help="what the makefile of Verilator has to be told")
    args = parser.parse_args()
    try:
        print(MAKEFILE if args.makefile else verilator_directory() if args.verilator else MAKE_VARIABLES)
    except StreamnormError as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
