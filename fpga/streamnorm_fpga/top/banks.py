"""Which bank the rows of a batch or a request take: all the same, or one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streamnorm.spec.config import NormConfig

__all__ = ["banks_of", "in_turn"]


def in_turn(config: NormConfig) -> bool:
    """Whether rows take the banks in turn, and none is named to the unit."""
    return config.banks > 1 and not config.rows_name_banks


def banks_of(config: NormConfig, first: int, rows: int) -> NDArray[np.int64]:
    """Return the banks of rows that are played together, from that of the first one."""
    return (first + np.arange(rows) * in_turn(config)) % config.banks
