"""A residual of floating-point rows: hardware against golden model, special values, cycles, and rows that are cut."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from ladder.checks import STALLS, agree, rows_for, traffic_of
from ladder.promises import cut_and_flagged, cycles_as_planned, stalled
from ladder.together import compile_with_its_like
from sim.reference.test_float_residual import all_pairs, hard_pairs
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.check.simulate import simulate
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.stalls import NO_STALL
from streamnorm_sim.streams.traffic import Traffic

NAN, INFINITE, OVERFLOW = 1, 2, 4
nan, inf = float("nan"), float("inf")

SUMS: dict[str, Any] = {"norm": "affine", "lanes": 1, "max_length": 256, "output": "fp8_e5m2"}
E4M3, BF16 = {"format": "fp8_e4m3fn", "emit_sum": True}, {"format": "bf16", "emit_sum": True}

ROWS: dict[str, dict[str, Any]] = {
    "bf16": {
        "norm": "rmsnorm", "epsilon": 1e-5, "lanes": 2, "max_length": 11, "input": "bf16", "output": "bf16",
        "residual": BF16,
    },
    "fp16": {
        "norm": "affine", "lanes": 3, "max_length": 10, "input": "fp16",
        "output": {"format": "int8", "scale": 0.04}, "target": "ecp5-85k-6", "clock_mhz": 150,
        "residual": {"format": "bf16", "alpha": -2.21875, "sum": {"format": "fp16", "overflow": "saturate"}},
    },
}  # fmt: skip
"""Units whose results are looked at, too; of the second no sums come out."""

ADDERS: dict[str, dict[str, Any]] = {
    "e4m3": {**SUMS, "input": "fp8_e4m3fn", "residual": E4M3},
    "e5m2": {**SUMS, "input": "fp8_e5m2", "residual": {**E4M3, "alpha": -1.5, "sum": "float(3, 2)"}},
    "fp32": {**SUMS, "input": "fp32", "residual": {"format": "fp32", "emit_sum": True}},
    "narrowed": {**SUMS, "input": "bf16", "residual": {"format": "fp32", "emit_sum": True, "sum": "bf16"}},
    "apart": {**SUMS, "input": "bf16", "residual": {"format": "fp16", "alpha": 2.0**-9, "emit_sum": True}},
}  # fmt: skip
"""Units whose sums are what is looked at."""

UNITS = {**ROWS, **ADDERS}


def unit(name: str) -> NormConfig:
    return NormConfig(name=name, **UNITS[name])


def compiled(name: str) -> NormConfig:
    """A unit of `ADDERS`, compiled as one program with the others."""
    config = unit(name)
    compile_with_its_like(config, map(unit, ADDERS))
    return config


@pytest.mark.parametrize("name", ROWS)
def test_every_stream_is_the_golden_models_under_any_stall(name: str) -> None:
    config = unit(name)
    stalls = [(NO_STALL, NO_STALL), (STALLS[2], STALLS[5]), (STALLS[4], STALLS[2])]
    for trace in stalled(config, rows_for(config, 5, 120), stalls=stalls):
        assert len(trace.rows) == 120
    every = np.arange(1, config.max_length + 1)
    lengths = random_rows(config, len(every), np.random.default_rng(6), lengths=every)
    agree(config, traffic_of(lengths, source=STALLS[1], sink=STALLS[2], reset_at=60))


@pytest.mark.parametrize("name", ROWS)
def test_cycles_are_those_of_the_plan(name: str) -> None:
    config = unit(name)
    cycles_as_planned(config, {1, config.lanes, config.max_length})


@pytest.mark.parametrize("name", ADDERS)
def test_sums_that_leave_are_the_golden_models(name: str) -> None:
    """Of formats of 8 bits all there are."""
    config = compiled(name)
    assert config.residual is not None
    x, f = config.input, config.residual.number
    assert isinstance(x, FloatFormat)
    assert isinstance(f, FloatFormat)
    small = x.bits + f.bits == 16
    first, second = all_pairs(x, f) if small else hard_pairs(config, 16384, np.random.default_rng(3))
    agree(config, Traffic(rows=first, beside={"residual": second}))


@pytest.mark.parametrize("name", ROWS)
def test_results_are_within_the_bound_of_rows_of_the_sums_format(name: str) -> None:
    config = unit(name)
    assert Plan.of(config).error_bound == Plan.of(config.core).error_bound
    batch = random_rows(config, 300, np.random.default_rng(8))
    y = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks, **batch.beside)
    accuracy = Accuracy.of(config, y, batch.x, batch.lengths, batch.banks, **batch.beside)
    assert accuracy.max_ulp <= Plan.of(config).error_bound + 1e-6


def test_sums_are_the_correctly_rounded_ones_and_others_are_found() -> None:
    config = unit("bf16")
    batch = random_rows(config, 300, np.random.default_rng(8))
    sums = GoldenModel(config).beside(batch)["sum"].x
    measured = Accuracy.of_sums(config, sums, batch)
    assert measured.correctly_rounded == 1
    assert 0.4 < measured.max_ulp <= 0.5
    wrong = np.where((sums != 0) & (np.arange(sums.shape[1]) == 2), sums ^ 1, sums)
    assert Accuracy.of_sums(config, wrong, batch).max_ulp >= 0.5


LARGEST = float(ml_dtypes.finfo(ml_dtypes.bfloat16).max)
LEAST = 2.0**-133

SPECIAL: dict[str, tuple[float, float, float, int]] = {
    "NaN and a number": (nan, 1.0, nan, NAN),
    "a number and NaN": (1.0, nan, nan, NAN),
    "infinity": (-inf, 5.0, -inf, INFINITE),
    "infinities alike": (inf, inf, inf, INFINITE),
    "infinities of opposite signs": (inf, -inf, nan, NAN),
    "beyond the largest": (-LARGEST, -LARGEST, -inf, INFINITE),
    "zeros with a sign": (-0.0, -0.0, -0.0, 0),
    "zeros of both signs": (-0.0, 0.0, 0.0, 0),
    "cancelled": (-3.0, 3.0, 0.0, 0),
    "zero and a number": (-0.0, 2.0, 2.0, 0),
    "subnormal": (LEAST, 2 * LEAST, 3 * LEAST, 0),
    "cancelled to a subnormal": (2.0**-126, -(2.0**-126) + LEAST, LEAST, 0),
    "a tie to even": (1.0, 2.0**-8, 1.0, 0),
    "a tie to even above": (1.0 + 2.0**-7, 2.0**-8, 1.0 + 2.0**-6, 0),
}
"""x, f, r, and what the row is flagged with."""


def test_special_values_are_those_of_a_row_that_came_in_as_the_sum() -> None:
    config, kind = unit("bf16"), ml_dtypes.bfloat16
    x, f, r, flags = (np.array(values) for values in zip(*SPECIAL.values(), strict=True))
    rows = [np.repeat(values[:, None], 5, axis=1).astype(kind) for values in (x, f, r)]
    batch = RowBatch.of(config, rows[0], residual=rows[1])
    trace = agree(config, traffic_of(batch, sink=STALLS[2]))
    wanted = RowBatch.of(config.core, np.where(np.isnan(rows[2]), np.array(nan, kind), rows[2]))
    np.testing.assert_array_equal(trace.rows_beside["sum"].x[:, :5], wanted.x)
    assert trace.rows.flags.tolist() == flags.tolist()
    model = GoldenModel(config.core)
    np.testing.assert_array_equal(trace.rows.x[:, :5], model.normalize(wanted.x))
    assert model.flags(wanted.x).tolist() == flags.tolist()


def test_overlong_rows_are_cut_and_flagged_on_both_streams() -> None:
    def about_the_longest(config: NormConfig, rng: np.random.Generator) -> NDArray[np.int64]:
        return rng.integers(1, config.max_length + 6, 60, endpoint=True)

    cut_and_flagged(unit("bf16"), about_the_longest, stalls=[(STALLS[1], STALLS[2])], seed=0)


def test_arrays_of_floats_go_in_and_codes_of_the_sums_come_out(tmp_path: Any) -> None:
    config = unit("bf16")
    rng = np.random.default_rng(4)
    x, f = (rng.normal(size=(30, 11)).astype(np.float32) for _ in range(2))
    np.save(tmp_path / "f.npy", f)
    found = simulate(
        config, rows=x, beside={"residual": tmp_path / "f.npy"}, outputs_beside={"sum": tmp_path / "r.npy"}, stall=0.3
    )
    assert found.failures == []
    assert found.accuracy_beside["sum"].correctly_rounded == 1
    wanted = x.astype(ml_dtypes.bfloat16) + f.astype(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(np.load(tmp_path / "r.npy"), wanted.view(np.uint16))
