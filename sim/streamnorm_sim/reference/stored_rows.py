"""Stored gamma and beta, as the elements of rows have them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from streamnorm.spec.config import NormConfig

__all__ = ["stored_of_rows"]

Integers = npt.NDArray[Any]


def stored_of_rows(config: NormConfig, stored: Integers, banks: Integers, width: int) -> Integers:
    """The values of the first ``width`` elements of each row, (rows, width); (1, width) for all where there is one
    bank. ``stored``: (banks, bank_values)."""
    repeat = config.parameter_repeat
    columns = -(-width // repeat)
    values = stored[:1, :columns] if config.banks == 1 else stored[banks, :columns]
    return values if repeat == 1 else np.repeat(values, repeat, axis=-1)[:, :width]
