"""What an engine must measure: the cycle model run on what engines run."""

import numpy as np

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm_sim.cycles.model.model import CycleModel
from streamnorm_sim.cycles.model.trace import CycleTrace
from streamnorm_sim.streams.joined import row_bounds
from streamnorm_sim.streams.stimulus import Stimulus
from streamnorm_sim.streams.traffic import Traffic

__all__ = ["predict"]


def predict(config: NormConfig, traffic: Traffic) -> CycleTrace:
    """Return the cycles in which every engine must see the traffic's beats; see `streamnorm_sim.engines.run`.

    Raises
    ------
    ConfigError
        If the traffic does not fit the configuration, loads parameters, resets the unit, or stops within a row; or no
        datapath reaches the accuracy asked for.
    """
    if traffic.loads or traffic.reset_at is not None:
        raise ConfigError("cycles are not predicted of a run with loads or a reset")
    stimulus = Stimulus.of(config, traffic)
    last = stimulus.rows.beats.last
    if len(last) and not last[-1]:
        raise ConfigError("cycles are predicted of whole rows; the last beat lacks tlast")
    starts, ends = row_bounds(last)
    model = CycleModel(config)
    source, sink = (np.asarray(pattern, np.bool_) for pattern in (stimulus.rows.open, stimulus.sink_open))
    # Only the number of a row's beats counts, not how far the last one is filled.
    return model.run((ends - starts) * config.lanes, source=source, sink=sink, cut=True)
