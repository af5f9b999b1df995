"""Kinds of folding that take arrays, a .npy file each, and write arrays."""

import argparse
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from streamnorm_cli.options import options_named, refuse_overwriting

from .given import Given
from .kind import Folded, Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ArraysKind"]


@dataclass(frozen=True)
class ArraysKind(Kind):
    """A kind that folds arrays.

    Attributes
    ----------
    function : name of the function in `streamnorm_sim.fold`; its parameters have the names of what is given
    given : in the order of their places
    makes : the arrays that the function returns, which are the names of their files, too
    keys : keys of a configuration to go on with; from what the function returned and the options it was called with
    advice : what else there is to do, a line each; from the same
    facts : names of the numbers that the function returns besides
    has_layout : whether a linear layer is folded whose weight has a layout
    crmsnorm : what ``--crmsnorm`` does; empty where there is no such option
    """

    name: str
    title: str
    function: str
    given: tuple[Given, ...]
    makes: tuple[str, ...]
    formula: tuple[str, ...]
    source: str
    examples: tuple[str, ...]
    keys: Callable[[Any, Mapping[str, Any]], dict[str, Any]]
    advice: Callable[[Any, Mapping[str, Any]], tuple[str, ...]] = lambda result, options: ()
    facts: tuple[str, ...] = ()
    has_layout: bool = False
    crmsnorm: str = ""

    @property
    def written(self) -> str:
        return " and ".join(f"{name}.npy" for name in self.makes) + ", float64, rounded once"

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        for given in self.given:
            given.add_to(parser)
        if self.has_layout:
            add_layout(parser)
        if self.crmsnorm:
            parser.add_argument("--crmsnorm", action="store_true", help=self.crmsnorm)

    def fold(self, args: argparse.Namespace) -> Folded:
        from streamnorm.spec.paths import check_directory
        from streamnorm_sim import fold

        folder = args.output
        values = {given.name: given.value(args) for given in self.given}
        read = [value for value in values.values() if isinstance(value, Path)]
        for name in self.makes:
            refuse_overwriting({"--output": folder / f"{name}.npy"}, [], *read)
        check_directory(folder)
        options = {name: value for name, value in values.items() if value is not None}
        options |= {"layout": args.layout} if self.has_layout else {}
        options |= {"crmsnorm": args.crmsnorm} if self.crmsnorm else {}
        by_name = {given.option.removeprefix("--"): given.name for given in self.given if not given.has_place}
        with options_named({"layout": "layout"} | by_name):
            result = getattr(fold, self.function)(**options)
        made = {name: getattr(result, name) for name in self.makes if getattr(result, name) is not None}
        facts = {name: getattr(result, name) for name in self.facts}
        keys, advice = self.keys(result, options), self.advice(result, options)
        report = {
            "kind": self.name,
            "files": {name: _to_dict(folder / f"{name}.npy", array) for name, array in made.items()},
            **({"constants": facts} if facts else {}),
            "keys": keys,
        }

        def told() -> Iterator[RenderableType]:
            for name, array in made.items():
                yield Text(_told(folder / f"{name}.npy", array))
            for name, fact in facts.items():
                if fact is not None:
                    yield Text(f"{name} = {fact!r}")
            for line in next_steps(keys, advice):
                yield Text(line)

        return Folded(folder, {f"{name}.npy": _npy(array) for name, array in made.items()}, report, told)


def add_layout(parser: argparse.ArgumentParser, of: str = "the weight") -> None:
    """Declare ``--layout``; ``of`` is what has it."""
    parser.add_argument(
        "--layout",
        default="out-in",
        metavar="LAYOUT",
        help=f"shape of {of}: out-in is (outputs, inputs), as in PyTorch's nn.Linear, in-out (inputs, "
        "outputs), as in Keras and in tables of embeddings (default: %(default)s)",
    )


def next_steps(keys: Mapping[str, Any], advice: tuple[str, ...]) -> Iterator[str]:
    """Yield what to write into the configuration of a unit, and what else there is to do."""
    if keys or advice:
        yield from ("", "next, in the unit's configuration (names of files are relative to it):")
    yield from (f"  {key} = {json.dumps(value)}" for key, value in keys.items())
    yield from (f"  # {line}" for line in advice)


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
