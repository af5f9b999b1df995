"""Stored gamma and beta, as the elements of rows have them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import InterpolatedBanks
from streamnorm.spec.parameters import StoredParameters
from streamnorm_sim.streams.rows import RowBatch

__all__ = ["beside_of_core", "parameter_of_rows", "stored_of_rows"]

Integers = npt.NDArray[Any]


def stored_of_rows(config: NormConfig, stored: Integers, banks: Integers, width: int) -> Integers:
    """The values of the first ``width`` elements of each row, (rows, width); (1, width) for all where there is one
    bank. ``stored``: (banks, bank_values)."""
    repeat = config.parameter_repeat
    columns = -(-width // repeat)
    values = stored[:1, :columns] if config.banks == 1 else stored[banks, :columns]
    return values if repeat == 1 else np.repeat(values, repeat, axis=-1)[:, :width]


def parameter_of_rows(config: NormConfig, key: str, stored: Integers, batch: RowBatch) -> Integers:
    """The same of "gamma" or "beta" for a batch, which may have come with them; these are 0 behind a row's end."""
    if config.parameters_are_streamed:
        return np.where(batch.valid, batch.beside[key], 0)
    return stored_of_rows(config, stored, batch.banks, batch.x.shape[1])


def beside_of_core(config: NormConfig, batch: RowBatch) -> dict[str, npt.NDArray[np.integer]]:
    """The rows beside that the unit takes that normalizes; of interpolated banks, those that are made for them."""
    if config.banks_are_interpolated:
        stored, width = StoredParameters.of(config.banked), batch.x.shape[1]
        both = {"gamma": stored.gamma, "beta": stored.beta}
        found = {}
        for key, banks in both.items():
            first, second = stored_of_rows(config, banks, np.arange(2), width)
            found[key] = InterpolatedBanks.between(first, second, batch.beside["blend"])
        return found
    return {side.name: batch.beside[side.name] for side in config.core.side_inputs}
