"""Small configurations for tests of single blocks, and rows for them."""

from typing import Any

import numpy as np

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.reference.rows import corner_rows, random_rows


def unit(**changes: Any) -> NormConfig:
    keys: dict[str, Any] = {
        "norm": "layernorm",
        "lanes": 3,
        "max_length": 14,
        "input": IntFormat(6, scale=0.1),
        "output": IntFormat(8, scale=0.05),
        "epsilon": 0.01,
    }
    return NormConfig(**{**keys, **changes})


def differences(config: NormConfig, count: int, seed: int) -> list[np.ndarray]:
    """Rows of d: the corner rows and ``count`` random ones, less their pivot."""
    rng = np.random.default_rng(seed)
    batch = random_rows(config, count, rng)
    rows = [row for _, row in corner_rows(config, rng).values()]
    rows += [x[:length] for x, length in zip(batch.x, batch.lengths, strict=True)]
    centred = config.formula.centred
    return [row - (row[0] if centred else config.input.zero_point) for row in rows]
