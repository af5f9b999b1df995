"""What folding did to a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Change", "FoldedModel", "Folding", "as_arrays"]


@dataclass(frozen=True)
class Change:
    """What became of a tensor.

    Attributes
    ----------
    tensor : its name
    what : what was done to it, in words
    before, after : its shapes; before is None where it is new
    """

    tensor: str
    what: str
    before: tuple[int, ...] | None
    after: tuple[int, ...]


@dataclass(frozen=True)
class FoldedModel:
    """A model, folded.

    Attributes
    ----------
    tensors : every tensor by its name, those left alone the very arrays that were given
    changes : what was changed or made
    left : names of the tensors that were left alone
    width : features of the residual stream as it was, or None where it is not looked at
    separated : pairs (table, head) that the model has to hold as two tensors from now on
    """

    tensors: dict[str, NDArray]
    changes: tuple[Change, ...]
    left: tuple[str, ...]
    width: int | None = None
    separated: tuple[tuple[str, str], ...] = ()


@dataclass
class Folding:
    """A model while it is folded.

    Attributes
    ----------
    given : the tensors as they were
    """

    given: Mapping[str, NDArray]
    _made: dict[str, NDArray] = field(default_factory=dict)
    _changes: list[Change] = field(default_factory=list)

    def put(self, tensor: str, values: NDArray, what: str) -> None:
        """Take ``values`` for a tensor, in place of its own or as a new one."""
        before = self.given[tensor].shape if tensor in self.given else None
        self._made[tensor] = values
        self._changes.append(Change(tensor, what, before, values.shape))

    def done(self, width: int | None = None, separated: tuple[tuple[str, str], ...] = ()) -> FoldedModel:
        """Return the model as it is now, its tensors in the order given, new ones last."""
        tensors = {name: self._made.get(name, array) for name, array in self.given.items()} | self._made
        left = tuple(name for name in self.given if name not in self._made)
        return FoldedModel(tensors, tuple(self._changes), left, width, separated)


def as_arrays(tensors: Mapping[str, ArrayLike]) -> dict[str, NDArray]:
    """Return a model's tensors as arrays, those that are arrays already the same."""
    return {name: np.asarray(values) for name, values in tensors.items()}
