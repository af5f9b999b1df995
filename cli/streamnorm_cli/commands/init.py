"""``streamnorm init``: a folder to begin with."""

import argparse
import shlex
from pathlib import Path

from streamnorm.errors import ConfigError
from streamnorm_cli.options import Commands, add_output, file_path, formatter, print_json
from streamnorm_cli.terminal import output_console

NORM, FORMAT = "layernorm", "int8"

_EPILOG = """\
examples:
  streamnorm init                                     LayerNorm of int8 elements, in ./layernorm_int8
  streamnorm init rmsnorm int16 -o my_norm            RMSNorm of int16 elements, in ./my_norm
  streamnorm init rmsnorm bf16                        RMSNorm of bfloat16 elements, in ./rmsnorm_bf16

The folder holds unit.toml, which explains each of its lines, gamma.npy, beta.npy, and rows.npy to run through the unit.
"""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "init",
        help="write a folder to begin with: a configuration, gamma, beta, and rows",
        description="Write a folder with a small unit's configuration, its gamma and beta, and rows to run\n"
        "through it. No file that is there is overwritten.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    parser.add_argument("norm", nargs="?", default=NORM, metavar="NORM", help="the formula (default: %(default)s)")
    parser.add_argument(
        "format", nargs="?", default=FORMAT, metavar="FORMAT", help="of elements in and out (default: %(default)s)"
    )
    parser.add_argument(
        "-o", "--output", type=file_path, metavar="DIR", help="folder to write to (default: ./NORM_FORMAT)"
    )
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Write the folder, and tell what can be done with it."""
    from streamnorm.spec.directory_files import write_files
    from streamnorm.spec.formats import FAMILIES
    from streamnorm.spec.norms import NORMS
    from streamnorm.spec.paths import check_directory
    from streamnorm_sim.starter import starter_files, starter_name

    if any(family.has(args.norm) for family in FAMILIES):
        norm = args.format if args.format in NORMS else NORM
        raise ConfigError(f"{args.norm} is a format, and comes second: streamnorm init {norm} {args.norm}")
    files = starter_files(args.norm, args.format)
    folder = args.output or Path(starter_name(args.norm, args.format))
    check_directory(folder)
    for name in files:
        if (folder / name).exists() or (folder / name).is_symlink():
            raise ConfigError(f"{folder / name}: is there already; choose another folder with -o")
    write_files(folder, files)
    if args.json:
        print_json({"directory": str(folder), "files": list(files)})
    elif not args.quiet:
        told = [str(folder / name) for name in files]
        console = output_console()
        for line in (*told, "", "next:", *(f"  {command}" for command in next_commands(folder))):
            console.print(line, soft_wrap=True, markup=False)
    return 0


def next_commands(folder: Path) -> list[str]:
    """Return the commands to go on with."""
    return [
        f"cd {shlex.quote(str(folder))}",
        "streamnorm plan unit.toml",
        "streamnorm simulate unit.toml --input rows.npy",
        "streamnorm generate unit.toml -o rtl",
        "streamnorm cycles unit.toml --lanes 1,2,4,8",
    ]
