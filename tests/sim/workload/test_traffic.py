"""Octets through memory, fused and apart, against those of a row counted by hand."""

import numpy as np
import pytest

from streamnorm.spec.config import NormConfig
from streamnorm_sim.workload import Workload, find_model
from streamnorm_sim.workload.traffic import Traffic, traffic_of

BASE = {"norm": "layernorm", "lanes": 8, "max_length": 768, "epsilon": 1e-12, "input": "int8", "output": "int8"}
ADDED = {"format": "int8", "scale": 2.0}
BANKS = np.linspace(0.5, 2, 2 * 768).reshape(2, 768)
STREAMED = {"storage": "stream", "gamma_max": 4.0, "beta_max": 4.0, "gamma_bits": 16, "beta_bits": 20}


def unit(**changes):
    return NormConfig(**{**BASE, "name": "unit", **changes})


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, Traffic(10, 10, 10, 10, ("norm",), 0)),
        # The add reads x and f and writes r, which the norm reads.
        ({"residual": ADDED}, Traffic(20, 10, 30, 20, ("residual", "norm"), 2)),
        ({"residual": {**ADDED, "emit_sum": True}}, Traffic(20, 20, 30, 20, ("residual", "norm"), 2)),
        (
            {"residual": {**ADDED, "emit_sum": True, "sum": {"format": "int16"}}},
            Traffic(20, 30, 40, 30, ("residual", "norm"), 2),
        ),
        # Two octets of each element in between, and a scale of four octets.
        ({"output": {"format": "int8", "scale": "row"}}, Traffic(10, 14, 30, 34, ("norm", 'scale = "row"'), 2)),
        # Gamma of two octets and beta of three.
        (STREAMED, Traffic(60, 10, 80, 30, ("norm", 'storage = "stream"'), 2)),
        (
            {**STREAMED, "residual": ADDED, "output": {"format": "int8", "scale": "row"}},
            Traffic(70, 14, 120, 64, ("residual", "norm", 'storage = "stream"', 'scale = "row"'), 6),
        ),
        # Two octets of each element in between, and a scale of four octets.
        (
            {"input": {"format": "int8", "scale": "row"}},
            Traffic(14, 10, 34, 30, ('scale = "row" in [input]', "norm"), 2),
        ),
        # A t of two octets; gamma of two octets and beta of three, for each element.
        (
            {
                "banks": 2,
                "bank_order": "interpolated",
                "gamma": BANKS,
                "gamma_bits": 16,
                "beta_bits": 20,
                "beta": BANKS,
            },
            Traffic(12, 10, 62, 60, ('bank_order = "interpolated"', "norm"), 2),
        ),
        # The row is read twice.
        ({"results": [{"output": "int16"}]}, Traffic(10, 30, 20, 30, ("norm", "results"), 2)),
        # A sum of two octets, read twice.
        (
            {"residual": {**ADDED, "emit_sum": True, "sum": "int16"}, "results": [{"output": "int8"}]},
            Traffic(20, 40, 60, 40, ("residual", "norm", "results"), 4),
        ),
        # Nothing is spared but time; a scale of three octets.
        ({"norm": "rmsnorm", "defer": True}, Traffic(10, 13, 10, 13, ("norm",), 0)),
    ],
)
def test_a_row_of_ten_elements(changes, wanted):
    assert traffic_of(unit(**changes), [(10, 1)]) == wanted


def test_rows_of_all_lengths_and_units_are_added():
    config = unit(residual=ADDED)
    one, two = traffic_of(config, [(768, 3)]), traffic_of(config, [(9, 2)])
    assert traffic_of(config, [(768, 3), (9, 2)]) == one + two
    assert (one + two).apart_cycles == 3 * 96 + 2 * 2
    assert Traffic() + one == one


def test_a_model_on_fused_units():
    model = find_model("bert-base")
    fused, plain = (Workload(model, (unit(residual=of),), tokens=128) for of in (ADDED, None))
    [phase] = fused.phases()
    assert phase.traffic == traffic_of(unit(residual=ADDED), [(768, 25 * 128)])
    assert phase.traffic is not None
    assert phase.traffic.apart_cycles == phase.busy
    assert fused.to_dict()["phases"][0]["traffic"]["passes"] == ["residual", "norm"]
    assert [phase.traffic for phase in plain.phases()] == [None]
    assert fused.differences()[0] == "unit adds a residual to each row; bert-base has norms behind no add: embedding"
    assert fused.differences()[1:] == plain.differences()


def test_gamma_and_beta_that_come_with_the_row_are_stored_nowhere():
    model = find_model("bert-base")
    assert Workload(model, (unit(**STREAMED),), tokens=8).memory_use()["parameter_bytes"] == 0
