"""The scales that come behind the rows that a deferred unit lets through."""

import numpy as np
from numpy.typing import NDArray

from ladder.checks import agree, traffic_of
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import ScaleWord
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.trace import Trace


def scale_parts(trace: Trace) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Mantissas and exponents of the rows' scales, (rows, 1)."""
    (side,) = trace.config.side_outputs
    assert isinstance(side.number, ScaleWord)
    return side.number.parts(trace.rows_beside["scale"].x)


def scales_follow_as_planned(config: NormConfig, batch: RowBatch) -> None:
    """Each scale comes as many cycles after the last beat of its row went in as the plan says."""
    trace = agree(config, traffic_of(batch))
    ends = np.cumsum(-(-batch.lengths // config.lanes)) - 1
    late = trace.sides["scale"].cycles - trace.input_cycles[ends]
    assert set(late.tolist()) == {Plan.of(config).scale_latency}
