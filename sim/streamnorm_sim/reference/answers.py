"""What a model says that has to come out of a unit, elements and flags."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.row_flags import flags_of
from streamnorm_sim.streams.rows import RowBatch

__all__ = ["FlaggedRowsModel", "RowsModel", "answers"]


class RowsModel(Protocol):
    """A model of a unit's results, such as `GoldenModel`.

    Attributes
    ----------
    config : NormConfig
    normalize : of x, lengths, banks and rows beside, as for `RowBatch.of`, the rows that come out, int64 (rows, n)
    """

    config: NormConfig

    @property
    def normalize(self) -> Callable[..., NDArray[np.int64]]: ...


class FlaggedRowsModel(RowsModel, Protocol):
    """A model of a unit with floating-point numbers on either side.

    Attributes
    ----------
    flags : of the same, the flags that each row comes out with, uint8 (rows,), see `RowBatch`
    """

    @property
    def flags(self) -> Callable[..., NDArray[np.uint8]]: ...


def answers(model: RowsModel, batch: RowBatch) -> RowBatch:
    """Return the rows that have to come out for those of a batch that go in, none of them longer than ``max_length``.

    Lengths, banks and errors are those of the batch.
    """
    rows: tuple[Any, ...] = batch.x, batch.lengths, batch.banks
    flags = np.zeros(len(batch), np.uint8)
    if flags_of(model.config):
        flags = cast(FlaggedRowsModel, model).flags(*rows, **batch.beside)
    return replace(batch, x=model.normalize(*rows, **batch.beside), flags=flags, beside={})
