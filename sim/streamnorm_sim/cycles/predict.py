"""What an engine must measure: the cycle model run on what engines run."""

import numpy as np

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm_sim.cycles.model.model import CycleModel
from streamnorm_sim.cycles.model.trace import CycleTrace
from streamnorm_sim.streams.joined import per_row_of, row_bounds
from streamnorm_sim.streams.stimulus import Stimulus
from streamnorm_sim.streams.traffic import Traffic

__all__ = ["predict"]


def predict(config: NormConfig, traffic: Traffic) -> CycleTrace:
    """Return the cycles in which every engine must see the traffic's beats; see `streamnorm_sim.engines.run`.

    Raises
    ------
    ConfigError
        If the traffic does not fit the configuration, loads parameters, resets the unit, stops within a row, or has
        rows beside of other lengths; or no datapath reaches the accuracy asked for.
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
    per_row = per_row_of(config)
    for name, side in stimulus.sides.items():
        one_each = name in per_row and len(side.beats) == len(starts)
        if not one_each and not np.array_equal(side.beats.last, last):
            raise ConfigError(f"{name}: cycles are predicted of rows that are as long on all streams")
    sides = {name: side.open for name, side in stimulus.sides.items()} | dict(stimulus.sinks_open)
    beside = {name: np.asarray(pattern, np.bool_) for name, pattern in sides.items()}
    # Only the number of a row's beats counts, not how far the last one is filled.
    return model.run((ends - starts) * config.lanes, source=source, sink=sink, beside=beside, cut=True)
