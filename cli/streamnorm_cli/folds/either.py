"""Kinds of folding that take one norm's arrays or a whole model, whichever file is named first."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass

from streamnorm.errors import ConfigError

from .arrays import ArraysKind
from .kind import Folded, Kind
from .model import ModelKind

__all__ = ["EitherKind"]


@dataclass(frozen=True)
class EitherKind(Kind):
    """A kind of two forms, of one name; the end of the first file's name tells which.

    Attributes
    ----------
    arrays : the form that takes arrays; its first argument is the model of the other
    model : the form that takes a model
    """

    name: str
    title: str
    formula: tuple[str, ...]
    source: str
    examples: tuple[str, ...]
    arrays: ArraysKind
    model: ModelKind

    @property
    def written(self) -> str:
        return f"{self.arrays.written}; of a model {self.model.written}"

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        self.arrays.add_to(parser)
        self.model.patterns.add_to(parser)

    def fold(self, args: argparse.Namespace) -> Folded:
        from streamnorm_sim.fold.model import FORMATS

        first, *others = (given.name for given in self.arrays.given)
        path = getattr(args, first)
        both = {*others} & {*self.model.patterns.names}
        if path.suffix in FORMATS:
            _refuse(args, [name for name in others if name not in both], f"{path} is a model")
            return self.model.fold_file(path, args)
        only = [name for name in self.model.patterns.names if name not in both]
        _refuse(args, only, f"{path} is no model, whose name ends with {' or '.join(FORMATS)}")
        return self.arrays.fold(args)


def _refuse(args: argparse.Namespace, names: Iterable[str], why: str) -> None:
    for name in names:
        for attribute, told in ((name, f"--{name.replace('_', '-')}"), (f"{name}_by_place", name.upper())):
            if getattr(args, attribute, None) not in (None, []):
                raise ConfigError(f"{told}: is not taken: {why}")
