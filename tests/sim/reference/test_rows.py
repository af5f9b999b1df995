"""Which corners there are, and what random rows look like."""

import re

import numpy as np
import pytest

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.reference.exact import exact_result
from streamnorm_sim.reference.rows import DISTRIBUTIONS, corner_rows, random_rows
from streamnorm_sim.streams.rows import RowBatch


def make_config(**changes):
    keywords = {
        "norm": "layernorm",
        "lanes": 4,
        "max_length": 21,
        "input": IntFormat(8),
        "output": IntFormat(8),
        "epsilon": 0.0,
    }
    return NormConfig(**(keywords | changes))


BANKED = {"banks": 3, "gamma": np.ones((3, 21))}


CORNER_CONFIGS = [
    make_config(),
    make_config(norm="rmsnorm", input=IntFormat(8, signed=False, zero_point=255)),
    make_config(norm="rmsnorm", input=IntFormat(12, zero_point=-2048)),
    make_config(input=IntFormat(24, signed=False, zero_point=77), lanes=64),
    make_config(lanes=1, max_length=16384, input=IntFormat(4)),
    make_config(lanes=1, max_length=1),
    make_config(lanes=4, max_length=2),
]


@pytest.mark.parametrize("config", CORNER_CONFIGS, ids=lambda c: f"{c.norm}-{c.input.name}-{c.max_length}")
def test_corner_rows_fit(config):
    rows = corner_rows(config, np.random.default_rng(1))
    for name, (length, row) in rows.items():
        assert row.shape == (length,), name
        assert row.dtype == np.int64, name
    RowBatch.pack(config, [row for _, row in rows.values()])


def test_corners_named_in_the_contract():
    config = make_config(input=IntFormat(8, zero_point=3))
    rows = {name: row for name, (_, row) in corner_rows(config, np.random.default_rng(1)).items()}
    assert {name for name in rows if name.startswith("constant")} == {
        "constant_zero_point",
        "constant_min",
        "constant_max",
        "constant_one_step",
    }
    assert rows["constant_zero_point"].tolist() == [3] * 21
    assert rows["constant_one_step"].tolist() == [4] * 21
    assert sorted(rows["large_mean_one_lower"]) == [126] + [127] * 20
    assert sorted(rows["large_mean_one_higher"]) == [-128] * 20 + [-127]
    assert set(rows["alternating_full_scale"][::2]) == {-128}
    assert set(rows["alternating_full_scale"][1::2]) == {127}
    assert rows["outlier_min_last"].tolist() == [3] * 20 + [-128]
    assert {len(row) for name, row in rows.items() if name.startswith("length_")} == {3, 4, 5, 8, 20, 21}
    assert {len(row) for name, row in rows.items() if name.startswith("one_")} == {1}
    assert {len(row) for name, row in rows.items() if name.startswith("two_elements")} == {2}


@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm"])
@pytest.mark.parametrize("zero_point", [-2000, 0, 2000])
def test_tie_rows_are_ties(norm, zero_point):
    config = make_config(norm=norm, input=IntFormat(12, zero_point=zero_point), output=IntFormat(16))
    names = [name for name in corner_rows(config, np.random.default_rng(1)) if name.startswith("ties_")]
    assert names == [f"ties_{2**power}" for power in range(2, 10)]
    for name in names:
        unit = config.replace(gamma=float(name.removeprefix("ties_")) * 3 / 2)
        row = corner_rows(unit, np.random.default_rng(1))[name][1]
        scaled = exact_result(unit, row[None]).scaled
        assert (np.abs(scaled - np.rint(scaled)) == 0.5).all()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_random_rows(distribution):
    config = make_config(min_length=2, **BANKED)
    batch = random_rows(config, 400, np.random.default_rng(2), distribution=distribution)
    again = random_rows(config, 400, np.random.default_rng(2), distribution=distribution)
    assert (batch.x == again.x).all()
    assert set(batch.lengths) == set(range(2, 22))
    assert set(batch.banks) == {0, 1, 2}
    deviations = np.array([row[:n].std() for row, n in zip(batch.x, batch.lengths, strict=True)])
    if distribution in ("mixed", "uniform", "full_scale"):
        assert batch.x.min() == -128
        assert batch.x.max() == 127
    if distribution in ("mixed", "low_variance"):
        assert deviations.min() < 1
    if distribution == "full_scale":
        assert set(np.abs(batch.x[batch.valid])) == {127, 128}


def test_random_rows_of_given_lengths():
    batch = random_rows(make_config(), 3, np.random.default_rng(2), lengths=[1, 21, 7])
    assert batch.lengths.tolist() == [1, 21, 7]
    assert len(random_rows(make_config(), 0, np.random.default_rng(2))) == 0


@pytest.mark.parametrize(
    ("count", "keywords", "message"),
    [
        (-1, {}, "count = -1: must be an integer of at least 0"),
        (
            1,
            {"distribution": "poisson"},
            "distribution = 'poisson': must be one of "
            "mixed, uniform, normal, large_mean, low_variance, outliers, full_scale",
        ),
        (1, {"lengths": [22]}, "lengths[0] = 22: must be from 1 to 21"),
    ],
)
def test_random_rows_refuses(count, keywords, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        random_rows(make_config(), count, np.random.default_rng(2), **keywords)
