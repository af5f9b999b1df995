"""A small transformer for the tests of workloads."""

from typing import Any

from streamnorm_sim.workload import Model, Run

SMALL: dict[str, Any] = {
    "norm": "layernorm", "epsilon": 1e-5, "layers": 4, "d_model": 32, "heads": 4, "ffn": 64, "placement": "pre",
    "vocabulary": 100,
}  # fmt: skip


def model(**changes: Any) -> Model:
    return Model.of("small", {**SMALL, **changes})


def rows(*groups: tuple[int, int]) -> list[Run]:
    """Groups of rows that follow one another without a load."""
    return [Run(groups)]
