"""Options that say which tensors of a model do what: of the residual stream, or of norms alone."""

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from streamnorm.errors import ConfigError
from streamnorm.spec.values import shown
from streamnorm_cli.options import whole_number

from .arrays import add_layout

if TYPE_CHECKING:
    from streamnorm_sim.fold.model import Naming

__all__ = ["PRESETS", "NormPatterns", "StreamPatterns"]

_Kind = TypeVar("_Kind")

PRESETS = ("gpt2", "gpt-j", "gpt-neox", "opt", "vit", "vit-timm")
"""The namings of `streamnorm_sim.fold.model.NAMINGS`; named here, since help does not wait for it."""

_GLOBS = {
    "table": ("GLOB", "what is added to the stream as it is: embeddings, its last axis the features"),
    "write": ("GLOB", "layers whose outputs are added to the stream"),
    "read": ("LAYERS=NORM", "layers that read the stream behind a norm; each * of NORM stands for what that of LAYERS "
             "does: 'h.*.fc=h.*.ln'"),
    "head": ("LAYERS=NORM", "as --read, for layers whose weight is (outputs, inputs) whatever --layout says"),
    "tied": ("TABLE=HEAD=NORM", "a table that is the weight of the output head, too, which reads NORM; HEAD becomes a "
             "tensor of its own"),
    "leave": ("GLOB", "tensors that neither write to the stream nor read it, though they may be of its width"),
}  # fmt: skip


class StreamPatterns:
    """Which tensors write to the residual stream, and which read it behind which norm."""

    names = ("preset", "layout", *_GLOBS)

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        _add_preset(parser)
        for name, (metavar, about) in _GLOBS.items():
            parser.add_argument(f"--{name}", action="append", default=[], metavar=metavar, help=f"{about}; repeatable")
        add_layout(parser, "the weights that --write and --read name; presets know theirs")

    def read(self, args: argparse.Namespace) -> "tuple[list[Naming], dict[str, Any]]":
        from streamnorm_sim.fold.model import Naming, Read, Tied

        own = Naming(
            tables=tuple(args.table),
            writers=tuple(args.write),
            reads=_split("read", args.read, Read, 2),
            heads=_split("head", args.head, Read, 2),
            tied=_split("tied", args.tied, Tied, 3),
            left=tuple(args.leave),
            layout=args.layout,
        )
        return [*_preset(args), own], {}


class NormPatterns:
    """Which tensors are norms of which layer."""

    names = ("preset", "norm", "first_layer", "gamma_offset")

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        _add_preset(parser)
        parser.add_argument(
            "--norm",
            action="append",
            default=[],
            metavar="GLOB",
            help="norms of a model, a * standing for the layer's number: '*layers.*.input_layernorm'; repeatable",
        )
        parser.add_argument(
            "--first-layer",
            type=whole_number(0),
            metavar="NUMBER",
            help="the number that the model's names give the first layer (default: 0)",
        )

    def read(self, args: argparse.Namespace) -> "tuple[list[Naming], dict[str, Any]]":
        numbers = {"first_layer": args.first_layer, "gamma_offset": args.gamma_offset}
        given = {name: value for name, value in numbers.items() if value is not None}
        return _preset(args), {"norms": args.norm, **given}


def _add_preset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--preset", metavar="NAME", help=f"the names that a family of models uses: {', '.join(PRESETS)}"
    )


def _preset(args: argparse.Namespace) -> "list[Naming]":
    from streamnorm.spec.values import one_of
    from streamnorm_sim.fold.model import NAMINGS

    return [] if args.preset is None else [NAMINGS[one_of("preset", args.preset, NAMINGS)]]


def _split(option: str, texts: Sequence[str], kind: Callable[..., _Kind], parts: int) -> tuple[_Kind, ...]:
    for text in texts:
        if text.count("=") != parts - 1 or not all(text.split("=")):
            raise ConfigError(f"--{option} = {shown(text)}: must be {_GLOBS[option][0]}")
    return tuple(kind(*text.split("=")) for text in texts)
