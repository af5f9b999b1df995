"""``streamnorm norms``: the norms that units compute, with their keys, and what they cost beside each other."""

import argparse

from streamnorm_cli.options import Commands, add_output, formatter, print_json, print_tables
from streamnorm_cli.tables.norms import details, overview
from streamnorm_cli.terminal import output_console

_EPILOG = """\
examples:
  streamnorm norms                                    formula, keys, cycles, area and clock of each
  streamnorm norms rmsnorm                            one norm: what it is for, its keys, a configuration to begin with
  streamnorm norms frozen --json | jq -r .norms[0].example > unit.toml
  streamnorm cycles unit.toml --compare norms         the norms at a configuration of your own

A norm is the formula that makes z of a row x; the unit then computes y = z * (gamma + gamma_offset) + beta. Cycles are
those of the plan: L1 from a row's first beat in to its first beat out, SS from row to row. LUTs, multipliers, block
RAMs and the clock are of a unit that was placed alone, the least clock of some placement seeds, with the difference to
LayerNorm's in parentheses. streamnorm fit measures a unit of your own. docs/norms.md has pictures, and what papers ask
for.
"""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "norms",
        help="list the norms: formula, keys, and what a unit of each costs",
        description="List the norms that units compute, and what they cost beside LayerNorm.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    parser.add_argument("norm", nargs="?", metavar="NAME", help="tell all of this one")
    add_output(parser, verbose="tell all of every norm; with a traceback for bugs")


def run(args: argparse.Namespace) -> int:
    """List the norms, or tell all of one."""
    from streamnorm.spec.norms import NORMS
    from streamnorm_sim.norm_facts import norm_facts, norm_named, reference_facts

    norms = [norm_facts(norm) for norm in (NORMS.values() if args.norm is None else [norm_named(args.norm)])]
    reference = reference_facts()
    if args.json:
        print_json({"reference": reference, "norms": norms})
    elif not args.quiet:
        if args.norm is None and not args.verbose:
            print_tables(overview(norms, reference))
            return 0
        for norm in norms:
            print_tables(details(norm, reference))
            # As it is to be copied, so neither folded nor coloured.
            output_console().print(norm["example"] or "", markup=False, soft_wrap=True)
    return 0
