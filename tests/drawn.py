"""Random configurations, rows included, for tests of the numbers."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from family import MEMBERS, keys_of
from streamnorm.errors import ConfigError
from streamnorm.precision.lane import precision_of
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.norms import NORMS
from streamnorm.spec.roots import ROOTS
from streamnorm_sim.reference.rows import corner_rows, random_rows
from streamnorm_sim.streams.rows import RowBatch

TARGETS = ("generic", "ecp5-85k-6", "ice40-hx8k", "ice40-up5k")
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 16, 17, 31, 33, 64, 100, 255, 256, 384)


def drawn_format(rng: np.random.Generator) -> IntFormat:
    """Any format of 4 to 24 bits; every other one has a zero point."""
    plain = IntFormat(int(rng.integers(4, 25)), bool(rng.integers(2)), scale=float(2.0 ** rng.uniform(-20, 4)))
    zero_point = int(rng.integers(plain.min, plain.max, endpoint=True)) if rng.integers(2) else 0
    return IntFormat(plain.bits, plain.signed, scale=plain.scale, zero_point=zero_point)


def drawn_config(seed: int, *, members: Sequence[str] = MEMBERS, **fixed: Any) -> NormConfig:
    """A configuration of some of the family that can be built; drawn again where gamma or beta do not fit."""
    rng, roots = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    while True:
        try:
            config = _drawn(rng, members, {"rsqrt": _drawn_root(roots), **fixed})
            precision_of(config)
        except ConfigError:
            continue
        return config


def _drawn_root(rng: np.random.Generator) -> str:
    """The default, or any method: not all are exact enough for all configurations."""
    return str(rng.choice(list(ROOTS))) if rng.integers(2) else "table"


def _drawn(rng: np.random.Generator, members: Sequence[str], fixed: dict[str, Any]) -> NormConfig:
    source = cast(IntFormat, fixed.get("input", drawn_format(rng)))
    output = cast(IntFormat, fixed.get("output", drawn_format(rng)))
    length = cast(int, fixed.get("max_length", int(rng.choice(LENGTHS))))
    reach = (output.max - output.min) * output.scale / 2
    epsilon = float(rng.choice([0.0, 1e-12, 1e-5, 1e-3, 1.0, source.scale**2 * 2.0 ** rng.uniform(-20, 25)]))
    member = str(rng.choice(members)) if rng.integers(2) else str(rng.choice(["layernorm", "rmsnorm"]))
    if "norm" in fixed:
        member = cast(str, fixed["norm"])
    keys: dict[str, Any] = {
        **keys_of(member, longest=length, epsilon=epsilon, reach=(source.max - source.min) * source.scale / 2),
        "lanes": int(rng.integers(1, 9)),
        "max_length": length,
        "input": source,
        "output": output,
        "gamma": (
            reach / float(rng.choice([1, 3, 4, max(length - 1, 1) ** 0.5])),
            reach * float(rng.normal()),
            rng.normal(0, reach / rng.uniform(1, 8), length),
            rng.uniform(0.05, 0.4, length) * reach,
        )[rng.integers(4)],
        "beta": (None, float(rng.normal(0, reach / 4)), rng.normal(0, reach / 8, length))[rng.integers(3)],
        "accuracy": str(rng.choice(["faithful", "tight"])),
        "target": str(rng.choice(TARGETS)),
    }
    keys = {**keys, **fixed}
    if not NORMS[keys["norm"]].has_statistic:
        keys.pop("rsqrt")
    return NormConfig(**keys)


def drawn_rows(config: NormConfig, rng: np.random.Generator, count: int) -> RowBatch:
    """All corner rows that the configuration allows, and ``count`` random ones; banks at random."""
    batch = random_rows(config, count, rng)
    rows = [row for _, row in corner_rows(config, rng).values()]
    rows += [x[:length] for x, length in zip(batch.x, batch.lengths, strict=True)]
    return RowBatch.pack(config, rows, rng.integers(config.banks, size=len(rows)))
