"""``streamnorm generate``: Verilog, manifest, instantiation template, test vectors and a bench that plays them."""

import argparse
import hashlib
from functools import partial

from rich.markup import escape

from streamnorm_cli.notices import print_notices, with_notices
from streamnorm_cli.options import (
    Commands,
    add_architecture,
    add_common,
    add_directory,
    formatter,
    print_json,
    read_config,
    whole_number,
)
from streamnorm_cli.progress import progress_bar
from streamnorm_cli.terminal import output_console

_EPILOG = """\
examples:
  streamnorm generate examples/bert_int8.toml -o rtl
  streamnorm generate examples/bert_int8.toml -o rtl --vectors 0    no test vectors and no bench
  streamnorm generate examples/bert_int8.toml -o rtl --netlist      and the cells that `fit` places, as Verilog
  streamnorm generate examples/bert_int8.toml -o rtl --json         files and their sha256

The same configuration gives the same bytes every time, the netlist with the same version of yosys.
"""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "generate",
        help="write Verilog, manifest, instantiation template, test vectors and a bench",
        description="Write everything that a project needs of a unit: the Verilog, manifest.json (ports,\n"
        "formats, plan, latency formulas), an instantiation template, golden test vectors as .npy and\n"
        ".hex, and NAME_tb.v, a self-checking bench in plain Verilog that plays them; its first lines\n"
        "say how to run it.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    add_common(parser)
    add_architecture(parser)
    add_directory(parser)
    parser.add_argument(
        "--vectors",
        type=whole_number(0),
        default=32,
        metavar="ROWS",
        help="rows of test vectors (default: %(default)s; 0: none, and no bench)",
    )
    parser.add_argument(
        "--netlist",
        action="store_true",
        help="synthesize for the configuration's target, too, and write NAME_netlist.v: the unit as the cells that "
        "`fit` places; its first lines say how yosys takes it",
    )


def run(args: argparse.Namespace) -> int:
    """Write the files of a unit."""
    config = read_config(args)
    from streamnorm.plan import Limits, Plan
    from streamnorm.verilog.emit import generate
    from streamnorm_sim.vectors import check_count, make_vectors

    check_count("--vectors", args.vectors, config, least=0)
    netlist, notices = None, list(Limits(Plan.of(config)).notices)
    if args.netlist:
        from streamnorm_fpga.gate_level import netlist_verilog, part_of

        part_of(config, "--netlist")
        netlist = partial(netlist_verilog, notice=notices.append)
    vectors = make_vectors(config, args.vectors) if args.vectors else None
    with progress_bar(args, counted=False) as bar:
        if netlist is not None:
            bar.add_task(f"synthesizing {escape(config.name)}", total=None)
        files = generate(config, args.output, vectors, netlist=netlist)
    print_notices(args, notices)
    if args.json:
        hashes = {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
        print_json(with_notices({"name": config.name, "digest": config.digest(), "files": hashes}, notices))
    elif not args.quiet:
        console = output_console()
        for file in files:
            console.print(f"{file}  [dim]{file.stat().st_size:,} bytes[/dim]", soft_wrap=True)
    return 0
