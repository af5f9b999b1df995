"""Kinds of folding that take a whole model, a file of named tensors, and write one of the same kind."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import RenderableType
from rich.text import Text

from streamnorm.errors import ConfigError
from streamnorm_cli.options import file_path, options_named, refuse_overwriting
from streamnorm_cli.tables.fold import changed_table, left_table

from .arrays import next_steps
from .kind import Folded, Kind

if TYPE_CHECKING:
    from streamnorm_sim.fold.model import FoldedModel, Naming

__all__ = ["ModelKind", "Patterns"]


class Patterns(Protocol):
    """Options that say which tensors of a model do what."""

    @property
    def names(self) -> Sequence[str]:
        """Attributes that these options have in the arguments parsed."""
        ...

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        ...

    def read(self, args: argparse.Namespace) -> "tuple[list[Naming], dict[str, Any]]":
        """Return what they come to: namings, and further arguments of the function."""
        ...


@dataclass(frozen=True)
class ModelKind(Kind):
    """A kind that folds a model.

    Attributes
    ----------
    function : name of the function in `streamnorm_sim.fold.model`
    patterns : options that say which tensors do what
    keys : keys of a configuration to go on with, from what the function returned
    advice : what else there is to do, a line each, from the same
    """

    name: str
    title: str
    function: str
    patterns: Patterns
    formula: tuple[str, ...]
    source: str
    examples: tuple[str, ...]
    keys: "Callable[[FoldedModel], dict[str, Any]]"
    advice: "Callable[[FoldedModel], tuple[str, ...]]"

    @property
    def written(self) -> str:
        return "a file of the same kind; what is changed is float64, rounded once, all else as it was"

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "model", type=file_path, metavar="MODEL", help="the model's tensors: a .npz or .safetensors file"
        )
        self.patterns.add_to(parser)

    def fold(self, args: argparse.Namespace) -> Folded:
        return self.fold_file(args.model, args)

    def fold_file(self, path: Path, args: argparse.Namespace) -> Folded:
        """Fold the model in a file; ``fold`` folds that of the argument."""
        from streamnorm.spec.paths import check_directory
        from streamnorm_sim.fold import model

        target = _target(path, args.output)
        refuse_overwriting({"--output": target}, [], path)
        check_directory(target.parent)
        with options_named({name.replace("_", "-"): name for name in self.patterns.names}):
            namings, options = self.patterns.read(args)
            file = model.read_tensors(path)
            folded = getattr(model, self.function)(file.tensors, *namings, **options)
        keys, advice = self.keys(folded), self.advice(folded)

        def told() -> Iterator[RenderableType]:
            yield Text(_told(target, folded))
            yield Text()
            yield changed_table(folded.changes)
            if folded.left:
                yield Text()
                yield left_table({name: folded.tensors[name].shape for name in folded.left})
            for line in next_steps(keys, advice):
                yield Text(line)

        report = {"kind": self.name, "file": str(target), **_to_dict(folded), "keys": keys}
        return Folded(target.parent, {target.name: file.with_tensors(folded.tensors)}, report, told)


def _target(path: Path, output: Path) -> Path:
    """The file to write: that named, or one of the model's name in the directory named."""
    from streamnorm_sim.fold.model import FORMATS

    if output.suffix not in FORMATS or path.suffix not in FORMATS:
        return output / path.name
    if output.suffix != path.suffix:
        raise ConfigError(f"--output: {output}: is of another kind than {path}; its name must end with {path.suffix}")
    return output


def _to_dict(folded: "FoldedModel") -> Mapping[str, Any]:
    return {
        "changed": [
            {
                "tensor": change.tensor,
                "what": change.what,
                "before": None if change.before is None else list(change.before),
                "after": list(change.after),
            }
            for change in folded.changes
        ],
        "left": list(folded.left),
        "separated": [{"table": table, "head": head} for table, head in folded.separated],
    }


def _told(path: Path, folded: "FoldedModel") -> str:
    new = sum(change.before is None for change in folded.changes)
    made = f", {new} new" if new else ""
    changed = len(folded.changes) - new
    return f"{path}: {len(folded.tensors)} tensors: {changed} changed{made}, {len(folded.left)} left alone"
