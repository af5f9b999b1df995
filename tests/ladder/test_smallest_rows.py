"""Rows whose elements differ by a step at most: the smallest deviations there are."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.epsilon_placements import EPSILON_PLACEMENTS
from streamnorm_sim import simulate
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.streams.rows import RowBatch

STEP = {"format": "int8", "scale": 1.0}


def unit(norm: str, placement: str, **changes: Any) -> NormConfig:
    keys = {"lanes": 1, "max_length": 3, "epsilon": 1e-5, "input": STEP, "output": {"format": "int16", "scale": 0.0123}}
    return NormConfig(**{**keys, "name": "unit", "norm": norm, "epsilon_placement": placement, **changes})


def rows(length: int) -> Any:
    return np.array(list(product((-1, 0, 1), repeat=length)), np.int64)


@pytest.mark.parametrize("epsilon", [1e-9, 1e-5, 0.01, 1.0])
@pytest.mark.parametrize("placement", EPSILON_PLACEMENTS)
@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm", "l2norm", "crmsnorm"])
def test_golden_model_keeps_the_bound(norm: str, placement: str, epsilon: float) -> None:
    config = unit(norm, placement, epsilon=epsilon)
    batch = RowBatch.of(config, rows(3))
    y = GoldenModel(config).normalize(batch.x)
    assert Accuracy.of(config, y, batch.x, batch.lengths, None).max_ulp <= Plan.of(config).error_bound


@pytest.mark.parametrize("keys", [{}, {"norm": "l2norm", "defer": True, "output": STEP}])
def test_hardware_is_the_golden_model(keys: dict[str, Any]) -> None:
    config = unit(**{"norm": "layernorm", "placement": "root", **keys})
    assert simulate(config, rows=rows(3), stall=0.2).failures == []
