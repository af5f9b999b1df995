"""``streamnorm fold``: what a norm does at inference as constants, and its parameters into the layers beside it."""

import argparse
from pathlib import Path

from rich.text import Text

from streamnorm_cli.folds import KINDS, Kind
from streamnorm_cli.options import Commands, add_output, file_path, formatter, print_json
from streamnorm_cli.progress import progress_bar
from streamnorm_cli.terminal import output_console

FOLDER = Path("folded")

_EPILOG = """\
examples:
  streamnorm fold batchnorm mean.npy var.npy gamma.npy beta.npy 1e-5    to folded/gamma.npy and folded/beta.npy
  streamnorm fold batchnorm mean.npy var.npy --epsilon 1e-5 -o bn1      gamma = 1, beta = 0; to bn1/
  streamnorm fold powernorm psi2.npy gamma.npy beta.npy 1e-5
  streamnorm fold recentre weight.npy bias.npy -o attention_out         so that RMSNorm does what LayerNorm did
  streamnorm fold flashnorm weight.npy gamma.npy --layout in-out        so that the norm needs no gamma
  streamnorm fold deepnorm --encoder-layers 24                          alpha and beta of a depth
  streamnorm fold gains out_proj.npy head_gains.npy                     gains of heads, into the output matrix
  streamnorm fold layernorm-scaling gamma.npy beta.npy --layer 3        gamma and beta over sqrt(3)
  streamnorm fold preln-to-rms model.npz --preset gpt2 -o rms.npz       a whole model, for RMSNorm
  streamnorm fold preln-to-crms model.safetensors --preset gpt-neox     the same for CRMSNorm; to folded/

Arrays are .npy files of floating-point or integer numbers, models .npz or .safetensors files of named tensors.
streamnorm fold KIND --help tells the formula. Each number that is written is the formula's exact value on the numbers
given, rounded once to float64.
"""


def add_parser(commands: Commands) -> None:
    """Declare the command, its kinds and their options."""
    parser = commands.add_parser(
        "fold",
        help="fold a norm's statistics into gamma and beta, or its parameters into the layers beside it",
        description="Fold what a norm does at inference into gamma and beta of a unit, or what belongs to it\n"
        "into the linear layers before and behind it: of single arrays, or of a whole model.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True, title="kinds")
    for kind in KINDS.values():
        _add_kind(kinds, kind)


def _add_kind(kinds: Commands, kind: Kind) -> None:
    formula = "".join(f"\n  {line}" for line in kind.formula)
    examples = "".join(f"  streamnorm fold {kind.name} {example}\n" for example in kind.examples)
    parser = kinds.add_parser(
        kind.name,
        help=kind.title,
        description=f"Fold {kind.title}:\n{formula}\n\n{kind.source}. Written: {kind.written}.",
        epilog=f"examples:\n{examples}",
        formatter_class=formatter,
    )
    kind.add_to(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=file_path,
        default=FOLDER,
        metavar="DIR",
        help="directory to write to, made if it is not there; or of a model, the file (default: ./%(default)s)",
    )
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Fold, write the arrays or the model, and tell what to do with them."""
    from streamnorm.spec.directory_files import write_files

    kind = KINDS[args.kind]
    with progress_bar(args, counted=False) as bar:
        bar.add_task(f"folding {kind.title}", total=None)
        folded = kind.fold(args)
    if folded.files:
        write_files(folded.folder, folded.files)
    if args.json:
        print_json(folded.report)
    elif not args.quiet:
        console = output_console()
        for each in folded.told():
            console.print(each, soft_wrap=isinstance(each, Text))  # lines go on, tables stay within the terminal
    return 0
