"""Gamma and beta as loads leave them."""

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameter_lane import parameter_lane
from streamnorm.spec.stored_floats import stored_parameters
from streamnorm_sim.streams.traffic import ParameterLoad

__all__ = ["LoadedParameters"]


class LoadedParameters:
    """The stored gamma and beta of each result of a configuration: its own until the first load.

    Attributes
    ----------
    values : dict of str to int64 (banks, bank_values)
        By the names under which a golden model takes them.
    """

    def __init__(self, config: NormConfig) -> None:
        self.values: dict[str, NDArray[np.int64]] = {
            part.name: getattr(stored_parameters(part.config), part.key) for part in parameter_lane(config.core)
        }

    def load(self, load: ParameterLoad) -> None:
        """Have what a load brings; what it does not reach stays."""
        for name, values in load.values.items():
            changed = self.values[name].copy()  # a model that has the old ones keeps them
            changed[load.bank, : len(values)] = values
            self.values[name] = changed
