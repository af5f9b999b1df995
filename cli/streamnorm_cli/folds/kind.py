"""What a kind of folding is to the command line."""

import argparse
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import RenderableType

__all__ = ["Folded", "Kind"]


@dataclass(frozen=True)
class Folded:
    """What a folding came to.

    Attributes
    ----------
    folder : where its files go
    files : contents by name; may be none
    report : for ``--json``
    told : what is printed, made when it is
    """

    folder: Path
    files: Mapping[str, bytes]
    report: Mapping[str, Any]
    told: Callable[[], Iterable[RenderableType]] = field(default=list)


class Kind(ABC):
    """One kind of folding: `ArraysKind` folds arrays, `ModelKind` files of named tensors, `EitherKind` either.

    Members
    -------
    name, title : str
        What the command calls it; what people call it.
    formula : tuple of str
        What becomes of what, a line each.
    source : str
        Where that was published.
    examples : tuple of str
        Arguments.
    written : str
        What is written, in words.
    """

    name: str
    title: str
    formula: tuple[str, ...]
    source: str
    examples: tuple[str, ...]

    @property
    @abstractmethod
    def written(self) -> str: ...

    @abstractmethod
    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declare its arguments and options, all but those that every command has."""

    @abstractmethod
    def fold(self, args: argparse.Namespace) -> Folded:
        """Read, check what will be written, and fold; write nothing.

        Raises
        ------
        ConfigError, ToolMissing
            What is wrong, where, and what is allowed.
        """
