"""``streamnorm fold``: what a norm does at inference as constants, and its parameters into the layers beside it."""

import argparse
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamnorm.errors import ConfigError
from streamnorm.spec.values import shown
from streamnorm_cli.folds import KINDS, Given, Kind
from streamnorm_cli.options import (
    Commands,
    add_output,
    file_path,
    formatter,
    options_named,
    print_json,
    refuse_overwriting,
)
from streamnorm_cli.progress import progress_bar
from streamnorm_cli.terminal import output_console

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDER = Path("folded")

_EPILOG = """\
examples:
  streamnorm fold batchnorm mean.npy var.npy gamma.npy beta.npy 1e-5    to folded/gamma.npy and folded/beta.npy
  streamnorm fold batchnorm mean.npy var.npy --epsilon 1e-5 -o bn1      gamma = 1, beta = 0; to bn1/
  streamnorm fold powernorm psi2.npy gamma.npy beta.npy 1e-5
  streamnorm fold recentre weight.npy bias.npy -o attention_out         so that RMSNorm does what LayerNorm did
  streamnorm fold flashnorm weight.npy gamma.npy --layout in-out        so that the norm needs no gamma

Arrays are .npy files of floating-point or integer numbers. streamnorm fold KIND --help tells the formula. Each number
that is written is the formula's exact value on the numbers given, rounded once to float64.
"""


def add_parser(commands: Commands) -> None:
    """Declare the command, its kinds and their options."""
    parser = commands.add_parser(
        "fold",
        help="fold a norm's statistics into gamma and beta, or its parameters into the layers beside it",
        description="Fold what a norm does at inference into gamma and beta of a unit, or what belongs to it\n"
        "into the linear layers before and behind it; write the arrays as .npy files.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True, title="kinds")
    for kind in KINDS.values():
        _add_kind(kinds, kind)


def _add_kind(kinds: Commands, kind: Kind) -> None:
    formula = "".join(f"\n  {line}" for line in kind.formula)
    files = " and ".join(f"{name}.npy" for name in kind.makes)
    parser = kinds.add_parser(
        kind.name,
        help=kind.title,
        description=f"Fold {kind.title}:\n{formula}\n\n{kind.source}. Written: {files}, float64, rounded once.",
        epilog=f"examples:\n  streamnorm fold {kind.name} {kind.example}\n",
        formatter_class=formatter,
    )
    for given in kind.given:
        given.add_to(parser)
    if kind.is_of_layer:
        parser.add_argument(
            "--layout",
            default="out-in",
            metavar="LAYOUT",
            help="shape of the weight: out-in is (outputs, inputs), as in PyTorch's nn.Linear, in-out (inputs, "
            "outputs), as in Keras and in tables of embeddings (default: %(default)s)",
        )
        parser.add_argument("--crmsnorm", action="store_true", help=kind.crmsnorm)
    parser.add_argument(
        "-o",
        "--output",
        type=file_path,
        default=FOLDER,
        metavar="DIR",
        help="directory to write to; made if it is not there (default: ./%(default)s)",
    )
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Fold, write the arrays, and tell what to do with them."""
    from streamnorm.spec.directory_files import write_files
    from streamnorm.spec.paths import check_directory
    from streamnorm_sim import fold
    from streamnorm_sim.fold.linear import by_output

    kind, folder = KINDS[args.kind], args.output
    values = {given.name: _value(given, args) for given in kind.given}
    names = {name: f"{name}.npy" for name in kind.makes}
    read = [value for value in values.values() if isinstance(value, Path)]
    for name in names.values():
        refuse_overwriting({"--output": folder / name}, [], *read)
    check_directory(folder)
    crmsnorm = kind.is_of_layer and args.crmsnorm
    more = {"layout": args.layout, "crmsnorm": crmsnorm} if kind.is_of_layer else {}
    given = {name: value for name, value in values.items() if value is not None}
    with progress_bar(args, counted=False) as bar, options_named({"layout": "layout"}):
        bar.add_task(f"folding {kind.title}", total=None)
        result = getattr(fold, kind.function)(**given, **more)
    made = {name: array for name, array in result._asdict().items() if array is not None}
    write_files(folder, {names[name]: _npy(array) for name, array in made.items()})
    shape = by_output(result.weight, args.layout).shape if kind.is_of_layer else result.gamma.shape
    keys = kind.keys(shape, crmsnorm)
    if args.json:
        files = {name: _to_dict(folder / names[name], array) for name, array in made.items()}
        print_json({"kind": kind.name, "files": files, "keys": keys})
    elif not args.quiet:
        console = output_console()
        for name, array in made.items():
            console.print(_told(folder / names[name], array), soft_wrap=True, markup=False)
        for line in _next_steps(keys, kind.advice(crmsnorm)):
            console.print(line, soft_wrap=True, markup=False)
    return 0


def _value(given: Given, args: argparse.Namespace) -> Any:
    """What was given for an argument, by its place or by its name; None where it was left out."""
    by_name, by_place = getattr(args, given.name), getattr(args, f"{given.name}_by_place", None)
    if by_name is not None and by_place is not None:
        raise ConfigError(
            f"{given.name} is given twice: {shown(str(by_place))}, and --{given.name} {shown(str(by_name))}"
        )
    value = by_place if by_name is None else by_name
    if value is None and given.is_required:
        raise ConfigError(
            f"the following arguments are required: {given.name.upper()}, or --{given.name}; "
            f"streamnorm fold {args.kind} --help tells more"
        )
    return value


def _npy(array: "NDArray[np.float64]") -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _to_dict(path: Path, array: "NDArray[np.float64]") -> dict[str, Any]:
    return {"file": str(path), "shape": list(array.shape), "min": float(array.min()), "max": float(array.max())}


def _told(path: Path, array: "NDArray[np.float64]") -> str:
    shape = " x ".join(map(str, array.shape))
    return f"{path}: {shape} values, from {array.min():.6g} to {array.max():.6g}"


def _next_steps(keys: Mapping[str, Any], advice: tuple[str, ...]) -> Iterator[str]:
    yield from ("", "next, in the unit's configuration (names of files are relative to it):")
    yield from (f"  {key} = {json.dumps(value)}" for key, value in keys.items())
    yield from (f"  # {line}" for line in advice)
